"""What reads, writes, entry and exit do to banks, as states; every rule of banks stands here once for checking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import combinations
from math import comb
from typing import Any

from smashdsl.lang.check.outcome import Banks
from smashdsl.lang.check.pools import number_of, reachable_sets, sizes
from smashdsl.lang.check.ways import Sets
from smashdsl.lang.program import templates as p
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.typed import ir
from smashdsl.lang.typed.evaluate import evaluate, scalar
from smashdsl.ops import Flow, ShapeError

Env = Mapping[str, Any]


def enter(flow: Flow, bank: int) -> int:
    """Return how many banks the entering channels fill; they must fill whole banks."""
    if bank < 1:
        raise ShapeError("SD0208", f"a bank can't hold {bank} channels")
    if flow.raw:
        message = "tokens enter that no `embedding` has taken"
        raise ShapeError("SD0207", message, "start the stem with `embedding(…)`")
    if flow.channels % bank:
        message = f"{flow.channels} channels enter, which do not fill whole banks of {bank}"
        raise ShapeError("SD0305", message, "let the bank's channels divide what enters")
    return int(flow.channels) // bank


def chunks_of(flow: Flow, bank: int, entry: Flow) -> int:
    """Return the number of banks' worth of channels that a write has to place."""
    if flow != entry._replace(channels=flow.channels):
        held = "x".join(map(str, entry.grid)) or "no grid"
        shown = f"tokens of length {held}" if entry.tokens else f"a grid of {held}" if entry.grid else held
        message = f"the banks hold {shown}, but {flow} is written"
        raise ShapeError("SD0206", message, "keep the grid inside a block; change it in a transition or in `body`")
    if flow.channels % bank:
        message = f"{flow.channels} channels are written, which do not fill whole banks of {bank}"
        raise ShapeError("SD0203", message, "make a multiple of the bank's channels: `conv(1x1, bank)`")
    return int(flow.channels) // bank


def listed(banks: ir.Selection, count: int, env: Env) -> list[int]:
    """Return the indices a selection lists, each an existing bank and none twice."""
    found: list[int] = []
    for expr in banks.banks:
        if isinstance(expr, ir.Interval):
            low, high, step = (scalar(evaluate(end, env, {})) for end in (expr.low, expr.high, expr.step))
            if not all(type(end) is int for end in (low, high, step)) or step < 1 or low > high:
                raise ShapeError("SD0204", f"{low}..{high} lists no banks")
            if low < 0 or high >= count:
                outside = low if low < 0 else high
                raise ShapeError("SD0302", f"there is no bank {outside}: the banks are 0 to {count - 1}")
            found.extend(range(low, high + 1, step))
        else:
            found.append(scalar(evaluate(expr, env, {})))
    for i, index in enumerate(found):
        if type(index) is not int or not 0 <= index < count:
            raise ShapeError("SD0302", f"there is no bank {index}: the banks are 0 to {count - 1}")
        if index in found[:i]:
            raise ShapeError("SD0302", f"bank {index} is listed twice")
    return found


def read_states(node: p.Read, banks: Banks, env: Env) -> list[tuple[int, int]]:
    """Return the numbers of banks a read may take, with the number of sets of each."""
    selection, written = node.banks, banks.written.bit_count()
    count = scalar(env["banks"])
    if selection.mode == "listed":
        found = listed(selection, count, env)
        for index in found:
            if not banks.written >> index & 1:
                raise ShapeError("SD0301", f"bank {index} is read before anything was written to it")
        return [(len(found), 1)]
    if selection.mode == "last":
        return [(banks.last, 1)]
    if selection.pool == "banks" and written < count:
        message = f"`banks` are read, but only {written} of {count} were written"
        raise ShapeError("SD0301", message, "read of `written`")
    if selection.mode == "all":
        if written == 0:
            raise ShapeError("SD0303", "no bank holds anything to read")
        return [(written, 1)]
    return [(size, comb(written, size)) for size in sizes(selection, 1, written, env)]


def write_states(
    node: p.Write, banks: Banks, chunks: int, count: int, env: Env, limits: Limits
) -> Iterator[tuple[str, Banks, int]]:
    """Yield how a write may leave the banks: a label, the banks after it, and the number of sets that do so."""
    selection = node.banks
    written, fresh = banks.written.bit_count(), [i for i in range(count) if not banks.written >> i & 1]
    if selection.mode in {"listed", "last", "all"}:
        targets, label = _fixed_targets(selection, banks, fresh, count, env)
        if len(targets) < chunks:
            message = f"{chunks} banks' worth of channels is written to {number_of(len(targets))}"
            raise ShapeError("SD0304", message, f"write to {number_of(chunks)}, or make fewer channels")
        mask = sum(1 << i for i in targets)
        yield label, Banks(banks.written | mask, len(targets) if env["last"] else 0), 1
        return
    pool = {"written": written, "fresh": len(fresh)}.get(selection.pool, count)
    allowed = tuple(sizes(selection, chunks, pool, env))
    if selection.pool == "banks" and 1 << len(fresh) > limits.states:
        message = f"any of {len(fresh)} fresh banks may be written: too many states to follow"
        raise ShapeError("SD0403", message, "write of `reachable`, which takes fresh banks in order")
    for size, taken, ways in _fresh_taken(selection.pool, written, len(fresh), allowed, bool(env["last"])):
        mask = 0
        for k in taken:
            mask |= 1 << fresh[k]
        label = number_of(size) if not taken else f"{number_of(size)}, {len(taken)} of them fresh"
        yield label, Banks(banks.written | mask, size if env["last"] else 0), ways


def sets_between(node: p.Write, label: str, before: Banks, after: Banks, chunks: int, env: Env) -> Sets:
    """Return the sets of banks whose write leads from some banks to others."""
    fresh = after.written & ~before.written
    taken, held = fresh.bit_count(), before.written.bit_count()
    if node.banks.pool == "fresh":
        return Sets(label, fresh, 0, (0,))
    if env["last"]:
        return Sets(label, fresh, before.written, (after.last - taken,))
    pool = held if node.banks.pool == "written" else scalar(env["banks"])
    allowed = sizes(node.banks, chunks, pool, env)
    return Sets(label, fresh, before.written, tuple(size - taken for size in allowed if 0 <= size - taken <= held))


def _fixed_targets(
    selection: ir.Selection, banks: Banks, fresh: list[int], count: int, env: Env
) -> tuple[list[int], str]:
    if selection.mode == "listed":
        found = listed(selection, count, env)
        return found, f"banks {found}"
    if selection.mode == "last":
        # which banks they were does not matter here: all of them are written already
        return [i for i in range(count) if banks.written >> i & 1][: banks.last], "last"
    held = [i for i in range(count) if banks.written >> i & 1]
    return {"written": held, "fresh": fresh}.get(selection.pool, list(range(count))), "all"


@lru_cache(maxsize=65536)
def _fresh_taken(
    pool: str, written: int, fresh: int, allowed: tuple[int, ...], by_size: bool
) -> list[tuple[int, tuple[int, ...], int]]:
    """Return which fresh banks may be taken: a size that does, the banks' places, and the number of such sets.

    Sets that differ only in size are counted together unless ``by_size``.
    """
    if pool == "reachable" and not by_size:
        return _reachable(written, fresh, allowed)
    found: dict[tuple[int, tuple[int, ...]], list[int]] = {}
    for size in allowed:
        for taken, ways in _taken(pool, written, fresh, size):
            entry = found.setdefault((size if by_size else 0, taken), [size, 0])
            entry[1] += ways
    return [(size, taken, ways) for (_, taken), (size, ways) in found.items() if ways]


def _reachable(written: int, fresh: int, allowed: tuple[int, ...]) -> list[tuple[int, tuple[int, ...], int]]:
    row = [comb(written, size) for size in range(written + 1)]
    found = []
    for m in range(min(fresh, max(allowed)) + 1):
        # the first m fresh banks, the rest of a set out of the written ones
        sizes = [size for size in allowed if m <= size <= m + written]
        if sizes:
            found.append((sizes[0], tuple(range(m)), sum([row[size - m] for size in sizes])))
    return found


def _taken(pool: str, written: int, fresh: int, size: int) -> Iterator[tuple[tuple[int, ...], int]]:
    if pool == "written":
        yield (), comb(written, size)
    elif pool == "fresh":
        yield tuple(range(size)), 1
    elif pool == "reachable":
        for m, ways in enumerate(reachable_sets(written, fresh, size)):
            yield tuple(range(m)), ways
    else:
        for taken in range(min(size, fresh) + 1):
            for places in combinations(range(fresh), taken):
                yield places, comb(written, size - taken)


def leave(result: ir.Selection | None, banks: Banks, env: Env) -> Flow:
    """Return what leaves a block or cell: all written banks in order, or those that `yield` names."""
    entry: Flow = env["entry"]
    bank, count = scalar(env["bank"]), scalar(env["banks"])
    if result is None or result.mode == "all":
        return entry._replace(channels=banks.written.bit_count() * bank)
    if result.mode == "last":
        return entry._replace(channels=banks.last * bank)
    found = listed(result, count, env)
    for index in found:
        if not banks.written >> index & 1:
            raise ShapeError("SD0301", f"bank {index} is yielded, but nothing was written to it")
    return entry._replace(channels=len(found) * bank)
