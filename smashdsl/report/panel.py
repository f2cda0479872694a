"""A block or cell as a panel: banks are lanes that run down, ops are boxes beside them, in the order they happen."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from xml.sax.saxutils import escape

from smashdsl.report import scene as s
from smashdsl.report.describe import TIMES
from smashdsl.report.typeset import Drawing, label, number, pill, ranges, text, text_width

INLET = 18.0  # from a part's left edge to where the stream enters and leaves
LANES = 40.0  # from a panel's left edge to its first lane
WIDEST_LANES, NARROWEST_LANES = 448.0, 96.0
WIDEST_PITCH, NARROWEST_PITCH = 24.0, 9.0
INDEX_PITCH = 13.0  # lanes closer than this are numbered one in four
WIDEST_LABEL = 440.0
TOP, INDICES, FIRST_OP = 64.0, 52.0, 82.0
RAIL, BETWEEN, BOX_PAD, ROW_GAP, GUTTER = 9.0, 4.0, 7.0, 16.0, 26.0
TIP = 6.0


@dataclass(frozen=True)
class Columns:
    """What all panels of a picture have in common: the widths of the lanes' column, of boxes, and of a whole part."""

    lanes: float
    boxes: float
    width: float

    @property
    def boxes_left(self) -> float:
        return LANES + self.lanes + 14


@dataclass(frozen=True)
class _Row:
    """An op with its label drawn, and where its box lies."""

    op: s.Op
    label: Drawing
    top: float
    height: float

    @property
    def bottom(self) -> float:
        return self.top + self.height

    @property
    def middle(self) -> float:
        return self.top + self.height / 2

    # rails keep to the middle of a box, however tall, so that those of one op are nearer than those of two

    def read_rail(self, index: int) -> float:
        return self._rail(index)

    def write_rail(self, index: int) -> float:
        return self._rail(len(self.op.reads) + index) + BETWEEN

    def _rail(self, index: int) -> float:
        rails = len(self.op.reads) + len(self.op.writes)
        return self.middle + RAIL * (index - (rails - 1) / 2) - BETWEEN / 2


def columns(panels: list[s.Panel], least: float) -> Columns:
    """Return columns that hold every panel."""
    if not panels:
        return Columns(0, 0, least)
    banks = max(panel.banks for panel in panels)
    lanes = max(NARROWEST_LANES, min(banks * WIDEST_PITCH, WIDEST_LANES), banks * NARROWEST_PITCH)
    boxes = max([op_label(op).width for panel in panels for op in panel.ops], default=0) + GUTTER + 12
    heads = max(_heading(panel, 99, "")[1] for panel in panels)
    boxes = max(boxes, 120)
    return Columns(lanes, boxes, max(least, LANES + lanes + 14 + boxes + 16, heads))


def op_label(op: s.Op) -> Drawing:
    """Draw what an op does, with how it writes where that is not by adding."""
    drawing = label(op.label, op.reads, WIDEST_LABEL)
    joins = dict.fromkeys(write.join for write in op.writes if write.join != "sum")
    if not joins:
        return drawing
    note = pill(f"by {', '.join(joins)}", "plain", "quiet")
    x, height = drawing.width + 8, max(drawing.height, note.height)
    return Drawing(x + note.width, height, drawing.svg + note.at(x, (height - note.height) / 2))


def draw_panel(part: s.Part, columns: Columns) -> Drawing:
    """Draw a panel; the stream enters at (INLET, 0) and leaves at (INLET, height)."""
    panel = part.what
    assert isinstance(panel, s.Panel)
    rows = _rows(panel)
    last = rows[-1].bottom + ROW_GAP if rows else FIRST_OP
    pitch = min(WIDEST_PITCH, columns.lanes / panel.banks)
    painter = _Painter(panel, rows, pitch, last + 10, columns)
    height = last + 26
    frame = frames(columns.width, height, part.times, "panel inset" if part.inside is not None else "panel")
    svg = [frame, _heading(panel, part.times, part.inside)[0], painter.lanes(), painter.streams(), painter.ops()]
    return Drawing(columns.width, height, "".join(svg))


def frames(width: float, height: float, times: int, css: str) -> str:
    """Draw the ground of a part, as a pile of cards where it occurs several times."""
    card = '<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="8"/>'
    offsets = (6, 3, 0) if times > 1 else (0,)
    return "".join(card.format(css, dx, dx, number(width), number(height)) for dx in offsets)


def _rows(panel: s.Panel) -> list[_Row]:
    rows, top = [], FIRST_OP
    for op in panel.ops:
        drawing = op_label(op)
        rails = len(op.reads) + len(op.writes)
        # even, so that the rails of all ops lie on the pixels alike
        height = 2 * ceil(max(drawing.height + 2 * BOX_PAD, RAIL * (rails + 1) + BETWEEN) / 2)
        rows.append(_Row(op, drawing, top, height))
        top += height + ROW_GAP
    return rows


def _heading(panel: s.Panel, times: int, inside: str | None) -> tuple[str, float]:
    """Return a panel's heading and how far right it goes."""
    x, svg = INLET + 14, []
    banks = f"{panel.banks} bank{'s' * (panel.banks != 1)} of {panel.bank} channel{'s' * (panel.bank != 1)}"
    words = [(panel.place.name, "name", 14.0), (f"{TIMES}{times}" if times > 1 else "", "times", 14.0)]
    words.append((banks, "quiet", 12.0))
    words.append((f"inside {inside}" if inside else "", "quiet", 12.0))
    for content, css, size in words:
        if content:
            svg.append(text(x, 24, content, css))
            x += text_width(content, size) + 12
    return "".join(svg), x


class _Painter:
    """Draws the lanes, streams and ops of one panel."""

    def __init__(self, panel: s.Panel, rows: list[_Row], pitch: float, end: float, columns: Columns) -> None:
        self.panel, self.rows, self.pitch, self.end = panel, rows, pitch, end
        self.columns = columns
        self.radius = min(6.0, pitch * 0.42)
        self.left = columns.boxes_left

    def x(self, bank: int) -> float:
        return LANES + self.pitch * (bank + 0.5)

    # -- banks ----------------------------------------------------------------------------------

    def lanes(self) -> str:
        return "".join(self._lane(bank) for bank in range(self.panel.banks))

    def _lane(self, bank: int) -> str:
        x, top, bottom = number(self.x(bank)), TOP + self.radius, self.end - self.radius
        written = self._written(bank)
        svg = f"<title>bank {bank}</title>"
        if self.pitch >= INDEX_PITCH or bank % 4 == 0:
            svg += text(self.x(bank), INDICES, str(bank), "bank")
        line = '<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        until = bottom if written is None else written
        if until > top:
            svg += line.format("faint", x, x, number(top), number(until))
        if written is not None:
            svg += line.format("strong", x, x, number(written), number(bottom))
        return f'<g class="lane">{svg}</g>'

    def _written(self, bank: int) -> float | None:
        """Return where a bank starts to hold a value."""
        if bank < self.panel.filled:
            return TOP + self.radius
        for row in self.rows:
            for index, write in enumerate(row.op.writes):
                if bank in write.banks:
                    return row.write_rail(index) + self.radius + TIP
        return None

    def streams(self) -> str:
        """Draw how what enters fills the first banks, and how banks leave."""
        r, svg = number(self.radius), []
        start = f"M{number(INLET)} 0V{number(TOP - 6)}q0 6 6 6"
        for bank in range(self.panel.filled):
            x = self.x(bank) - self.radius
            svg.append(f'<path class="flow" d="{start}H{number(x)}q{r} 0 {r} {r}"/>')
            start = f"M{number(x)} {number(TOP)}"
        end = f"H{number(INLET + 6)}q-6 0 -6 6V{number(self.end + 16)}"
        for bank in self.panel.leaving:
            x = self.x(bank) - self.radius
            start = f"M{number(self.x(bank))} {number(self.end - self.radius)}q0 {r} -{r} {r}"
            svg.append(f'<path class="flow" d="{start}{end}"/>')
            end = f"H{number(x)}"
        return "".join(svg)

    # -- ops ------------------------------------------------------------------------------------

    def ops(self) -> str:
        return "".join(self._op(row) for row in self.rows)

    def _op(self, row: _Row) -> str:
        op = row.op
        said = "; ".join(
            [f"reads {ranges(read.banks)}" for read in op.reads]
            + [f"writes {ranges(write.banks)}" for write in op.writes]
        )
        svg = [f"<title>{escape(f'{op.name} {said}')}</title>"]
        for index, read in enumerate(op.reads):
            svg += self._read(read, row.read_rail(index))
        for index, write in enumerate(op.writes):
            svg += self._write(write, row.write_rail(index))
        size = f'width="{number(self.columns.boxes)}" height="{number(row.height)}"'
        svg.append(f'<rect class="box" x="{number(self.left)}" y="{number(row.top)}" {size} rx="6"/>')
        svg.append(text(self.left + 13, row.middle + 4, op.name.strip("op[]"), "mid small quiet"))
        svg.append(row.label.at(self.left + GUTTER, row.middle - row.label.height / 2))
        return f'<g class="op">{"".join(svg)}</g>'

    # a bank's line is its bend and the rail as far as the next bank's: lines drawn over each other would look bold

    def _read(self, read: s.Access, y: float) -> list[str]:
        svg = [self._halo(read, y)] if read.banks else []
        r = number(self.radius)
        for x, end in self._spans(read):
            bend = f"M{number(x)} {number(y - self.radius)}q0 {r} {r} {r}H{number(end)}"
            svg.append(f'<path class="read" marker-start="url(#smash-dot)" d="{bend}"/>')
        return svg

    def _write(self, write: s.Access, y: float) -> list[str]:
        svg = [self._halo(write, y)] if write.banks else []
        r = number(self.radius)
        for x, start in self._spans(write):
            bend = f"M{number(start)} {number(y)}H{number(x + self.radius)}q-{r} 0 -{r} {r}"
            svg.append(f'<path class="write" marker-end="url(#smash-tip)" d="{bend}"/>')
        return svg

    def _spans(self, access: s.Access) -> list[tuple[float, float]]:
        """Return where each bank's lane is, and where its line meets that of the next bank, or the box."""
        lanes = [self.x(bank) for bank in access.banks]
        return list(zip(lanes, [*(x + self.radius for x in lanes[1:]), self.left], strict=True))

    def _halo(self, access: s.Access, y: float) -> str:
        """Clear the lanes that a rail crosses, so that it is seen to pass over them."""
        start = number(self.x(access.banks[0]) + self.radius + 1)
        return f'<path class="halo" d="M{start} {number(y)}H{number(self.left)}"/>'
