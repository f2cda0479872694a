"""Hypothesis strategies for texts of small spaces.

Every kind of construct of the language occurs. Channels are even and at most 16, grids at most 8, and there are few
ops, so that most spaces can be enumerated member by member.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hypothesis import strategies as st

from smashdsl.lang.compile import Compiled, compile_source
from smashdsl.lang.text.diagnostics import SmashError
from smashdsl.lang.text.source import Source

INPUTS = {"image[2, 4, 4]": 2, "image[2, 8, 4]": 2, "signal[2, 8]": 1, "volume[2, 4, 2, 2]": 3}
TOKENS = {"tokens[4] of 3": 1, "image[2, 4, 2]": 1, "volume[2, 2, 2, 2]": 1}  # those that are none become tokens
MOST = 3_000
SPENT = (("reads", "2"), ("reads", "{1, 3}"), ("units", "bank"), ("units", "{2, 3}"), ("params", "8"), ("flops", "200"))
WEIGHTS = ("generated", "shared", "own")


def compiled(text: str) -> Compiled | None:
    """Compile a text, or return None where it is wrong."""
    try:
        return compile_source(Source("drawn.smash", text))
    except SmashError:
        return None


def specs(most: int = MOST) -> st.SearchStrategy[str]:
    """Return a strategy of texts of right spaces with at most ``most`` architectures."""

    def right(text: str) -> bool:
        space = compiled(text)
        return space is not None and space.facts.count <= most

    return drafts().filter(right)


def drafts(risk: int = 0) -> st.SearchStrategy[str]:
    """Return a strategy of texts whose members may be wrong: the more so, the higher ``risk`` in 0..9."""
    return st.composite(lambda draw: _Writer(draw, risk).space())()


@dataclass
class _Writer:
    draw: Callable[[st.SearchStrategy[object]], object]
    risk: int
    axes: int = 2
    tokens: bool = False  # whether what flows is a sequence
    ops: list[str] = field(default_factory=list)  # ops used like layers, that take a kernel
    cells: list[str] = field(default_factory=list)
    params: list[str] = field(default_factory=list)  # choices of kernels
    edges: list[str] = field(default_factory=list)  # ops that reads go through
    sequenced: list[str] = field(default_factory=list)  # cells that follow others in `body`
    norms: list[str] = field(default_factory=list)  # kinds of `norm` that have a name
    lets: int = 0

    # -- draws --------------------------------------------------------------------------------

    def one(self, *options: str) -> str:
        return str(self.draw(st.sampled_from(options)))

    def number(self, low: int, high: int) -> int:
        return int(str(self.draw(st.integers(low, high))))

    def chance(self, tenths: int) -> bool:
        return self.number(0, 9) < tenths

    def risky(self) -> bool:
        return self.risk > 0 and self.chance(self.risk)

    # -- values -------------------------------------------------------------------------------

    def kernel(self) -> str:
        sizes = ["1", "3", "{1, 3}", "{1: 0.25, 3: 3}", "1..3 step 2", *self.params]
        if self.axes > 1:
            sizes += [f"[{', '.join(['{1, 3}'] + ['3'] * (self.axes - 1))}]", "x".join(["3"] * (self.axes - 1) + ["1"])]
        return self.one(*sizes)

    def width(self) -> str:
        if self.risky():
            return self.one("3", "channels / 2", "channels + 1", "{2, channels}", "{3, 4}", "6")
        return self.one(
            "2", "4", "{2, 4}", "2 * {1, 2}", "2..4 step 2", "min(channels, 4)", "max(2, 4)", "{2: 1, 8: 2}"
        )

    def conv(self, out: str) -> str:
        args = [self.kernel(), out]
        if self.chance(3):
            args.append(self.one("dilation = {1, 2}", "dilation = 1..4-(max(kernel, 1)-1)/2", "dilation = 2"))
        if self.chance(3):
            args.append(self.one("groups = {1, 2}", "groups = 2", *(["groups = {1, 4}"] if self.risky() else [])))
        if self.chance(2):
            args.append(f"bias = {self.one('true', 'false', '{true, false}')}")
        if self.chance(5):
            args.append(f"weights = {self.one(*WEIGHTS)}")
        # a dilation that uses a kernel per axis has no single number to use
        return f"conv({', '.join(args)})" if "[" not in args[0] and "x" not in args[0] else f"conv({args[0]}, {out})"

    def layer(self) -> str:
        kinds = [
            "relu",
            "gelu",
            "norm",
            "norm(layer)",
            "norm({batch, rms})",
            "norm(group, groups = {1, 2})",
            "identity",
        ]
        kinds += [
            "max_pool(3)",
            "avg_pool({1, 3})",
            "dropout({0.1, 0.5})",
            "leaky_relu(0.1)",
            f"depthwise_conv({self.kernel()})",
        ]
        kinds += [f"{name}({self.kernel()})" for name in self.ops]
        kinds += [f"norm({name})" for name in self.norms]
        if self.tokens:
            kinds += ["attention({1, 2})", "attention(1, true, bias = {true, false}, weights = generated)", "positions"]
            kinds += [
                "attention(2, width = {2, 4})",
                "linear({2, 4})",
                "conv(3, causal = true)",
                "norm({auto, group}, 2)",
            ]
        kinds += [f'conv(3, {self.width()}, weights = fixed("{self.one("gabor", "dct")}"))']
        if self.risky():
            kinds += ["tokens", "flatten", "attention(3)", 'conv({1, 3}, weights = fixed("gabor"))', "embedding(4)"]
            kinds += ["avg_pool(2, stride = 2)", "linear(4)", "global_avg_pool", "norm(group, 4)", "pad_channels(4)"]
        return self.conv(self.width()) if self.chance(4) else self.one(*kinds)

    # -- bodies -------------------------------------------------------------------------------

    def path(self, depth: int) -> str:
        """Return one to three statements; what arrives may have any even number of channels."""
        return "; ".join(self.statement(depth) for _ in range(self.number(1, 3 if depth else 1)))

    def statement(self, depth: int) -> str:
        if depth == 0 or self.chance(5):
            return self.layer()
        match self.number(0, 6 if self.cells and self.risk >= 0 else 5):
            case 0:
                return f"choose {{ {' | '.join(self.path(depth - 1) for _ in range(self.number(2, 3)))} }}"
            case 1:
                laws = [self.one("0.3", "1", "2.5") for _ in range(2)]
                return f"choose {{ {' | '.join(f'{law}: {self.path(depth - 1)}' for law in laws)} }}"
            case 2:
                return f"maybe{self.one('', ' 0.25')} {{ {self.path(depth - 1)} }}"
            case 3:
                return f"repeat {self.one('2', '0..1', '{1, 2}', '{0: 1, 2: 3}')} {{ {self.path(depth - 1)} }}"
            case 4:
                return self.combine(depth)
            case 5:
                return self.let()
        return self.one(*self.cells)

    def combine(self, depth: int) -> str:
        join = self.one("sum", "product", "concat", "mean", "max")
        end = "" if join == "concat" or self.risky() else "; conv(1, 4)"
        paths = [f"{self.path(depth - 1)}{end}" for _ in range(2)]
        return f"{join} {{ {' | '.join(paths)} }}"

    def let(self) -> str:
        self.lets += 1
        a, b = f"a{self.lets}", f"b{self.lets}"
        # a `let` that is used again takes what it puts out
        body = self.one("conv({1, 3}, channels)", "conv({1, 3}, channels, weights = shared)", "norm({batch, rms})")
        use = self.one(
            f"{a}; {a}",
            f"sum {{ {a} | {b} }}",
            f"choose {{ {a}; {b} | {a} }}; {a}",
            f"{b}",
            f"maybe {{ {a} }}; {a}",
            f"repeat {{0, 2}} {{ {a}; repeat 0..2 {{ {b} }} }}",
            f"repeat 0..2 {{ maybe {{ {a} }} }}; {b}",
        )
        return f"let {a}, {b} = {body}; {use}"

    # -- banks --------------------------------------------------------------------------------

    def member(self, op: str | None) -> Iterator[str]:
        """Yield an op of a cell with bank 0 filled; the first banks are written by and by."""
        if op is not None and self.chance(2):
            measure, bound = SPENT[self.number(0, len(SPENT) - 1)]
            yield f"ops while {measure} {self.one('<', '<', '<=')} {bound} of {op}({self.kernel()})"
        elif op is not None and self.chance(6):
            yield f"ops {self.one('1', '2', '0..1', '{1, 2}')} of {op}({self.kernel()})"
        elif self.chance(3):
            loop = f"for m in {self.one('0..1', '[0, 1]', '0..0')}, n in 0..m"
            yield f"{loop} {{ op {{ read 0; {self.layer()}; conv(1, bank); write {self.one('m', 'n', 'm - n')} }} }}"
        else:
            yield f"op {{ {self.bank_op()} }}"

    def bank_op(self) -> str:
        reads = [
            "read 0",
            "read [0]",
            "read all",
            "read last",
            "read some of written",
            "read 1 of written",
            "read all by add",
        ]
        reads += ["read 1 of written by max", "read some of written by mul", "read last by mean"]
        reads += ["read some of written by attention", "read all by attention"]
        for edge in self.edges:
            reads += [f"read {one} through {edge}" for one in ("0", "all", "some of written", "last")]
            reads += [f"read {one} through {edge} by {self.one('add', 'attention', 'mul')}" for one in ("all", "last")]
        if self.risky():
            reads += ["read 1", "read [0, 1]", "read 2 of written", "read 1..2 of written", "read all of banks"]
        read, middle, out = self.one(*reads), self.path(1), self.one("bank", "bank", "2 * bank", "{bank, 2 * bank}")
        plain = ["write 0", "write last", "write all", "write 1 of written", "write some of written by replace"]
        plain += ["write all by mean", "write some of reachable by mean"]
        plain += [
            "write 1..2 of reachable",
            "write some of reachable",
            "write {1, 2} of reachable by max",
            "write some of banks",
        ]
        wide = ["write some of reachable", "write 2 of reachable by mul"]
        risky = [
            "write 1 of fresh",
            "write 2 of fresh",
            "write 1",
            "write [0, 2]",
            "write 1..2 of written",
            "write written of banks",
        ]
        options = risky if self.risky() else plain if out == "bank" else wide
        return f"{read}; {middle}; conv(1, {out}); {self.one(*options)}"

    def banks(self) -> str:
        if self.risky():
            count, channels = ("2", "1..3", "filled", "filled + 1"), ("{2, 4}", "3", "channels / 2", "4")
        else:
            # two chunks must find two banks that can be written
            count = ("filled + 1", "filled..filled + 1", "max(filled, 2)", "{3, 4}")
            channels = ("2", "4", "{2, 4}", "channels / 2")
        return f"banks {self.one(*count)} of {self.one(*channels)}"

    def strided(self) -> str:
        """Return the members of a cell whose second bank has a grid of its own."""
        half = "conv({1, 3}, bank, stride = {1, 2})" if self.risky() else "conv({1, 3}, bank, stride = 2)"
        edge = f" through {self.one(*self.edges)}" if self.edges else ""
        members = [f"op {{ read 0; {half}; write 1 }}"]
        members += [f"op {{ read 1{edge}; {self.layer()}; conv(1, bank); write {self.one('1', 'last')} by mean }}"]
        if self.risky():
            members.append(f"op {{ {self.bank_op()} }}")
        leaving = self.one("1", "last", *(["all"] if self.risky() else []))
        return "\n    ".join(["banks 2 of channels", *members, f"yield {leaving}"])

    def with_params(self) -> str:
        """Return the members of a cell that has params of its own."""
        wide = self.one("{1, 2}", "2", "channels / 4 * {1, 2}")
        params = [f"param w = {wide}", f"param z = {self.one('3', '{1, 3}')}"]
        use = f"op {{ read all; conv(z, w * bank); {self.layer()}; conv(1, bank); write {self.one('last', 'all')} }}"
        return "\n    ".join([*params, self.banks(), use])

    def cell_members(self, op: str | None) -> str:
        if self.chance(2):
            return self.strided()
        if self.chance(3):
            return self.with_params()
        members = [line for _ in range(self.number(1, 2)) for line in self.member(op)]
        if self.chance(3):
            members.append(f"yield {self.one('0', '[0]', 'last', 'all', *(['1'] if self.risky() else []))}")
        return "\n    ".join([self.banks(), *members])

    # -- the space ----------------------------------------------------------------------------

    def space(self) -> str:
        self.tokens = self.chance(3)
        inputs = TOKENS if self.tokens else INPUTS
        shape = self.one(*inputs)
        self.axes = inputs[shape]
        forward = "tokens" in shape and self.chance(5)
        output = "next_token(3)" if forward else "y(2)"
        lines = [f"input {shape}", f"output {output}", *self.declarations()]
        first = (
            ""
            if not self.tokens
            else "tokens; "
            if "tokens" not in shape
            else f"embedding({self.one('4', '{2, 4}')}); "
        )
        first = self.one("", first) if self.risky() else first
        lines.append(f"stem {{ {first}{self.path(1) if self.risky() else f'conv({self.kernel()}, 4)'} }}")
        if self.chance(5):
            lines += self.blocks()
        else:
            lines += self.body()
        if self.chance(3):
            lines.append(
                f"require {self.one('params <= 1e6', 'flops < 1e9', 'reads >= 0', 'params + 2 * reads <= 1e9')}"
            )
        lines.append("head { relu; linear(next_token) }" if forward else "head { relu; global_avg_pool; linear(y) }")
        inner = "\n  ".join(lines)
        return f"smash 1\nspace drawn {{\n  {inner}\n}}\n"

    def declarations(self) -> Iterator[str]:
        if self.chance(3):
            self.params.append("p")
            yield f"param p = {self.one('{1, 3}', '{1: 1, 3: 2}')}"
        if self.chance(3):
            self.params.append("q")
            yield "param q = 1 + 2"
        if self.chance(5):
            default = self.one("", " = {2, 4}", " = channels")
            yield f"op f(k, o{default or ' = 4'}) {{ {self.path(1)}; conv(k, o) }}"
            self.ops.append("f")
        if self.chance(4):
            self.edges.append("edge")
            body = self.one("conv({1, 3})", "choose { identity | relu }", "conv(1, bank, dilation = src + 1)")
            yield f"op edge(src) {{ {body} }}"
        if self.chance(2):
            self.edges.append("wide")
            yield f"op wide(k = {{1, 3}}) {{ conv(k, {self.one('bank', '2 * channels', '4')}) }}"
        if self.chance(3):
            self.norms.append("kind")
            yield f"param kind = {self.one('{batch, rms}', 'layer', '{layer: 1, batch: 3}')}"
        if self.chance(3):
            rate, flag = self.one("{0.1, 0.2}", "0.5"), self.one("{true, false}", "true", "{true: 1, false: 2}")
            kind = self.one("batch", "{rms, batch}", *self.norms)
            yield f"op any(k, r = {rate}, b = {flag}, n = {kind}) {{ conv(k, bias = b); norm(n); dropout(r / 2) }}"
            self.ops.append("any")

    def blocks(self) -> Iterator[str]:
        op = None
        if self.chance(6):
            op = "unit"
            formal = f"c = {self.one('bank', 'bank * {1, 2}', 'bank * (1..2)')}"
            read = f"read {self.one('all', 'some of written')}"
            conv = f"conv(k, c, weights = {self.one(*WEIGHTS)})"
            yield f"op unit(k, {formal}) {{ {read}; {conv}; write some of reachable }}"
        index = self.one("", "[i in 0..1]", "[0..1]")
        transition = f"{self.path(1)}; conv(1, {'4 * (i + 1)' if 'i in' in index else '4'})"
        end = "; avg_pool(2, stride = 2)" if self.chance(4) else ""
        yield f"block b{index} {{\n    {self.cell_members(op)}\n    transition {{ {transition}{end} }}\n  }}"

    def body(self) -> Iterator[str]:
        for tied in self.draw(st.lists(st.booleans(), max_size=2)):  # type: ignore[attr-defined]
            name = f"c{len(self.cells)}"
            yield f"{'tied ' if tied else ''}cell {name} {{\n    {self.cell_members(None)}\n  }}"
            self.cells.append(f"conv(1, 4); {name}")
        if self.chance(4):
            number, stride = self.one("2", "3"), self.one("shrink", "shrink", "1") if self.risky() else "shrink"
            yield f"{self.one('', 'tied ')}cell s {{"
            yield f"  inputs {number}"
            yield f"  entry {{ conv({{1, 3}}, bank, stride = {stride}) }}"
            yield "  banks 4 of 2"
            yield f"  op {{ read some of written{self.one('', ' by add')}; conv(1, bank); write 3 }}"
            yield "  yield 3"
            yield "}"
            use = f"{self.one('', 'conv(1, 4); ', 'max_pool(2, stride = 2); ')}s"
            self.sequenced += [use, self.one("s", "repeat 0..2 { s }", "maybe { s }", "choose { s | relu }")]
        statements = [*self.cells, *self.sequenced, *(self.path(2) for _ in range(self.number(1, 2)))]
        inner = "\n    ".join(statements)
        yield f"body {{\n    {inner}\n  }}"
