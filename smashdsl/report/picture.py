"""An architecture as a picture: a self-contained SVG in which banks are lanes and ops read and write them."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from smashdsl.report import scene as s
from smashdsl.report.describe import TIMES
from smashdsl.report.panel import INLET, Columns, columns, draw_panel, frames
from smashdsl.report.record import record
from smashdsl.report.style import style
from smashdsl.report.typeset import Drawing, label, number, text, text_width
from smashdsl.space.architecture import Architecture

MARGIN = 28.0
LEAST_WIDTH = 560.0
JOINT = 28.0
INDENT = 40.0
INSET_GAP = 12.0
BAR_LABEL = 12.0
PILE = 6.0
NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ROLES = {
    "generated": "generated weights",
    "shared": "shared weights",
    "own": "own weights",
    "fixed": "fixed weights",
}

MARKERS = (
    '<defs><marker id="smash-dot" markerWidth="6" markerHeight="6" refX="3" refY="3" markerUnits="userSpaceOnUse">'
    '<circle class="dot" cx="3" cy="3" r="2.2"/></marker>'
    '<marker id="smash-tip" markerWidth="8" markerHeight="8" refX="0" refY="4" orient="auto" '
    'markerUnits="userSpaceOnUse"><path class="tip" d="M0 1L6 4L0 7z"/></marker>'
    '<marker id="smash-arrow" markerWidth="8" markerHeight="8" refX="6" refY="4" orient="auto" '
    'markerUnits="userSpaceOnUse"><path class="arrow" d="M0 1L6 4L0 7z"/></marker></defs>'
)


def draw(architecture: Architecture, title: str | None = None) -> str:
    """Draw an architecture as a self-contained SVG document; equal architectures give equal bytes."""
    return render(record(architecture), title)


def render(scene: s.Scene, title: str | None = None) -> str:
    """Return the picture of a scene as SVG."""
    title = None if title is None else NO_XML.sub("\N{REPLACEMENT CHARACTER}", title)
    body = _network(scene)
    head = _head(scene, title)
    width = max(body.width, head.width) + 2 * MARGIN
    height = head.height + body.height + 2 * MARGIN
    size = f'width="{number(width)}" height="{number(height)}" viewBox="0 0 {number(width)} {number(height)}"'
    name = title or scene.space
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="smash-picture" {size} role="img" '
            f"aria-label={quoteattr(name)}>",
            f"<title>{escape(name)}</title>",
            f"<style>{escape(style())}</style>",
            MARKERS,
            f'<rect class="page" width="{number(width)}" height="{number(height)}" rx="12"/>',
            head.at(MARGIN, MARGIN),
            body.at(MARGIN, MARGIN + head.height),
            "</svg>\n",
        )
    )


def _head(scene: s.Scene, title: str | None) -> Drawing:
    """Draw the title, the caption and what the colours mean."""
    caption = f"{scene.params:,} parameters · {scene.flops:,} multiply-adds"
    if title is not None:
        caption = f"{scene.space} · {caption}"
    svg = [text(0, 18, title or scene.space, "title"), text(0, 40, caption, "quiet")]
    width = max(text_width(title or scene.space, 22), text_width(caption, 12))
    x = 0.0
    for drawing in _legend(scene):
        svg.append(drawing.at(x, 54))
        x += drawing.width + 16
    return Drawing(max(width, x), 88 if x else 58, "".join(svg))


def _legend(scene: s.Scene) -> list[Drawing]:
    found = []
    if any(isinstance(part.what, s.Panel) for part in scene.parts):
        for css, marker, word in (("read", "start", "reads"), ("write", "end", "writes")):
            what = f'marker-{marker}="url(#smash-{"dot" if css == "read" else "tip"})"'
            line = f'<path class="legend {css}" {what} d="M4 9H20"/>'
            found.append(Drawing(32 + text_width(word, 11), 18, line + text(30, 13, word, "small quiet")))
    roles = {layer.role for part in scene.parts for layer in _layers(part.what)}
    for role, words in ROLES.items():
        if role in roles:
            swatch = f'<rect class="{role}" y="3" width="18" height="12" rx="4"/>'
            found.append(Drawing(24 + text_width(words, 11), 18, swatch + text(24, 13, words, "small quiet")))
    return found


def _layers(what: s.Panel | s.Bar) -> list[s.Layer]:
    labels = [op.label for op in what.ops] if isinstance(what, s.Panel) else [what.label]
    found: list[s.Layer] = []
    while labels:
        for item in labels.pop():
            if isinstance(item, s.Layer):
                found.append(item)
            elif isinstance(item, s.Fork):
                labels += item.paths
    return found


def _network(scene: s.Scene) -> Drawing:
    """Draw the parts one below the other, with what flows at the joints."""
    shared = columns([part.what for part in scene.parts if isinstance(part.what, s.Panel)], LEAST_WIDTH)
    svg = [f'<circle class="arrow" cx="{number(INLET)}" cy="6" r="3.5"/>', _shape(6, scene.source)]
    flows: list[str] = []
    y, before, width, shape = 6.0, 6.0, shared.width, scene.source
    for part in scene.parts:
        drawing, pile = _part(part, shared), PILE if part.times > 1 else 0.0
        if part.inside is not None:
            # what flows on passes at the left of it
            svg.append(drawing.at(INDENT, y + INSET_GAP))
            y, width = y + INSET_GAP + drawing.height, max(width, INDENT + drawing.width)
            continue
        if flows:
            svg.append(_shape(y + JOINT / 2, shape))
        y += JOINT
        flows.append(_flow(before, y))
        svg.append(drawing.at(0, y))
        before = y + drawing.height
        y, width, shape = before + pile, max(width, drawing.width + pile), part.what.shape
    svg.append(_shape(y + JOINT / 2, shape))
    flows.append(_flow(before, y + JOINT))
    return Drawing(width, y + JOINT, "".join(svg + flows))


def _flow(start: float, end: float) -> str:
    return f'<path class="flow" marker-end="url(#smash-arrow)" d="M{number(INLET)} {number(start)}V{number(end)}"/>'


def _shape(y: float, shape: s.Shape) -> str:
    return text(INLET + 12, y + 4, f"[{', '.join(map(str, shape))}]", "small quiet shape")


def _part(part: s.Part, shared: Columns) -> Drawing:
    return draw_panel(part, shared) if isinstance(part.what, s.Panel) else _bar(part, part.what, shared.width)


def _bar(part: s.Part, bar: s.Bar, width: float) -> Drawing:
    """Draw layers between panels as a slim bar."""
    name = bar.place.name.replace("_", " ")
    x = INLET + 14
    svg = [text(x, 22, name, "name")]
    x += text_width(name, 14) + 14
    if part.times > 1:
        svg.append(text(x, 22, f"{TIMES}{part.times}", "times"))
        x += text_width(f"{TIMES}{part.times}", 14) + 14
    x = max(x, INLET + 100)
    drawing = label(bar.label, (), width - x - BAR_LABEL)
    height = drawing.height + 16
    width = max(width, x + drawing.width + BAR_LABEL)
    line = f'<path class="flow" d="M{number(INLET)} 0V{number(height)}"/>'
    inside = line + "".join(svg) + drawing.at(x, 8)
    return Drawing(width, height, f'<g class="bar">{frames(width, height, part.times, "panel")}{inside}</g>')
