"""From text to a checked, typed space: source, syntax, IR and the analysis of every member at once.

This folder is pure Python: it imports neither torch nor numpy, so that checking a spec is instant.
"""
