"""Small spaces that each show a few constructs, for tests that walk members."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import smashdsl

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.smash"))
# examples whose networks are too large for a test, made narrow
NARROW = {
    "smashv1": {"width": 2, "max_ops": 4},
    "smashv2": {"width": 2, "depth": 4},
    "densenet_bc": {"k": 2},
    "resnet20": {"n": 1},
    "wrn_40_4": {"units": 2, "k": 1},
    "fractalnet": {"width": 2},
    "mobilenet_v3": {"size": 64},
    "nas_bench_101": {"c": 4},
    "darts": {"c": 4, "n": 1},
    "char_gpt": {"d": 16},
    "autoformer": {"patch": 56, "dim": 48},
}
HEAD = "head { norm; relu; global_avg_pool; linear(classes) }"
BODIES = {
    "params": """param k = {3, 5}
        param shape = [{1, 3}, 3]
        param two = {2: 1, 4: 3}
        stem { conv(k, 4*two); conv(shape, {two, 8}); conv({[k, 3], 1}, 8) }""",
    "values": """stem {
        conv(min({3x3, 5x5}, {1x1, 7x7}), {4: 0.2, 8: 0.8}, bias = {true, false})
        norm({batch, layer, rms, group}, groups = 2); conv(2, 8, stride = 2, dilation = 1..2)
        leaky_relu({0.1, 0.25}); conv(3, channels, groups = {1, 2}, dilation = [{1, 2}, 1]) }""",
    "lets": """stem {
        conv(1, 4); let a = conv({1, 3})
        let b = sum { a | identity }
        maybe 0.3 { a }; choose { 0.5: a; b | 0.25: b; relu; a | 0.25: sum { b | a } } }""",
    "let_in_repeat": """op r(c = channels) { let w = conv({1, 3}, c)
        w; relu; w }
      stem { conv(1, 4); repeat 1..2 { r } }""",
    "repeats": """stem {
        conv(1, 8); repeat {0: 1, 2: 3} { conv({1, 3}); repeat 0..1 { norm; relu } }
        repeat 2 { maybe { conv(3, groups = {1, 8}) } } }""",
    "joins": """op f(k) { conv(k); hard_swish }
      stem {
        conv(1, 8)
        sum { f(1) | f({1, 3}) | identity }; max { relu | tanh }; mean { sigmoid | gelu | silu }
        concat { identity | max_pool(3) }; product { identity | global_avg_pool; linear; hard_sigmoid }
        product { global_avg_pool; linear(bias = false); elu | pad_channels(channels) } }""",
    "cell_twice": """cell q(c = {4, 8}, k = 1) {
        banks max(2, filled)..3 of 4
        ops 0..1 of mix(k)
        op { read all by mean; conv(k, c); write some of reachable } }
      op mix(k, width = bank * {1, 2}) { read some of written; conv({k, 5}, width); write some of reachable by replace }
      body { q; conv(1, 4); q(4, {1, 3}) }""",
    "tied": """tied cell q(k = {1, 3}) {
        banks 3 of channels / 2
        op m { read last by add; conv(k); norm; write last }
        ops 1..2 of m
        yield [0, 1] }
      op m { read some of written by max; let w = conv({1, 3}); w; relu; w; write some of reachable by mul }
      stem { conv(3, 8) }
      body { conv(1, 8); repeat 2 { q; conv(1, 8) }; q }""".replace("op m { read last by", "op { read last by"),
    "budgets": """op mix(k, c = bank * {1, 2}) {
        read 1..min(left + 1, written) of written by mean
        conv(k, c, weights = generated); write some of reachable }
      op slim(c = min(left, 2)) { read last by max; let w = conv({1, 3}, c * bank); w; relu; write 2 of reachable }
      stem { conv(1, 8) }
      block b[i in 0..1] {
        banks 3 of {4, 8}
        op { read 0; write last }
        ops while reads <= {2, 3} of mix({1, 3})
        transition { conv(1, 8) } }
      block d[i in 1..2] {
        banks 3 of channels / 2
        op { read last; write last }
        ops while units < 4 + i of slim }
      block c { banks 1 of channels
        ops while params < 40 * bank * {1, 2} of plain }
      op plain { read 0; maybe { conv(1) }; conv(1, bank); write 0 by replace }""",
    "attended": """op edge(src, k = {1, 3}) { choose { conv(k, bank) | identity } }
      op mix { read 2 of written through edge by attention; conv(1, bank); write some of written }
      block b { banks filled + {1, 3} of 2
        op { read 0; conv(1); write 0 }
        op { read all by attention; conv(1, bank); write last }
        ops while params < {16, 24} of mix
        yield last }""",
    "blocks": """op mix(c = bank * (1..2)) {
        read 1 of written
        sum { conv({1, 3}, c, weights = generated) | read 0; conv(1, c, weights = shared) }
        choose { identity | dropout(0.2) }
        write c/bank..2 of reachable by replace }
      block st[i in 0..1] {
        banks filled + 1 of {2, 4}
        ops {1, 2} of mix
        op { read some of written by mul; write {1: 3, 2: 1} of banks by max }
        ops i..1 of mix(bank)
        transition { conv(1, 4 * (i + 1)); avg_pool(2, stride = 2) } }""",
    "pools": """block st {
        banks 4 of 2
        op { read some of written by mul; relu; write 1..2 of fresh }
        op { read 1 of written; conv(1, 2, weights = generated); write {1: 3, 2: 1} of written }
        op { read all; conv(1, {2, 4}); write some of reachable by replace }
        op { read last; conv(1, 2); write all of banks by max }
        yield last }
      stem { conv(1, 4) }""",
    "loops": """block st {
        banks 4 of 4
        for dst in 1..3, src in [0, 0..dst-1 step 2] { op { read src; conv({1, 3}, weights = generated); write dst } }
        op { read [0, 2..3] by mul; conv(1, 8, weights = generated); write some of banks } }""".replace(
        "[0, 0..", "[0.."
    ),
    "many_banks": """op mix { read some of written; conv(1, {2, 4}); write some of reachable }
      block st { banks 40..41 of 2
        ops 2..3 of mix
        op { read some of written by max; write some of reachable by max } }""",
    "required": """stem { repeat 1..3 { conv({1, 3}, {4, 8}) }; f }
      op f { conv({1, 3}); maybe { relu; g } }
      op g { gelu }
      require params <= 1500
      require flops + 2*reads > 2e4
      require count(g) == 1""",
    "narrow_head": "stem { flatten; linear(1..80); relu; linear(bias = {true, false}); norm(layer) }",
}
INPUTS = {"narrow_head": "signal[4, 6]"}


def text(name: str) -> str:
    """Return the text of a handmade space."""
    head = "head { linear(classes) }" if name == "narrow_head" else HEAD
    shape = INPUTS.get(name, "image[4, 8, 8]")
    return f"smash 1\nspace {name}_space {{\n input {shape}\n output classes(3)\n {BODIES[name]}\n {head}\n}}\n"


def on_axes(axes: int) -> str:
    """Return a space with most constructs of grids, on signals, images or volumes."""
    shape = {1: "signal[2, 8]", 2: "image[2, 8, 4]", 3: "volume[2, 8, 4, 4]"}[axes]
    odd = ", ".join(["{1, 3}"] + ["3"] * (axes - 1))
    return f"""smash 1
space on_{axes} {{
  input {shape}
  output classes(3)
  stem {{ conv([{odd}], 8, stride = 2); norm; depthwise_conv({{1, 3}}, dilation = {{1, 2}}) }}
  op mix {{
    read some of written
    conv({{1, 3}}, {{4, 8}}, groups = {{1, 4}}, weights = generated); relu
    choose {{ max_pool(3) | avg_pool(3) | conv(2, weights = shared) | norm({{batch, group}}, groups = 4) }}
    write some of reachable
  }}
  block st[i in 0..1] {{ banks 3 of 4
    ops 1..2 of mix
    transition {{ conv(1, 8); max_pool(2, stride = 2) }} }}
  head {{ global_avg_pool; linear(classes) }}
}}
"""


@cache
def handmade(name: str) -> smashdsl.Space:
    """Return a space of `BODIES`, or `on_1` to `on_3`."""
    return smashdsl.loads(on_axes(int(name[-1])) if name.startswith("on_") else text(name), name=f"{name}.smash")


@cache
def example(name: str) -> smashdsl.Space:
    """Return a space of the gallery, narrow where it is large."""
    return smashdsl.load(EXAMPLES[0].parent / f"{name}.smash", NARROW.get(name))


NAMES = (*BODIES, "on_1", "on_2", "on_3")
EXAMPLE_NAMES = tuple(path.stem for path in EXAMPLES)


def space(name: str) -> smashdsl.Space:
    return example(name) if name in EXAMPLE_NAMES else handmade(name)
