"""Warnings: what is right, but can hardly be what was meant, or could be said shorter; and how it is mended."""
