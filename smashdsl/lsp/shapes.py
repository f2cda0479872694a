"""What was seen at a place of the text, in words."""

from __future__ import annotations

from collections.abc import Iterable

from smashdsl.lang.check.facts import Facts
from smashdsl.lang.check.pools import shown
from smashdsl.lang.check.watch import Seen
from smashdsl.lang.program import templates as p
from smashdsl.lsp.analysis import Analysis
from smashdsl.ops import Flow

MOST_SHOWN = 6
OWN_TEXT = 0  # the number of the text that is compiled, among those that it imports


def seen_at(analysis: Analysis, start: int) -> Seen | None:
    """Return what was seen at the statement of the text itself that starts at a place."""
    places = analysis.watch.places
    found = [seen for span, seen in places.items() if (span.file, span.start) == (OWN_TEXT, start)]
    return found[0] if found else None


def described(seen: Seen, facts: Facts) -> list[str]:
    """Return lines about what arrives, what leaves, and what is decided at a place."""
    lines = []
    if seen.arrives:
        lines.append(f"arrives `{shape(seen.arrives)}`")
    if seen.leaves:
        lines.append(f"leaves `{shape(seen.leaves)}`")
    decided = _decided(seen, facts)
    lines += [f"`{name}` is one of {values}" for name, values in decided]
    if seen.ways and max(seen.ways) > 1:
        low, high = min(seen.ways), max(seen.ways)
        ways = f"{high:,} ways" if low == high else f"{low:,} to {high:,} ways, by what comes before"
        lines.append(ways if high < 10**15 else "more than 10^15 ways")
    return lines


def shape(flows: Iterable[Flow]) -> str:
    """Return the sizes that occur: `[16|32, 32, 32]`, one for each kind of what flows."""
    kinds: dict[str, list[Flow]] = {}
    for flow in flows:
        kinds.setdefault(flow.kind, []).append(flow)
    return " or ".join(_joined(kind) for kind in kinds.values())


def _joined(flows: list[Flow]) -> str:
    channels = _sizes([flow.channels for flow in flows])
    grid = tuple(_sizes(list(sizes)) for sizes in zip(*(flow.grid for flow in flows), strict=True))
    return str(flows[0]._replace(channels=channels, grid=grid))


def _sizes(values: list[int]) -> str:
    found = sorted(set(values))
    if len(found) > MOST_SHOWN:
        return f"{found[0]}|{found[1]}|…|{found[-1]}"
    return "|".join(map(str, found))


def _decided(seen: Seen, facts: Facts) -> list[tuple[str, str]]:
    decided = {}
    for node in seen.nodes:
        for decision in _decisions(node):
            values = facts.alphabets.get(decision.template, ())
            name = decision.template.rpartition(".")[2]
            if decision.kind == "subset":
                decided[name] = "the sets of banks"
            elif values and name not in decided:
                decided[name] = _listed([shown(value) for value in values])
    return list(decided.items())


def _decisions(node: p.Node) -> Iterable[p.Decision]:
    match node:
        case p.Choose():
            if node.decision.kind == "value":
                yield node.decision
        case p.Read() | p.Write():
            if node.decision is not None:
                yield node.decision
        case _:
            for argument in p.arguments(node):
                yield from argument.decisions


def _listed(values: list[str]) -> str:
    if len(values) > 2 * MOST_SHOWN:
        values = [*values[:MOST_SHOWN], "…", values[-1]]
    return ", ".join(values)
