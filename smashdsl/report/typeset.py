"""Labels of ops as small drawings: layers are pills in a row, parallel paths are rows between brackets."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

from smashdsl.report import scene as s
from smashdsl.report.describe import TIMES

PILL = 18.0
GAP = 6.0
LINE_GAP = 5.0
SPREAD = 13.0  # width of the curves that part or meet
NARROWEST = 120.0  # a line is never broken to less than this
DASH = "\N{EN DASH}"
SYMBOLS = {"sum": "+", "product": TIMES}
WIDE, NARROW = frozenset("mwMW→" + TIMES), frozenset("ijltfr.,:;|!'()[] ")


@dataclass(frozen=True)
class Drawing:
    """A piece of a picture, its upper left corner at the origin."""

    width: float
    height: float
    svg: str

    def at(self, x: float, y: float) -> str:
        """Return the drawing moved to a place."""
        return f'<g transform="translate({number(x)} {number(y)})">{self.svg}</g>' if self.svg else ""


def number(value: float) -> str:
    """Return a coordinate with one digit behind the point at most."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def text_width(text: str, size: float) -> float:
    """Return about how wide text is, on the wide side: the font is only known where the picture is shown."""
    ems = sum(0.9 if c in WIDE else 0.36 if c in NARROW else 0.7 if c.isupper() else 0.6 for c in text)
    return ems * size


def text(x: float, y: float, content: str, css: str = "") -> str:
    """Return a line of text; ``y`` is its baseline."""
    mark = f' class="{css}"' if css else ""
    return f'<text{mark} x="{number(x)}" y="{number(y)}">{escape(content)}</text>'


def label(items: s.Label, reads: tuple[s.Access, ...], limit: float) -> Drawing:
    """Draw a label; a sequence wider than ``limit`` goes on in the next line."""
    lines: list[list[Drawing]] = [[]]
    width = 0.0
    for item in items:
        drawing = _item(item, reads, limit)
        if drawing is None:
            continue
        if lines[-1] and width + GAP + drawing.width > limit:
            lines.append([])
        width = drawing.width + (width + GAP if lines[-1] else 0)
        lines[-1].append(drawing)
    return _stack([_row(line) for line in lines])


def _item(item: s.Item, reads: tuple[s.Access, ...], limit: float) -> Drawing | None:
    match item:
        case s.Layer():
            return pill(item.text, item.role)
        case s.Panel():
            return pill(item.place.name, "own")
        case s.Fork():
            return _fork(item, reads, max(limit - 2 * SPREAD - 30, NARROWEST))
        case s.Read():
            note = read_note(reads, item.index)
            return pill(note, "plain", "quiet") if note else None


def read_note(reads: tuple[s.Access, ...], index: int) -> str:
    """Return what to say of a read in an op's label: nothing if it is the only one and concatenates."""
    read = reads[index]
    join = f"{read.join} of " if read.join != "concat" and len(read.banks) > 1 else ""
    return "" if len(reads) == 1 and not join else f"{join}{ranges(read.banks)}"


def ranges(banks: tuple[int, ...]) -> str:
    """Return banks as text, neighbours as ranges."""
    runs: list[list[int]] = []
    for bank in banks:
        if runs and runs[-1][-1] == bank - 1:
            runs[-1].append(bank)
        else:
            runs.append([bank])
    return ", ".join(f"{run[0]}{DASH}{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def pill(words: str, role: str, css: str = "") -> Drawing:
    """Draw a layer; one without weights is text alone."""
    plain = role == "plain"
    width = text_width(words, 12) + (2 if plain else 12)
    if plain:
        return Drawing(width, PILL, text(1, 13.2, words, css))
    back = f'<rect class="{role}" width="{number(width)}" height="{number(PILL)}" rx="5"/>'
    return Drawing(width, PILL, back + text(width / 2, 13.2, words, f"mid {css}".strip()))


def _row(drawings: list[Drawing]) -> Drawing:
    """Put drawings side by side, their middles on one line."""
    height = max((d.height for d in drawings), default=PILL)
    x, svg = 0.0, []
    for drawing in drawings:
        svg.append(drawing.at(x, (height - drawing.height) / 2))
        x += drawing.width + GAP
    return Drawing(max(x - GAP, 0), height, "".join(svg))


def _stack(rows: list[Drawing]) -> Drawing:
    y, svg = 0.0, []
    for row in rows:
        svg.append(row.at(0, y))
        y += row.height + LINE_GAP
    return Drawing(max(row.width for row in rows), y - LINE_GAP, "".join(svg))


def _fork(fork: s.Fork, reads: tuple[s.Access, ...], limit: float) -> Drawing:
    rows = [label(path, reads, limit) for path in fork.paths]
    inner = max(row.width for row in rows)
    height = sum(row.height for row in rows) + LINE_GAP * (len(rows) - 1)
    right = SPREAD + inner + 8
    end = right if not fork.join else right + SPREAD
    y, svg = 0.0, []
    for row in rows:
        middle = y + row.height / 2
        svg.append(_bend(0, height / 2, SPREAD - 3, middle))
        svg.append(row.at(SPREAD, y))
        if fork.join:
            start = SPREAD + row.width + 3 if row.width else SPREAD - 3
            svg.append(f'<path class="line" d="M{number(start)} {number(middle)}H{number(right)}"/>')
            svg.append(_bend(right, middle, end, height / 2))
        y += row.height + LINE_GAP
    if not fork.join:
        return Drawing(end, height, "".join(svg))
    sign = _sign(fork.join)
    return Drawing(end + sign.width, height, "".join(svg) + sign.at(end, (height - sign.height) / 2))


def _bend(x0: float, y0: float, x1: float, y1: float) -> str:
    half = number((x0 + x1) / 2)
    ends = number(y0), number(y1)
    return f'<path class="line" d="M{number(x0)} {ends[0]}C{half} {ends[0]} {half} {ends[1]} {number(x1)} {ends[1]}"/>'


def _sign(join: str) -> Drawing:
    """Draw how paths meet."""
    words = SYMBOLS.get(join, join)
    width = 16.0 if join in SYMBOLS else text_width(words, 11) + 12
    back = f'<rect class="joint" x="0.5" y="0.5" width="{number(width - 1)}" height="15" rx="7.5"/>'
    return Drawing(width, 16, back + text(width / 2, 12, words, "mid small"))
