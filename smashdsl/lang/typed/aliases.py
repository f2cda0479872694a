"""What torch, Keras and papers call the layers, arguments and joins of this language.

A name that is not declared is looked up here before it is taken for a misspelling. Names are compared without case, `_`
and the number of axes: `MaxPool2d`, `max_pool_2d` and `maxpool` are one.
"""

from __future__ import annotations

import re

from smashdsl.lang.syntax import nodes as s
from smashdsl.lang.text.diagnostics import Edit
from smashdsl.lang.text.source import Span

# the same layer under another name: its arguments may stay
SAME = {
    **dict.fromkeys(("convolution", "convnd"), "conv"),
    **dict.fromkeys(("dwconv", "depthwiseconv", "depthwise", "depthwiseconvolution"), "depthwise_conv"),
    **dict.fromkeys(("maxpool", "maxpooling"), "max_pool"),
    **dict.fromkeys(("avgpool", "averagepool", "averagepooling", "meanpool", "avgpooling"), "avg_pool"),
    **dict.fromkeys(("fc", "dense", "fullyconnected", "affine", "innerproduct", "lin"), "linear"),
    **dict.fromkeys(("mha", "multiheadattention", "selfattention", "multiheadselfattention", "attn"), "attention"),
    **dict.fromkeys(("embed", "wordembedding", "tokenembedding"), "embedding"),
    **dict.fromkeys(("droppath", "spatialdropout", "alphadropout"), "dropout"),
    **dict.fromkeys(("lrelu", "leaky"), "leaky_relu"),
    **dict.fromkeys(("padchannel", "zeropadchannels", "channelpad"), "pad_channels"),
}
# a layer that stands for the whole use, whatever arguments the other library gives it
WHOLE = {
    **dict.fromkeys(("batchnorm", "bn", "batchnormalization", "syncbatchnorm", "normalization", "normalize"), "norm"),
    **dict.fromkeys(("layernorm", "ln", "layernormalization"), "norm(layer)"),
    **dict.fromkeys(("groupnorm", "gn", "groupnormalization"), "norm(group)"),
    **dict.fromkeys(("rmsnorm", "rmsnormalization"), "norm(rms)"),
    **dict.fromkeys(
        ("gap", "globalavgpool", "globalaveragepool", "globalaveragepooling", "adaptiveavgpool", "globalpool"),
        "global_avg_pool",
    ),
    **dict.fromkeys(("swish", "sigmoidlinearunit"), "silu"),
    **dict.fromkeys(("hswish",), "hard_swish"),
    **dict.fromkeys(("hsigmoid",), "hard_sigmoid"),
    **dict.fromkeys(("skip", "skipconnect", "skipconnection", "id", "noop", "pass", "shortcut"), "identity"),
    **dict.fromkeys(("none", "zeroize", "null", "zeros"), "zero"),
    **dict.fromkeys(("positionalencoding", "positionalembedding", "positionembedding", "posembed"), "positions"),
    **dict.fromkeys(("patchify", "tosequence", "totokens"), "tokens"),
}
# what no single layer is
ADVICE = {
    **dict.fromkeys(
        ("add", "residual", "plus"), "paths are added by `sum { … | … }`: a residual is `sum { identity | conv(3x3) }`"
    ),
    **dict.fromkeys(("cat", "concatenate", "stack"), "paths are joined along channels by `concat { … | … }`"),
    **dict.fromkeys(("mul", "multiply", "gate"), "paths are multiplied by `product { … | … }`"),
    **dict.fromkeys(
        ("sequential", "modulelist", "layers", "seq"),
        "a body is a sequence already: write its layers one after another",
    ),
    **dict.fromkeys(
        ("deconv", "convtranspose", "transposedconv", "upsample", "upsampling", "interpolate", "pixelshuffle"),
        "no layer makes a grid larger; a network's grid stays or shrinks",
    ),
    **dict.fromkeys(("reshape", "view", "permute", "transpose"), "a grid becomes a vector by `flatten`"),
    **dict.fromkeys(("separableconv", "sepconv"), "write `depthwise_conv(3x3); conv(1x1, …)`"),
    **dict.fromkeys(
        ("squeezeexcite", "squeezeandexcitation", "se"), "write `product { identity | global_avg_pool; … }`"
    ),
    **dict.fromkeys(
        ("pad", "zeropad"), "convolutions and pools pad by themselves; channels are added by `pad_channels`"
    ),
    **dict.fromkeys(("if", "else", "elif", "when"), "write `maybe { … }`, or `choose { … | … }`"),
    **dict.fromkeys(("while", "loop"), "write `repeat 3 { … }`"),
    **dict.fromkeys(("return", "output"), "what the last layer puts out is the result: drop this"),
    **dict.fromkeys(("input", "x"), "what arrives flows into the first layer by itself: drop this"),
}
ARGUMENTS = {
    **dict.fromkeys(("kernelsize", "size", "window", "poolsize", "k", "ksize", "filtersize"), "kernel"),
    **dict.fromkeys(
        ("outchannels", "filters", "outfeatures", "units", "features", "numfilters", "channels", "width", "outputs"),
        "out",
    ),
    **dict.fromkeys(("dim", "dmodel", "outputdim", "embeddim", "embeddingdim", "outputsize", "hidden"), "out"),
    **dict.fromkeys(("strides", "step", "s"), "stride"),
    **dict.fromkeys(("dilationrate", "atrous"), "dilation"),
    **dict.fromkeys(("p", "prob", "probability", "dropout", "droprate"), "rate"),
    **dict.fromkeys(("numheads", "nheads", "nhead", "h"), "heads"),
    **dict.fromkeys(("numgroups", "ngroups", "cardinality", "group"), "groups"),
    **dict.fromkeys(("negativeslope", "alpha", "leak"), "slope"),
    **dict.fromkeys(("usebias", "hasbias"), "bias"),
    **dict.fromkeys(("iscausal", "mask"), "causal"),
    **dict.fromkeys(("weight", "param", "w"), "weights"),
    **dict.fromkeys(("mode", "type", "norm"), "kind"),
}
# arguments of other libraries that a layer here does without
NEEDLESS = {
    **dict.fromkeys(("padding", "pad", "paddingmode"), "the padding keeps the grid's size, or its part by `stride`"),
    **dict.fromkeys(
        ("inchannels", "infeatures", "inputdim", "inputshape", "numfeatures", "inputsize"), "what arrives is known"
    ),
    **dict.fromkeys(("inplace", "name", "dtype", "device", "affine", "eps", "momentum"), "a spec does not say that"),
}
JOINS = {
    **dict.fromkeys(("sum", "plus", "addition", "accumulate"), "add"),
    **dict.fromkeys(("product", "multiply", "times", "prod"), "mul"),
    **dict.fromkeys(("cat", "concatenate", "concatenation", "stack"), "concat"),
    **dict.fromkeys(("average", "avg"), "mean"),
    **dict.fromkeys(("maximum",), "max"),
    **dict.fromkeys(("overwrite", "set", "assign", "copy"), "replace"),
}
INPUTS = {
    **dict.fromkeys(("picture", "img", "images", "photo", "grid", "tensor", "image2d"), "image"),
    **dict.fromkeys(("audio", "wave", "series", "timeseries", "time_series", "sequence1d"), "signal"),
    **dict.fromkeys(("voxels", "voxel", "video", "image3d", "scan"), "volume"),
    **dict.fromkeys(("features", "flat", "table", "row"), "vector"),
    **dict.fromkeys(("text", "sequence", "token", "chars", "words"), "tokens"),
}


def plain(name: str) -> str:
    """Return a name without case, `_` and the number of axes."""
    return re.sub(r"[123]d$", "", name.lower().replace("_", "")) or name.lower()


def layer(node: s.Layer, known: set[str]) -> tuple[str, tuple[Edit, ...]] | None:
    """Return what to write for a layer that another library calls so, and the edits that do it."""
    name = plain(node.name.id)
    if name in WHOLE and WHOLE[name].partition("(")[0] in known:
        return f"write `{WHOLE[name]}`", (Edit(node.span, WHOLE[name]),)
    same = next((ours for ours in known if ours.replace("_", "") == name), None) or SAME.get(name)
    if same in known and same is not None:
        # a convolution's first argument is the kernel here, and something else there
        keeps = not node.args or same != "conv" or node.args[0].name is not None
        help = f"did you mean `{same}`?" + ("" if keeps else " its kernel comes first: `conv(3x3, 16)`")
        return help, (Edit(node.name.span, same),) if keeps else ()
    return (ADVICE[name], ()) if name in ADVICE else None


def argument(node: s.Layer, i: int, names: list[str]) -> tuple[str, tuple[Edit, ...]] | None:
    """Return what to write for an argument that another library calls so, and the edits that do it."""
    given = node.args[i]
    assert given.name is not None
    name = plain(given.name.id)
    ours = ARGUMENTS.get(name)
    if ours in names and ours is not None:
        return f"did you mean `{ours}`?", (Edit(given.name.span, ours),)
    if name in ("activation", "act"):
        help = "an activation is a layer of its own: write `; relu` after this one"
        if not isinstance(given.value, s.Name):
            return help, ()
        end = node.span._replace(start=node.span.end)
        return help, (Edit(without(node, i), ""), Edit(end, f"; {given.value.id}"))
    if name in NEEDLESS:
        return f"drop it: {NEEDLESS[name]}", (Edit(without(node, i), ""),)
    return None


def without(node: s.Layer, i: int, last: int | None = None) -> Span:
    """Return what to cut out of a use to drop one of its arguments, or those up to a last one."""
    args, last = node.args, i if last is None else last
    if last - i + 1 == len(args):
        return node.span._replace(start=node.name.span.end)
    if i:
        return node.span._replace(start=args[i - 1].span.end, end=args[last].span.end)
    return node.span._replace(start=args[i].span.start, end=args[last + 1].span.start)
