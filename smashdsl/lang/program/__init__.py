"""Typed IR to program: ops inlined, loops unrolled, every decision with its path."""
