"""A compiled space as an object: counted, sampled, moved about in, coded and priced."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from random import Random
from typing import Any, Literal, TypeAlias, cast, overload

import numpy as np

from smashdsl.errors import UsageError, UserError
from smashdsl.lang.check.count import count_members
from smashdsl.lang.compile import Compiled
from smashdsl.lang.typed.evaluate import evaluate
from smashdsl.lang.typed.identity import space_hash
from smashdsl.space.architecture import Architecture, Architectures, plain
from smashdsl.space.costs import CostObserver, Costs
from smashdsl.space.decode import Decoder, first_difference, first_wrong
from smashdsl.space.document import read
from smashdsl.space.encode import Assembly, Bits, Encoder
from smashdsl.space.layout import Layout
from smashdsl.space.machine import Machine
from smashdsl.space.observer import Observer
from smashdsl.space.sites import INACTIVE, Sites
from smashdsl.space.subsets import Ints
from smashdsl.space.suggest import Trial, TrialDraws
from smashdsl.space.uniform import Numbering, number

Law: TypeAlias = Literal["declared", "uniform"]
BATCH = 8192
FIRST_WALKED = 256
WALK_BYTES = 32 * 2**20
CHUNK_BYTES = 4 * 2**20  # small enough that a chunk takes the memory which the one before has left
HOPELESS = 200_000  # raw draws of which not two meet the constraints
HOPELESS_UNIFORM = 20_000  # the same, for draws that take longer
COMPARE = {
    "<=": np.less_equal,
    ">=": np.greater_equal,
    "==": np.equal,
    "<": np.less,
    ">": np.greater,
}


class SearchSpace:
    """A space that was checked: every member of it builds."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        self.name = compiled.space.name
        self.sites = Sites(compiled)

    @cached_property
    def hash(self) -> str:
        """Identity of the space: equal for specs that differ only in comments, layout and names of params."""
        return space_hash(self.compiled.space)

    @cached_property
    def layout(self) -> Layout:
        """Named axes of the conditioning tensor."""
        return Layout(self.compiled, self.sites)

    def count(self) -> int:
        """Return the exact number of architectures, constraints not considered."""
        return self.compiled.facts.count

    def count_members(self) -> int | None:
        """Return the exact number of architectures that meet the constraints.

        None where that takes more states than `Limits.states`; `acceptance` then estimates their share of draws. It
        is counted once, which may take seconds.
        """
        return self._members

    @cached_property
    def _members(self) -> int | None:
        compiled = self.compiled
        found = count_members(compiled.program, compiled.facts, compiled.limits)
        if found is None and self.count() <= compiled.limits.states:
            found = self._counted_one_by_one()
        return found

    def _counted_one_by_one(self) -> int | None:
        numbering = self._numbering
        if numbering is None:
            return None
        found = 0
        for start in range(0, numbering.count, BATCH):
            codes = numbering.codes(list(range(start, min(start + BATCH, numbering.count))))
            found += int(self._walk(len(codes), np.random.default_rng(0), proposed=codes)[1].sum())
        return found

    @cached_property
    def _numbering(self) -> Numbering | None:
        return number(self.compiled, self.sites)

    # -- drawing ------------------------------------------------------------------------------

    @overload
    def sample(self, *, seed: int, law: Law = "declared") -> Architecture: ...
    @overload
    def sample(self, n: int, *, seed: int, law: Law = "declared") -> Architectures: ...
    def sample(self, n: int | None = None, *, seed: int, law: Law = "declared") -> Architecture | Architectures:
        """Draw architectures that meet `require`: by the declared law, or with law `uniform` each as likely as any.

        The uniform law favours the largest parts of a space: most of its draws have the smallest banks and the most
        ops. It takes seconds to prepare for a large space, once. Raises `UserError` when hardly any draw meets the
        constraints, and for the uniform law where the space has too many states to number its members.
        """
        if n is not None and n < 0:
            raise UsageError(f"{n} architectures can't be drawn")
        if law not in ("declared", "uniform"):
            raise UsageError(f"there is no law `{law}`", "draw by `declared` or `uniform`")
        many = 1 if n is None else n
        codes = self.draw(many, np.random.default_rng(seed))[0] if law == "declared" else self._uniform(many, seed)
        return Architecture(self, codes[0]) if n is None else Architectures(self, codes)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[Ints, int]:
        """Draw codes of ``n`` members and return how many raw draws that took; codes: (n, sites)."""
        return self._accepted(n, lambda batch: self._drawn(batch, rng), HOPELESS)

    def _drawn(self, batch: int, rng: np.random.Generator) -> Ints:
        machine, good = self._walk(batch, rng)
        codes: Ints = machine.codes[good]
        return codes

    def _uniform(self, n: int, seed: int) -> Ints:
        """Draw codes of ``n`` members uniformly, each followed by the machine; codes: (n, sites)."""
        numbering = self._numbering
        if numbering is None:
            limit = self.compiled.limits.states
            message = f"space `{self.name}` can't be drawn from uniformly: its members make more than {limit:,} states"
            raise UserError(message, "draw by the declared law, or raise the limit on states")
        if not numbering.count:
            raise UserError(f"no architecture meets the constraints of space `{self.name}`", "loosen `require`")
        random = Random(seed)

        def drawn(batch: int) -> Ints:
            codes = numbering.draw(batch, random)
            machine, good = self._walk(batch, np.random.default_rng(0), proposed=codes)
            assert np.array_equal(machine.codes, codes), "a member by number is no member"
            kept: Ints = codes[good]
            return kept

        return self._accepted(n, drawn, HOPELESS_UNIFORM)[0]

    def _accepted(self, n: int, draw: Callable[[int], Ints], hopeless: int) -> tuple[Ints, int]:
        """Return codes of ``n`` members out of batches of which some are kept, and how many were drawn."""
        kept: list[Ints] = []
        accepted = drawn = 0
        while accepted < n:
            # of one batch too few were kept: larger ones follow, up to a hopeless number
            batch = min(BATCH, n if not drawn else max(64, 2 * (n - accepted), drawn))
            kept.append(draw(batch)[: n - accepted])
            drawn += batch
            accepted += len(kept[-1])
            if drawn >= hopeless and accepted * hopeless < 2 * drawn:
                raise UserError(
                    f"of {drawn:,} random architectures {accepted} meet the constraints of space `{self.name}`",
                    "loosen `require`, or give the choices weights that favour what it asks for",
                )
        return np.concatenate(kept) if kept else np.empty((0, len(self.sites)), np.int64), drawn

    def suggest(self, trial: Trial) -> Architecture:
        """Return the architecture that an outside optimiser suggests, decision by decision.

        Raises `UserError` when it does not meet the constraints; an Optuna objective then prunes the trial.
        """
        draws = TrialDraws(trial)
        rng = cast(np.random.Generator, draws)  # it draws what the machine draws, from the trial
        machine = Machine(self.compiled, self.sites, 1, rng, draws)
        machine.run()
        return Architecture(self, self.validate(machine.codes)[0])

    def _walk(self, batch: int, rng: np.random.Generator, **proposal: Any) -> tuple[Machine, Any]:
        """Walk a batch and tell which rows meet the constraints."""
        requires = self.compiled.space.requires
        if not requires:
            machine = Machine(self.compiled, self.sites, batch, rng, **proposal)
            machine.run()
            return machine, np.ones(batch, bool)
        observer = self._cost_observer(batch)
        machine = Machine(self.compiled, self.sites, batch, rng, observer, **proposal)
        machine.run()
        return machine, self._meets(observer.costs, batch)

    def _cost_observer(self, batch: int) -> CostObserver:
        return CostObserver(batch, tuple(op.name for op in self.compiled.space.ops))

    def _meets(self, costs: Costs, batch: int) -> Any:
        good = np.ones(batch, bool)
        for require in self.compiled.space.requires:
            left = evaluate(require.left, costs.env(), {})
            good &= COMPARE[require.comparison](left, evaluate(require.right, costs.env(), {}))
        return good

    def acceptance(self, draws: int = 4096, seed: int = 0) -> tuple[float, float, float]:
        """Return the share of raw draws that meet the constraints, with its 95 % Wilson interval."""
        _, good = self._walk(draws, np.random.default_rng(seed))
        share, z = float(good.mean()), 1.96
        centre = (share + z * z / (2 * draws)) / (1 + z * z / draws)
        half = z / (1 + z * z / draws) * (share * (1 - share) / draws + z * z / (4 * draws * draws)) ** 0.5
        return share, max(0.0, centre - half), min(1.0, centre + half)

    def perturb(self, codes: Ints, rate: float, rng: np.random.Generator) -> Ints:
        """Redraw each decision with probability ``rate`` and return other members that meet the constraints.

        Decisions after a redrawn one are kept where they still fit, else drawn too; codes: (n, sites). A row stays as
        it is when a hundred tries lead nowhere else.
        """
        result = codes.copy()
        open_rows = np.arange(len(codes) if self.count() > 1 else 0)
        for _ in range(100):
            if not len(open_rows):
                break
            keep = rng.random((len(open_rows), codes.shape[1])) >= rate
            machine, good = self._walk(len(open_rows), rng, proposed=codes[open_rows], keep=keep)
            good &= (machine.codes != codes[open_rows]).any(1)
            result[open_rows[good]] = machine.codes[good]
            open_rows = open_rows[~good]
        return result

    # -- codes as data ------------------------------------------------------------------------

    def batch(self, architectures: Iterable[Architecture]) -> Architectures:
        """Return architectures of this space as one batch; raises `UserError` for one of another space."""
        rows = []
        for architecture in architectures:
            if architecture.space is not self and architecture.space.hash != self.hash:
                raise UserError(
                    f"an architecture of space `{architecture.space.name}` is no member of this space `{self.name}`"
                )
            rows.append(architecture.codes)
        return Architectures(self, np.stack(rows) if rows else np.empty((0, len(self.sites)), np.int64))

    def from_json(self, data: Any) -> Architecture:
        """Return the architecture that `Architecture.to_json` wrote.

        Raises `UserError` that names the first decision which is unknown, missing or out of its domain.
        """
        codes = read(data, self.sites, self.name, self.hash)
        return Architecture(self, self.validate(codes[None])[0])

    def validate(self, codes: Ints) -> Ints:
        """Return codes that are known to be members; raises `UserError` for the first that is not."""
        if not len(codes):
            return codes
        machine, good = self._walk(len(codes), np.random.default_rng(0), proposed=codes)
        wrong = machine.refused >= 0
        if wrong.any():
            row = int(wrong.argmax())
            site = self.sites.all[machine.refused[row]]
            code = int(codes[row, machine.refused[row]])
            what = "is missing" if code == INACTIVE else f"can't be {plain(site.value(code))} here"
            raise UserError(f"`{site.path}` {what}")
        extra = (machine.codes == INACTIVE) & (codes != INACTIVE)
        if extra.any():
            path = self.sites.all[int(extra.any(0).argmax())].path
            raise UserError(f"`{path}` is given, but nothing is decided there in this architecture", "leave it out")
        if not good.all():
            raise UserError(f"this architecture does not meet the constraints of space `{self.name}`")
        return codes

    def costs(self, architectures: Architecture | Sequence[Architecture] | Architectures) -> Costs:
        """Return parameters, multiply-adds and banks read of each architecture, without building any."""
        codes = self._codes(architectures)
        observer = self._cost_observer(len(codes))
        self._replay(codes, observer)
        return observer.costs

    def _replay(self, codes: Ints, observer: Observer) -> None:
        """Walk members again, for an observer."""
        if len(codes):
            Machine(self.compiled, self.sites, len(codes), np.random.default_rng(0), observer, proposed=codes).run()

    def _codes(self, architectures: Architecture | Sequence[Architecture] | Architectures) -> Ints:
        if isinstance(architectures, Architecture):
            architectures = [architectures]
        batch = architectures if isinstance(architectures, Architectures) else self.batch(architectures)
        return batch.codes

    # -- the conditioning tensor --------------------------------------------------------------

    def encode_codes(self, codes: Ints) -> Bits:
        """Return conditioning tensors; c: (n, features, rows, slices), shorter ones padded with slices that are off."""
        return self.assemble(codes).tensor()

    def assemble(self, codes: Ints) -> Assembly:
        """Return what the tensors of a batch are put together from, a few at a time; codes: (n, sites)."""
        encoder = Encoder(self.layout, len(codes))
        self._replay(codes, encoder)
        return encoder.finish()

    def encode_chunks(self, codes: Ints) -> Iterator[Bits]:
        """Yield conditioning tensors of a large batch in order, a few megabytes at a time; codes: (n, sites)."""
        start, walked = 0, FIRST_WALKED
        while start < len(codes):
            assembly = self.assemble(codes[start : start + walked])
            start += walked
            # as many again as a walk may keep in memory, judging by this one
            walked = min(BATCH, max(1, walked * WALK_BYTES // max(1, assembly.nbytes)))
            size = self.layout.features * self.layout.rows * int(assembly.ends.max(initial=1))
            chunk = max(1, CHUNK_BYTES // size)
            for low in range(0, len(assembly.ends), chunk):
                yield assembly.tensor(low, min(low + chunk, len(assembly.ends)))

    def decode_tensor(self, tensors: Bits) -> Ints:
        """Return the codes of conditioning tensors; c: (n, features, rows, slices).

        Raises `UserError` that names the first slice and feature of a tensor which is no encoding.
        """
        layout = self.layout
        if tensors.ndim != 4 or tensors.shape[1:3] != (layout.features, layout.rows):
            shape = ", ".join(map(str, tensors.shape[1:] if tensors.ndim == 4 else tensors.shape))
            wanted = f"({layout.features}, {layout.rows}, slices)"
            raise UserError(f"a conditioning tensor of space `{self.name}` is {wanted}, not ({shape})")
        if not len(tensors):
            return np.empty((0, len(self.sites)), np.int64)
        decoder = Decoder(layout, tensors)
        machine = Machine(self.compiled, self.sites, len(tensors), np.random.default_rng(0), decoder)
        machine.run()
        assembly = decoder.finish()
        row = first_wrong(assembly, tensors)
        if row is not None:
            found = first_difference(layout, tensors[row], assembly.tensor(row, row + 1)[0])
            assert found is not None
            at, feature, line, on = found
            raise UserError(
                f"this tensor is no encoding: at slice {at}, feature {feature} (`{layout.describe(feature)}`) is "
                f"{'on' if on else 'off'} in row {line}, which no architecture of space `{self.name}` gives"
            )
        return machine.codes
