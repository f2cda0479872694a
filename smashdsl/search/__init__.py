"""Scores to a winner: scoring, strategies, the study, and training found architectures for real."""
