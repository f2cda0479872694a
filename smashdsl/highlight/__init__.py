"""Colours for `.smash` texts: a Pygments lexer and a TextMate grammar, both read off the language's grammar."""
