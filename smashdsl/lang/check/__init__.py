"""Every member of a program followed at once: shapes, banks, the number of architectures."""
