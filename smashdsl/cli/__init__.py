"""The command line: one file a command, each parses its arguments, calls one function and shows the result."""
