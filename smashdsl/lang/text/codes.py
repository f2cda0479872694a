"""Every diagnostic code, with its title.

Blocks: 00 text, 01 names, 02 types and shapes, 03 banks, 04 limits, 10 warnings.
"""

from __future__ import annotations

CODES: dict[str, str] = {
    # text
    "SD0001": "the file does not start with a known language version",
    "SD0002": "a character that belongs to no word of the language",
    "SD0003": "a word that can't stand here",
    "SD0004": "a bracket that is never closed",
    "SD0005": "two statements on one line without `;` between them",
    "SD0006": "a control character that hides what the text says",
    "SD0007": "an import that can't be read",
    "SD0008": "files that import each other",
    "SD0009": "an import that names no file of this folder",
    # names
    "SD0101": "a name that is not declared",
    "SD0102": "a name that is declared twice or reserved",
    "SD0103": "an argument the layer does not take",
    "SD0104": "an argument that is missing",
    "SD0105": "too many arguments, or one given twice",
    "SD0106": "ops or cells that use themselves",
    "SD0107": "a part of the space that is missing or stands twice",
    # types and shapes
    "SD0201": "a value of the wrong type",
    "SD0202": "a division that leaves a remainder",
    "SD0203": "channels that do not fit",
    "SD0204": "a choice with no elements, or with equal ones",
    "SD0205": "weights of a choice that make no law",
    "SD0206": "grids that do not agree",
    "SD0207": "a layer that can't take this input",
    "SD0208": "a number out of range",
    "SD0209": "an output that does not match what the space declares",
    "SD0210": "something decided once whose choices differ between its uses",
    "SD0211": "a layer of another package that is faulty",
    # banks
    "SD0301": "a read of a bank that was never written",
    "SD0302": "a bank that does not exist",
    "SD0303": "a pool that can't give the banks asked for",
    "SD0304": "fewer target banks than chunks",
    "SD0305": "entering values that do not fill whole banks",
    "SD0306": "a read or write where there are no banks, or in the wrong place",
    "SD0307": "an op that adds nothing to what its `ops while` counts",
    # limits
    "SD0401": "nesting deeper than the limit",
    "SD0402": "more sites than the limit",
    "SD0403": "more states than checking follows: not decided",
    "SD0404": "a spec of more tokens than the limit",
    "SD0405": "more imported files than the limit",
    "SD0406": "more imported bytes than the limit",
    # warnings
    "SD1001": "an op, cell or param that nothing uses",
    "SD1002": "a layer of a `let` that nothing uses",
    "SD1003": "a formal that its op or cell never uses",
    "SD1004": "two equal alternatives of a `choose`",
    "SD1005": "a range of one number",
    "SD1006": "a repeat of one",
    "SD1007": "an `identity` beside other layers",
    "SD1008": "a layer twice that does the same as once",
    "SD1009": "weights that are all equal",
    "SD1010": "a warning that is allowed but not told",
    "SD1011": "an argument that is its default",
    "SD1012": "a choice of one element",
    "SD1013": "a `;` that separates nothing",
    "SD1014": "an op whose banks never leave its cell",
    "SD1015": "a repeat or ops that never run",
    "SD1016": "a constraint that every member meets",
    "SD1017": "constraints that no member meets",
}
