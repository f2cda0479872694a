"""Text to syntax tree: the grammar's reductions, and parsing that goes on after an error."""
