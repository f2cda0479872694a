"""What a program asks of those who walk it, read off its templates as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from smashdsl.lang.program import templates as p


def budgeted(program: p.Program) -> bool:
    """Return whether some cell or block adds ops by what is spent."""
    cells = [block.cell for block in program.blocks]
    seen: set[int] = set()
    stack = list(p.roots(program))
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        stack.extend(p.children(node))
        if isinstance(node, p.CellUse):
            cells.append(node.cell)
    return any(p.measured(cell) for cell in cells)


def results_kept(program: p.Program) -> int:
    """Return how many results of `body` some cell may take beside what arrives at it."""
    return max((cell.inputs - 1 for cell in program.space.cells), default=0)


def shared_lets(program: p.Program) -> frozenset[p.Let]:
    """Return the lets that some architecture uses more than once."""
    shared: set[p.Let] = set()
    seen: set[int] = set()

    def visit(seq: p.Seq) -> Counter[p.Let]:
        total: Counter[p.Let] = Counter()
        for node in seq:
            if id(node) in seen and isinstance(node, p.Scope):
                continue
            if isinstance(node, p.LetUse):
                total[node.let] += 1
                if id(node.let.body) not in seen:
                    seen.add(id(node.let.body))
                    total += visit(node.let.body.body)
            elif isinstance(node, p.Choose):
                total += _most(visit(path) for path in node.paths)
            elif isinstance(node, p.Repeat):
                inner = visit(node.body)
                total += inner + inner
            else:
                total += visit(tuple(p.children(node)))
        shared.update(let for let, uses in total.items() if uses > 1)
        return total

    visit(tuple(p.roots(program)))
    return frozenset(shared)


def _most(counts: Iterator[Counter[p.Let]]) -> Counter[p.Let]:
    most: Counter[p.Let] = Counter()
    for count in counts:
        most |= count
    return most


def sites(program: p.Program, most: Mapping[int, int]) -> int:
    """Return how many layers and decisions a program has, at the most repeats and ops of each place."""
    found: dict[int, int] = {}

    def size(node: p.Node) -> int:
        if id(node) not in found:
            inner = sum(map(size, p.children(node))) if not isinstance(node, p.CellUse) else cell(node.cell)
            inner *= most.get(id(node), 1) if isinstance(node, p.Repeat | p.Read) else 1
            own = 1 if isinstance(node, p.Layer | p.Choose | p.Read | p.Write) else 0
            found[id(node)] = own + inner + sum(len(argument.decisions) for argument in p.arguments(node))
        return found[id(node)]

    def cell(node: p.Cell) -> int:
        entering = node.inputs * size(node.entry) if node.entry is not None else 0
        return entering + sum(size(m.use) * (1 if m.count is None else most.get(id(m), 0)) for m in node.members)

    blocks = sum((cell(block.cell) + size(block.transition)) * len(block.instances) for block in program.blocks)
    joints = (program.stem, program.head, *([program.body] if program.body is not None else []))
    return blocks + sum(map(size, joints)) + len(program.params)
