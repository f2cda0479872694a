"""One point of a space: its decisions, how they are drawn, counted as costs, and coded as a tensor and back.

numpy, not torch: an architecture exists before any network does.
"""
