"""A plain second interpretation of the language: one architecture's network, straight from the IR.

Banks are a dict of tensors, sites are named by the rules of the language, and every layer is a formula. Nothing is
shared with the machine, the graphs or the op table, so that what both say is said twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count as count_from
from math import comb, prod
from typing import Any

import torch
from torch import Tensor

from smashdsl.lang.typed import ir
from tests.expressions import choices, evaluate, labels, largest, options, unrolled
from tests.formulas import LAYERS, MULTIPLIES, layer_weights, unit

CONTEXT = ("channels", "bank", "banks", "filled", "written", "left")
JOINS = {
    "concat": lambda parts: torch.cat(parts, 1),
    "sum": lambda parts: sum(parts[1:], parts[0]),
    "mean": lambda parts: sum(parts[1:], parts[0]) / len(parts),
    "max": lambda parts: torch.stack(parts).amax(0),
}


@dataclass
class Banks:
    """What the banks of a cell hold, how many there are, and which the op before wrote."""

    held: dict[int, Tensor]
    count: int
    size: int
    last: list[int]
    writes: dict[int, int]


@dataclass(frozen=True)
class Here:
    """A scope: prefixes of decisions and of weights, names, the labels of its statements by identity, and its lets."""

    sites: str
    names: str
    env: Mapping[str, Any]
    labels: Mapping[int, str] = field(default_factory=dict)
    lets: Mapping[str, tuple[ir.Statement, Here]] = field(default_factory=dict)
    banks: Banks | None = None

    def inside(self, label: str, **changes: Any) -> Here:
        return replace(self, sites=f"{self.sites}{label}.", names=f"{self.names}{label}.", **changes)


@dataclass
class Oracle:
    """One run of an architecture.

    ``weights``: by name, zeros without any; running statistics among them are used unless ``training``. What was met is
    kept: ``asked``, the decisions; ``taken``, the shapes of weights; ``fixed``, those not
    learned; ``counts``, of ops by name, banks read and multiply-adds; ``chance``, the probability of the decisions
    under the declared law.
    """

    space: ir.Space
    decisions: Mapping[str, Any]
    weights: Mapping[str, Tensor] | None = None
    training: bool = True
    asked: list[str] = field(default_factory=list)
    taken: dict[str, tuple[int, ...]] = field(default_factory=dict)
    fixed: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    chance: float = 1.0
    units: int = 0  # banks' worth of channels written

    def run(self, x: Tensor) -> Tensor:
        """Return what leaves the head; x: (n, c, *grid), or whole numbers (n, length)."""
        params: dict[str, Any] = {}
        root = Here("", "", params)
        for param in self.space.params:
            params[param.name] = self.value(param.value, "param.", param.name, params)
        self.params = params
        x = self.joint(self.space.stem, root.inside("stem"), x)
        instances = [(block, value) for block in self.space.blocks for value in block.instances]
        for number, (block, value) in enumerate(instances):
            plain = block.index is None and len(block.instances) == 1
            inner = root.inside(block.name if plain else f"{block.name}[{value}]")
            if block.index:
                inner = replace(inner, env={**params, block.index: value})
            x = self.cell(block, inner, x, [{block.index or "": v} for v in block.instances])
            if number < len(instances) - 1:
                x = self.joint(block.transition, inner.inside("transition"), x)
        self.results = [x] * max((cell.inputs - 1 for cell in self.space.cells), default=0)
        if self.space.body:
            x = self.joint(self.space.body, root.inside("body"), x)
        return self.joint(self.space.head, root.inside("head"), x)

    # -- decisions ----------------------------------------------------------------------------

    def decide(self, path: str, options: Sequence[Any], weights: Sequence[float] | None = None) -> Any:
        """Return what was decided, which must be one of some options."""
        value = self.decisions[path]
        places = [i for i, option in enumerate(options) if type(option) is type(value) and option == value]
        assert len(places) == 1, f"{path} = {value}, of {options}"
        self.met(path, weights[places[0]] / sum(weights) if weights else 1 / len(options))
        return value

    def met(self, path: str, chance: float) -> None:
        if path not in self.asked:
            self.asked.append(path)
            self.chance *= chance

    def value(self, expr: ir.Expr, sites: str, name: str, env: Mapping[str, Any]) -> Any:
        """Return the value of an argument, its decisions made: `name`, or `name[0]`, `name[1]`, inner ones first."""
        found = list(choices(expr))
        chosen: dict[int, Any] = {}
        for i, choice in enumerate(found):
            path = sites + (name if len(found) == 1 else f"{name}[{i}]")
            weights = choice.weights if isinstance(choice, ir.Choice) else None
            chosen[id(choice)] = self.decide(path, options(choice, env, chosen), weights)
        return evaluate(expr, env, chosen)

    # -- scopes -------------------------------------------------------------------------------

    def joint(self, path: ir.Path, here: Here, x: Tensor) -> Tensor:
        return self.path(path, replace(here, labels=labels(path)), x)

    def use(self, use: ir.Use, label: str, here: Here, x: Any) -> Any:
        """Follow an op used at ``label``; a formal is decided in the scope of the use."""
        op = next(op for op in self.space.ops if op.name == use.target)
        self.counts[op.name] += 1
        env = self.formals(op.formals, use, f"{here.sites}{label}.", here.env, x)
        return self.path(op.body, here.inside(label, env=env, labels=labels(op.body), lets={}), x)

    def formals(
        self, formals: Sequence[ir.Formal], use: ir.Use, sites: str, env: Mapping[str, Any], x: Any
    ) -> dict[str, Any]:
        given = {argument.name: argument.value for argument in use.args}
        outer = dict(env) if x is None else {**env, "channels": x.shape[1]}
        inner = {**self.params, **{name: outer[name] for name in CONTEXT if name in outer}}
        for formal in formals:
            value = self.value(given.get(formal.name, formal.default), sites, formal.name, {**outer, **inner})
            inner[formal.name] = value
        return inner

    def path(self, path: ir.Path, here: Here, x: Any) -> Any:
        lets = dict(here.lets)
        here = replace(here, lets=lets)
        for statement in path:
            if isinstance(statement, ir.Let):
                for name in statement.names:
                    lets[name] = (statement.body, here)
            else:
                x = self.statement(statement, here, x)
        return x

    def statement(self, statement: ir.Statement, here: Here, x: Any) -> Any:
        label = here.labels.get(id(statement), "")
        match statement:
            case ir.Layer():
                return self.layer(statement, label, here, x)
            case ir.Use(of="op"):
                return self.use(statement, label, here, x)
            case ir.Use(of="let"):
                return self.let(statement.target, here, x)
            case ir.Use():
                return self.cell_use(statement, label, here, x)
            case ir.Combine():
                return joined(statement.join, [self.path(path, here, x) for path in statement.paths])
            case ir.Choose():
                taken = self.decide(here.sites + label, range(len(statement.paths)), statement.weights)
                return self.path(statement.paths[taken], here, x)
            case ir.Maybe():
                taken = self.decide(here.sites + label, (0, 1), (1 - statement.probability, statement.probability))
                return self.path(statement.path, here, x) if taken else x
            case ir.Repeat():
                env = here.env if x is None else {**here.env, "channels": x.shape[1]}
                for i in range(self.value(statement.count, f"{here.sites}{label}.", "count", env)):
                    x = self.path(statement.path, here.inside(f"{label}[{i}]", labels=labels(statement.path)), x)
                return x
            case ir.Read():
                return self.read(statement, label, here, x)
            case ir.Write():
                return self.write(statement, label, here, x)
        raise AssertionError(statement)

    def let(self, name: str, here: Here, x: Tensor) -> Tensor:
        """Follow a let in the scope that declares it."""
        body, home = here.lets[name]
        if isinstance(body, ir.Use) and body.of == "op":
            return self.use(body, name, replace(home, banks=here.banks), x)
        return self.path((body,), replace(home.inside(name), labels=labels((body,)), banks=here.banks), x)

    def layer(self, layer: ir.Layer, label: str, here: Here, x: Tensor) -> Tensor:
        signature, formula = LAYERS[layer.op]
        given = {argument.name: argument.value for argument in layer.args}
        kind = given.pop("weights", ir.Word("own"))
        args: dict[str, Any] = {}
        # a sequence and a grid of one axis look alike, so a spec whose input is a signal must make no sequence
        sequence = x.dim() == 3 and self.space.input.kind != "signal"
        arriving = x.shape[1] if x.is_floating_point() else self.space.input.channels
        for name, default in signature.items():
            env = {**here.env, "channels": arriving, **args}
            default = arriving if default == "channels" else default
            args[name] = self.value(given[name], f"{here.sites}{label}.", name, env) if name in given else default
        args.update(sequence=sequence, arriving=arriving)
        tensors = {}
        for name, shape in layer_weights(layer.op, x, args).items():
            full = f"{here.names}{label}.{name}"
            self.taken[full] = shape
            if name == "weight" and isinstance(kind, ir.Fixed):
                self.fixed.add(full)
            tensors[name] = (
                x.new_zeros(shape, dtype=torch.get_default_dtype()) if self.weights is None else self.weights[full]
            )
            assert tuple(tensors[name].shape) == shape, full
            if name == "weight" and kind == ir.Word("generated"):
                tensors[name] = unit(tensors[name])
        batch = args.get("kind") == "batch" or (args.get("kind") == "auto" and not sequence)
        if layer.op == "norm" and self.weights and not self.training and batch:
            tensors.update({part: self.weights[f"{here.names}{label}.{part}"] for part in ("mean", "var")})
        if layer.op == "dropout" and not self.training:
            return x
        y: Tensor = formula(x, args, tensors)
        if layer.op in MULTIPLIES:
            self.counts["flops"] += tensors["weight"].numel() * y[0, 0].numel()
        if layer.op == "attention":
            self.counts["flops"] += 2 * args["width"] * x.shape[2] ** 2
        return y

    # -- cells --------------------------------------------------------------------------------

    def cell_use(self, use: ir.Use, label: str, here: Here, x: Tensor) -> Tensor:
        cell = next(cell for cell in self.space.cells if cell.name == use.target)
        inner = here.inside(label)
        if cell.tied:
            inner = replace(inner, sites=f"{cell.name}.")
        env = self.formals(cell.formals, use, inner.sites, here.env, x)
        banks = ("bank", "banks", "filled", "written", "left")
        env = {name: value for name, value in env.items() if name not in banks}
        return self.cell(cell, replace(inner, env=env), x, [env])

    def entering(self, cell: ir.Cell | ir.Block, here: Here, x: Tensor) -> list[Tensor]:
        """Return what enters a cell, the oldest result of `body` first, each after its entry."""
        if isinstance(cell, ir.Block):
            return [x]
        results = [*self.results, x][-cell.inputs :]
        if cell.inputs > 1:
            self.results = [*self.results[1:], x]
        if not cell.entry:
            return results
        found = []
        for i, result in enumerate(results):
            inner = here.inside(f"entry[{i}]" if cell.inputs > 1 else "entry", labels=labels(cell.entry))
            stride = tuple(-(-a // b) for a, b in zip(result.shape[2:], x.shape[2:], strict=True))
            inner = replace(inner, env={**here.env, "shrink": stride, "channels": result.shape[1]})
            found.append(self.path(cell.entry, inner, result))
        return found

    def cell(self, cell: ir.Cell | ir.Block, here: Here, x: Tensor, envs: list[dict[str, Any]]) -> Tensor:
        env = {**here.env, "channels": x.shape[1]}
        for param in cell.params:
            env[param.name] = self.value(param.value, here.sites, param.name, env)
        size = env["bank"] = self.value(cell.bank_channels, here.sites, "bank", env)
        entering = self.entering(cell, replace(here, env=env), x)
        parts = [part for one in entering for part in split(one, size)]
        env["channels"], env["filled"] = sum(one.shape[1] for one in entering), len(parts)
        count = env["banks"] = self.value(cell.bank_count, here.sites, "banks", env)
        assert len(parts) <= count
        banks = Banks(dict(enumerate(parts)), count, size, list(range(len(parts))), dict.fromkeys(range(len(parts)), 1))
        here = replace(here, env=env, banks=banks, lets={})
        members = list(unrolled(cell.members, env))
        ranges = [i for i, (member, _) in enumerate(members) if isinstance(member, ir.Ops)]
        budgets = [i for i, (member, _) in enumerate(members) if isinstance(member, ir.OpsWhile)]
        before = {measure: self.spent(measure) for measure in ("reads", "units", "params", "flops")}
        position = 0
        for i, (member, names) in enumerate(members):
            inner = replace(here, env={**env, **names})
            if isinstance(member, ir.InlineOp):
                own = self.started(inner).inside(f"op[{position}]", labels=labels(member.body))
                self.path(member.body, own, None)
                position += 1
                continue
            if isinstance(member, ir.OpsWhile):
                assert i == len(members) - 1, "how many ops a budget has at most is known to the whole space only"
                label = "budget" if len(budgets) == 1 else f"budget[{budgets.index(i)}]"
                bound = self.value(member.bound, here.sites, label, inner.env)
                for k in count_from(position):
                    left = bound - self.spent(member.measure) + before[member.measure]
                    if left < 0 or (left == 0 and member.comparison == "<"):
                        break
                    own = self.started(inner)
                    self.use(member.use, f"op[{k}]", replace(own, env={**own.env, "left": left}), None)
                continue
            label = "ops" if len(ranges) == 1 else f"ops[{ranges.index(i)}]"
            for k in range(self.value(member.count, here.sites, label, inner.env)):
                self.use(member.use, f"op[{position + k}]", self.started(inner), None)
            if i < len(members) - 1:
                position += max(largest(member.count, {**self.params, **names, **e}) for e in envs)
        leaving = self.banks_of(cell.result, here) if cell.result else sorted(banks.held)
        return torch.cat([banks.held[i] for i in leaving], 1)

    def spent(self, measure: str) -> int:
        """Return what the network has spent so far."""
        if measure == "params":
            return sum(prod(shape) for name, shape in self.taken.items() if name not in self.fixed)
        return self.units if measure == "units" else self.counts[measure]

    def started(self, here: Here) -> Here:
        assert here.banks is not None
        return replace(here, env={**here.env, "written": len(here.banks.held)})

    # -- reads and writes -----------------------------------------------------------------------

    def read(self, read: ir.Read, label: str, here: Here, x: Tensor | None) -> Tensor:
        assert here.banks is not None
        found = self.select(read.banks, here.sites + label, here, x, 1)
        self.counts["reads"] += len(found)
        parts = [here.banks.held[i] for i in found]
        if read.through is not None:
            for place, bank in enumerate(found):
                inner = replace(here, env={**here.env, "src": bank})
                parts[place] = self.use(read.through, f"{label}[{bank}]", inner, parts[place])
        if read.join != "attention":
            return joined(read.join, parts)
        name = f"{here.names}{label}.attention"
        self.taken[name] = (here.banks.count,)
        scores = parts[0].new_zeros(here.banks.count) if self.weights is None else self.weights[name]
        raised = [torch.exp(scores[bank]) for bank in found]
        return joined("sum", [part * raised[i] / sum(raised[1:], raised[0]) for i, part in enumerate(parts)])

    def write(self, write: ir.Write, label: str, here: Here, x: Tensor) -> None:
        banks = here.banks
        assert banks is not None
        chunks = split(x, banks.size)
        found = self.select(write.banks, here.sites + label, here, x, len(chunks))
        assert len(found) >= len(chunks)
        self.units += len(chunks)
        for place, target in enumerate(found):
            chunk = chunks[place % len(chunks)]
            fresh = write.join == "replace" or target not in banks.held
            before = [] if fresh else [banks.held[target]]
            writes = banks.writes[target] = 1 if fresh else banks.writes[target] + 1
            if write.join == "mean" and not fresh:
                banks.held[target] = (before[0] * (writes - 1) + chunk) / writes
            else:
                banks.held[target] = joined(write.join, [*before, chunk])
        banks.last = found

    def select(self, banks: ir.Selection, path: str, here: Here, x: Tensor | None, least: int) -> list[int]:
        """Return the banks of a selection in order; one that is free must be among the allowed ones."""
        state = here.banks
        assert state is not None
        env = here.env if x is None else {**here.env, "channels": x.shape[1]}
        pool = pool_of(banks.pool, state)
        if banks.mode in {"listed", "last", "all"}:
            return self.banks_of(banks, replace(here, env=env))
        sizes: Any = range(least, len(pool) + 1)
        weights: Any = None
        if isinstance(banks.size, ir.Choice | ir.Interval):
            sizes, weights = options(banks.size, env, {}), getattr(banks.size, "weights", None)
        elif banks.size is not None:
            sizes = [evaluate(banks.size, env, {})]
            if banks.pool == "fresh":
                return pool[: sizes[0]]
        value = self.decisions[path]
        assert value == sorted(set(value))
        assert set(value) <= set(pool)
        new = [i for i in value if i not in state.held]
        size = list(sizes).index(len(value))
        ways = comb(len(pool), len(value))
        if banks.pool in {"fresh", "reachable"}:
            assert new == pool_of("fresh", state)[: len(new)]
            held = len(state.held) if banks.pool == "reachable" else 0
            ways = sum(comb(held, len(value) - m) for m in range(min(len(value), len(pool) - held) + 1))
            ways = 1 if banks.pool == "fresh" else ways
        self.met(path, (weights[size] / sum(weights) if weights else 1 / len(sizes)) / ways)
        return list(value)

    def banks_of(self, banks: ir.Selection, here: Here) -> list[int]:
        """Return the banks of a selection that decides nothing."""
        assert here.banks is not None
        if banks.mode == "last":
            return here.banks.last
        if banks.mode == "all":
            return pool_of(banks.pool, here.banks)
        found: list[int] = []
        for expr in banks.banks:
            if isinstance(expr, ir.Interval):
                found.extend(options(expr, here.env, {}))
            else:
                found.append(evaluate(expr, here.env, {}))
        return sorted(found)


def pool_of(pool: str, banks: Banks) -> list[int]:
    if pool == "written":
        return sorted(banks.held)
    return [i for i in range(banks.count) if pool != "fresh" or i not in banks.held]


def split(x: Tensor, size: int) -> list[Tensor]:
    assert x.shape[1] % size == 0
    return [x[:, start : start + size] for start in range(0, x.shape[1], size)]


def joined(join: str, parts: list[Tensor]) -> Tensor:
    if join == "replace":
        return parts[-1]
    if join != "product":
        return JOINS[join](parts)
    rank = max(part.dim() for part in parts)
    result = parts[0].reshape(*parts[0].shape, *(1,) * (rank - parts[0].dim()))
    for part in parts[1:]:
        result = result * part.reshape(*part.shape, *(1,) * (rank - part.dim()))
    return result
