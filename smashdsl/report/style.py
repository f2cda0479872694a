"""The look of pictures: colours for light and dark pages, and lines and text by class."""

from __future__ import annotations

LIGHT = {
    "page": "#ffffff",
    "panel": "#f6f7f9",
    "edge": "#dfe3e9",
    "box": "#ffffff",
    "text": "#1c2330",
    "quiet": "#667085",
    "lane": "#98a2b3",
    "faint": "#e1e5eb",
    "read": "#2f6feb",
    "write": "#dd6020",
    "own": "#e9edf3",
    "shared": "#d9eee9",
    "generated": "#e7e2fb",
    "fixed": "#f6ecd4",
}
DARK = {
    "page": "#0d1117",
    "panel": "#161b22",
    "edge": "#2b323d",
    "box": "#0d1117",
    "text": "#e6e9ee",
    "quiet": "#8f99a8",
    "lane": "#737e8e",
    "faint": "#2a313b",
    "read": "#6ea8ff",
    "write": "#ff9a5c",
    "own": "#29313c",
    "shared": "#17403a",
    "generated": "#38306b",
    "fixed": "#453a1d",
}
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

# every rule starts with the picture's own class, so that one set inside a page changes nothing else there
RULES = """
text { font: 12px FONT; fill: var(--text); font-variant-numeric: tabular-nums; }
.title { font-size: 20px; font-weight: 650; letter-spacing: -0.01em; }
.name { font-size: 13px; font-weight: 650; }
.times { font-size: 13px; font-weight: 650; fill: var(--write); }
.quiet { fill: var(--quiet); }
.small { font-size: 11px; }
.bank { font-size: 9px; fill: var(--quiet); text-anchor: middle; }
.mid { text-anchor: middle; }
.page { fill: var(--page); }
.panel { fill: var(--panel); stroke: var(--edge); }
.inset { stroke-dasharray: 4 3; }
.box { fill: var(--box); stroke: var(--edge); }
.own { fill: var(--own); }
.shared { fill: var(--shared); }
.generated { fill: var(--generated); }
.line { fill: none; stroke: var(--lane); stroke-width: 1.25; }
.flow { fill: none; stroke: var(--lane); stroke-width: 2; stroke-linecap: round; }
.faint { stroke: var(--faint); stroke-width: 1.5; }
.strong { stroke: var(--lane); stroke-width: 2; stroke-linecap: round; }
.halo { stroke: var(--panel); stroke-width: 4; }
.read { fill: none; stroke: var(--read); stroke-width: 1.4; }
.write { fill: none; stroke: var(--write); stroke-width: 1.4; }
.dot { fill: var(--read); }
.tip { fill: var(--write); }
.arrow { fill: var(--lane); }
.joint { fill: var(--box); stroke: var(--lane); stroke-width: 1.25; }
"""


def style() -> str:
    """Return the style sheet of a picture."""
    rules = [f".smash-picture {rule}" for rule in RULES.replace("FONT", FONT).strip().splitlines()]
    dark = f"@media (prefers-color-scheme: dark) {{ .smash-picture {{ {_colours(DARK)} }} }}"
    return "\n".join([f".smash-picture {{ {_colours(LIGHT)} }}", dark, *rules])


def _colours(palette: dict[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in palette.items())
