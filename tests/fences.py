"""What stands around a fence of a page of tests, so that a case is no longer than what it is about."""

from __future__ import annotations

SPACE = "smash 1\nspace s {\n  input image[8, 8, 8]\n  output classes(4)\n"
HEAD = "  head { global_avg_pool; linear(classes) }\n"
AROUND = {
    "": ("", ""),
    "space": (SPACE, f"{HEAD}}}\n"),
    "body": (f"{SPACE}body {{\n", f"}}\n{HEAD}}}\n"),
    "head": (f"{SPACE}head {{\n", "}\n}\n"),
    "block": (f"{SPACE}block b {{\n  banks 4 of 8\n", f"}}\n{HEAD}}}\n"),
}
