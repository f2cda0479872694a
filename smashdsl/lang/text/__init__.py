"""The text of a spec, and everything said about it: sources, spans, diagnostics, limits."""
