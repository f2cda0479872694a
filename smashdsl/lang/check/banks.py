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
EXACTLY = 2  # of `last` in an environment: which banks an op wrote matters, not how many only
MORE = "read or write one of them, or declare more by `banks`"
EARLIER = "read `last`, `all` or `some of written`, or let an op before it write there"


def enter(flow: Flow, bank: int) -> int:
    """Return how many banks the entering channels fill; they must fill whole banks."""
    if bank < 1:
        raise ShapeError("SD0208", f"a bank can't hold {bank} channels")
    if flow.raw:
        message = "tokens enter that no `embedding` has taken"
        raise ShapeError("SD0207", message, "start the stem with `embedding(…)`", about="grid")
    if flow.channels % bank:
        message = f"{flow.channels} channels enter, which do not fill whole banks of {bank}"
        raise ShapeError("SD0305", message, "let the bank's channels divide what enters", about="channels")
    return int(flow.channels) // bank


def chunks_of(flow: Flow, bank: int) -> int:
    """Return the number of banks' worth of channels that a write has to place."""
    if flow.channels % bank:
        message = f"{flow.channels} channels are written, which do not fill whole banks of {bank}"
        raise ShapeError(
            "SD0203", message, "make a multiple of the bank's channels: `conv(1x1, bank)`", about="channels"
        )
    return int(flow.channels) // bank


def at_entry(env: Env) -> Flow:
    """Return what a bank holds that was filled at entry."""
    entry: Flow = env["entry"]
    return entry


def shape_of(banks: Banks, mask: int, env: Env, what: str) -> Flow:
    """Return what each of some written banks holds, which must be one shape."""
    entry = at_entry(env)
    if banks.shapes is None or not mask:
        return entry
    first, *others = members(mask)
    shape = banks.shapes[first]
    assert shape is not None
    for other in others:
        if banks.shapes[other] != shape:
            message = f"{what} takes banks of different grids: bank {first} holds {shape}, bank {other} holds "
            help = "take banks of one grid, or read `through` an op that brings them to one"
            raise ShapeError("SD0206", f"{message}{banks.shapes[other]}", help)
    return shape


def members(mask: int) -> list[int]:
    """Return the banks of a bit set, in order."""
    return [bank for bank in range(mask.bit_length()) if mask >> bank & 1]


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
            raise ShapeError("SD0302", f"there is no bank {index}: the banks are 0 to {count - 1}", MORE)
        if index in found[:i]:
            raise ShapeError("SD0302", f"bank {index} is listed twice", "drop one of the two")
    return found


def readable(node: p.Read, banks: Banks, env: Env) -> int:
    """Return the banks that a read takes, or out of which it takes some, as a bit set; all of them are written."""
    selection, count = node.banks, scalar(env["banks"])
    if selection.mode == "listed":
        found = listed(selection, count, env)
        for index in found:
            if not banks.written >> index & 1:
                raise ShapeError("SD0301", f"bank {index} is read before anything was written to it", EARLIER)
        return sum(1 << index for index in found)
    if selection.mode == "last":
        return last_banks(banks, env)
    written = banks.written.bit_count()
    if selection.pool == "banks" and written < count:
        message = f"`banks` are read, but only {written} of {count} were written"
        raise ShapeError("SD0301", message, "read of `written`")
    if written == 0:
        raise ShapeError("SD0303", "no bank holds anything to read")
    return banks.written


def last_banks(banks: Banks, env: Env) -> int:
    """Return the banks that the op before wrote; where it does not matter which, the first of those written."""
    if env["last"] == EXACTLY:
        return banks.last
    return sum(1 << index for index in members(banks.written)[: banks.last])


def read_states(node: p.Read, banks: Banks, env: Env) -> tuple[Flow, int, list[tuple[int, int]]]:
    """Return what each bank holds, the banks, and how many of them a read may take, with the number of sets of each."""
    selection = node.banks
    mask = readable(node, banks, env)
    if selection.mode == "last":
        return banks.last_shape or at_entry(env), mask, [(mask.bit_count(), 1)]
    shape, held = shape_of(banks, mask, env, "`read`"), mask.bit_count()
    if node.decision is None:
        return shape, mask, [(held, 1)]
    return shape, mask, [(size, comb(held, size)) for size in sizes(selection, 1, held, env)]


def write_states(
    node: p.Write, banks: Banks, flow: Flow, chunks: int, env: Env, limits: Limits
) -> Iterator[tuple[str, Banks, int]]:
    """Yield how a write may leave the banks: a label, the banks after it, and the number of sets that do so."""
    selection, count = node.banks, scalar(env["banks"])
    shape = flow._replace(channels=scalar(env["bank"]))
    written, fresh = banks.written.bit_count(), [i for i in range(count) if not banks.written >> i & 1]
    if node.decision is None:
        targets, label = _fixed_targets(selection, banks, fresh, count, env)
        if len(targets) < chunks:
            message = f"{chunks} banks' worth of channels is written to {number_of(len(targets))}"
            raise ShapeError(
                "SD0304", message, f"write to {number_of(chunks)}, or make fewer channels", about="channels"
            )
        mask = sum(1 << i for i in targets)
        _must_meet(node, banks, mask, shape, env)
        if selection.mode == "last" and env["last"] != EXACTLY:
            # which banks these are is not known, but they hold what is written to them already
            yield label, banks, 1
            return
        yield label, _after(banks, mask, mask if env["last"] == EXACTLY else len(targets), shape, env), 1
        return
    if selection.pool != "fresh":
        _must_meet(node, banks, banks.written, shape, env)
    pool = {"written": written, "fresh": len(fresh)}.get(selection.pool, count)
    allowed = tuple(sizes(selection, chunks, pool, env))
    if selection.pool == "banks" and 1 << len(fresh) > limits.states:
        message = f"any of {len(fresh)} fresh banks may be written: too many states to follow"
        raise ShapeError("SD0403", message, "write of `reachable`, which takes fresh banks in order")
    for size, taken, ways in _fresh_taken(selection.pool, written, len(fresh), allowed, bool(env["last"])):
        new = sum(1 << fresh[k] for k in taken)
        label = number_of(size) if not taken else f"{number_of(size)}, {len(taken)} of them fresh"
        if env["last"] == EXACTLY:
            for old in combinations(members(banks.written), size - len(taken)):
                last = new | sum(1 << i for i in old)
                yield f"banks {members(last)}", _after(banks, new, last, shape, env), 1
        else:
            yield label, _after(banks, new, size, shape, env), ways


def _must_meet(node: p.Write, banks: Banks, mask: int, shape: Flow, env: Env) -> None:
    """Raise `ShapeError` unless what is written can meet what the written ones of some banks hold."""
    held, entry = mask & banks.written, at_entry(env)
    if banks.shapes is None and banks.last_shape is None and shape == entry:
        return
    if node.decision is None and node.join == "replace":
        if node.banks.mode == "last" and shape != (banks.last_shape or entry):
            message = f"`write last by replace` would change what the banks hold to {shape}"
            raise ShapeError("SD0206", message, "name the banks: `write 2 by replace`", about="grid")
        return
    if node.banks.mode == "last":
        before: Flow | None = banks.last_shape or entry
        clash = 0 if held and before != shape else None
    else:
        clash = next((i for i in members(held) if _held(banks, i, env) != shape), None)
        before = None if clash is None else _held(banks, clash, env)
    if clash is not None:
        where = "the banks written last hold" if node.banks.mode == "last" else f"bank {clash} holds"
        message = f"{where} {before}, but {shape} is written there"
        raise ShapeError("SD0206", message, "keep the grid, or write to banks that hold nothing yet", about="grid")


def _held(banks: Banks, index: int, env: Env) -> Flow | None:
    return at_entry(env) if banks.shapes is None else banks.shapes[index]


def _after(banks: Banks, changed: int, last: int, shape: Flow, env: Env) -> Banks:
    """Return the banks after a write: those changed hold ``shape``."""
    entry, written = at_entry(env), banks.written | changed
    if banks.shapes is None and shape == entry:
        return Banks(written, last if env["last"] else 0)
    shapes: tuple[Flow | None, ...] | None = None
    if banks.shapes is not None or shape != entry:
        held = banks.shapes or tuple(entry if banks.written >> i & 1 else None for i in range(scalar(env["banks"])))
        shapes = tuple(shape if changed >> i & 1 else known for i, known in enumerate(held))
        shapes = None if all(known in (None, entry) for known in shapes) else shapes
    if not env["last"]:
        return Banks(written, 0, shapes)
    return Banks(written, last, shapes, None if shape == entry else shape)


def sets_between(node: p.Write, label: str, before: Banks, after: Banks, chunks: int, env: Env) -> Sets:
    """Return the sets of banks whose write leads from some banks to others."""
    fresh = after.written & ~before.written
    taken, held = fresh.bit_count(), before.written.bit_count()
    if node.banks.pool == "fresh":
        return Sets(label, fresh, 0, (0,))
    if env["last"] == EXACTLY:
        return Sets(label, after.last, 0, (0,))
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
        return members(last_banks(banks, env)), "last"
    if selection.mode == "sized":
        # of fresh banks the first ones are taken, which decides nothing
        (size,) = sizes(selection, 1, len(fresh), env)
        return fresh[:size], number_of(size)
    held = members(banks.written)
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
    bank = scalar(env["bank"])
    if result is not None and result.mode == "last":
        shape = banks.last_shape or at_entry(env)
        return shape._replace(channels=last_banks(banks, env).bit_count() * bank)
    mask = banks.written
    if result is not None and result.mode == "listed":
        found = listed(result, scalar(env["banks"]), env)
        for index in found:
            if not banks.written >> index & 1:
                raise ShapeError("SD0301", f"bank {index} is yielded, but nothing was written to it")
        mask = sum(1 << index for index in found)
    what = "what leaves" if result is None else "`yield`"
    return shape_of(banks, mask, env, what)._replace(channels=mask.bit_count() * bank)
