"""Labelled images: where they come from and how they reach a device."""

from smashdsl.data.load import load
from smashdsl.data.source import Dataset, Split

__all__ = ["Dataset", "Split", "load"]
