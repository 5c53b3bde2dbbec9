"""Each cell of the table in docs/layers.md is made true here: what it says is what happens."""

import copy
import importlib
import importlib.util
import io
import pickle
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.func import functional_call
from torch.onnx._internal.torchscript_exporter import onnx_proto_utils
from torch.utils.checkpoint import checkpoint

from flexnet.data._torchvision import import_torchvision
from flexnet.errors import ConfigError
from flexnet.layers import FlexibleConv2d, PushPullConv2d
from flexnet.layers.both import FlexiblePushPullConv2d
from flexnet.layers.flexible import SCHEMES
from flexnet.layers.lowpass import LowPassConv2d

PAGE = Path(__file__).parents[2] / "docs" / "layers.md"
Build = Callable[..., nn.Module]
Call = Callable[[Tensor], Tensor]


def flexible(scheme: str, **options: str | torch.dtype) -> nn.Module:
    value = 0.1 if scheme == "uniform" else None
    torch.manual_seed(0)
    return FlexibleConv2d(2, 4, 3, padding=1, input_size=(5, 6), scheme=scheme, value=value, **options)  # type: ignore[arg-type]


PUSH_PULL: dict[str, float | str] = {"push-pull": 0.7, "push-pull learned": "learned"}


def push_pull(scheme: str, **options: str | torch.dtype) -> nn.Module:
    torch.manual_seed(0)
    return PushPullConv2d(2, 4, 3, padding=1, bias=True, alpha=PUSH_PULL[scheme], **options)  # type: ignore[arg-type]


def both(scheme: str, **options: str | torch.dtype) -> nn.Module:
    torch.manual_seed(0)
    chosen = BOTH[scheme]
    return FlexiblePushPullConv2d(2, 4, 3, padding=1, input_size=(5, 6), scheme=chosen, alpha=0.7, **options)


BOTH = {"both": "learned", "both random": "random"}


def low_pass(scheme: str, **options: str | torch.dtype) -> nn.Module:
    torch.manual_seed(0)
    return LowPassConv2d(2, 4, 3, padding=1, bias=True, size=5, **options)


# A further layer is one more line: how it is built, and the column of the table for each of its schemes.
LAYERS: dict[str, tuple[Build, tuple[str, ...]]] = {
    "flexible": (flexible, SCHEMES),
    "push-pull": (push_pull, tuple(PUSH_PULL)),
    "both": (both, tuple(BOTH)),
    "low-pass": (low_pass, ("low-pass",)),
}
COLUMNS = sorted(name for _, schemes in LAYERS.values() for name in schemes)


def scheme(layer: nn.Module) -> object:
    return getattr(layer, "scheme", None)


def images(dtype: torch.dtype = torch.float32, seed: int = 1) -> Tensor:
    return torch.randn(3, 2, 5, 6, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def seeded(call: Call, input: Tensor) -> Tensor:
    torch.manual_seed(3)
    return call(input)


def gradients(call: Call, layer: nn.Module, input: Tensor) -> list[Tensor]:
    """Output, and the gradients of the input and of all parameters (zero where there is none)."""
    input = input.clone().requires_grad_()
    layer.zero_grad()
    output = seeded(call, input)
    output.backward(torch.linspace(-1, 1, output.numel(), dtype=output.dtype).view_as(output))
    wanted = [input, *layer.parameters()]
    found = [torch.zeros_like(tensor) if tensor.grad is None else tensor.grad for tensor in wanted]
    return [output.detach(), *found]


def close(found: list[Tensor], expected: list[Tensor]) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def same(call: Call, layer: nn.Module, owner: nn.Module | None = None) -> None:
    """Outputs and gradients of `call` are those of the layer in plain execution, for two inputs.

    Gradients of `call` are found at its `owner`, by default the layer.
    """
    for seed in (1, 2):
        input = images(seed=seed)
        close(gradients(call, owner or layer, input), gradients(layer, layer, input))


def same_outputs(call: Call, layer: nn.Module) -> None:
    for seed in (1, 2):
        input = images(seed=seed)
        with torch.no_grad():
            close([seeded(call, input)], [seeded(layer, input)])


def compiled(build: Build) -> None:
    layer = build()
    torch._dynamo.reset()
    same(torch.compile(layer, backend="aot_eager", fullgraph=True), layer)


def exported(build: Build) -> None:
    layer = build()
    module = torch.export.export(layer, (images(),)).module()
    same_outputs(module, layer)
    same(module, layer, module)


def onnx_graph(build: Build) -> None:
    """The output depends on the input, through the operations of both branches."""
    layer = build()
    file = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:  # what the package onnx would add: functions of one's own
        patch.setattr(onnx_proto_utils, "_add_onnxscript_fn", lambda model, _: model)
        torch.onnx.export(layer, (images(),), file, dynamo=False)
    nodes, inputs, outputs = graph(file.getvalue())
    kinds, reached = ancestors(nodes, outputs)
    assert inputs[0] in reached
    if isinstance(layer, PushPullConv2d):
        assert {"Conv", "Resize", "Relu"} <= kinds
        return
    if isinstance(layer, LowPassConv2d):
        assert {"Conv", "Pad"} <= kinds  # borders are repeated
        assert sum(kind == "Conv" for kind, _ in nodes.values()) == 2
        return
    assert ("Resize" in kinds) == isinstance(layer, FlexiblePushPullConv2d)
    assert ("MaxPool" in kinds) == (scheme(layer) != "conv")
    assert ("Conv" in kinds) == (scheme(layer) != "max")


def traced(build: Build) -> None:
    layer = build()
    file = io.BytesIO()
    torch.jit.save(torch.jit.trace(layer, images(), check_trace=False), file)
    file.seek(0)
    loaded = torch.jit.load(file)
    same(loaded, layer, loaded)


def scripted(build: Build) -> None:
    torch.jit.script(build())


def symbolic(build: Build) -> None:
    layer = build()
    same(torch.fx.symbolic_trace(nn.Sequential(layer)), layer)


def extracted(build: Build) -> None:
    import_torchvision()
    feature_extraction = importlib.import_module("torchvision.models.feature_extraction")
    layer = build()
    extractor = feature_extraction.create_feature_extractor(nn.Sequential(layer, nn.ReLU()), {"0": "maps"})
    same(lambda x: extractor(x)["maps"], layer)


def func_grad(build: Build) -> None:
    layer = build()
    names = dict(layer.named_parameters())

    def loss(parameters: dict[str, Tensor], input: Tensor) -> Tensor:
        return functional_call(layer, parameters, (input,)).square().sum()

    torch.manual_seed(3)
    found, of_input = torch.func.grad(loss, argnums=(0, 1))(names, images())
    torch.manual_seed(3)
    input = images().requires_grad_()
    value = loss(names, input)
    wanted = [input, *names.values()]
    expected = torch.autograd.grad(value, wanted, allow_unused=True, materialize_grads=True)
    close([of_input, *(found[name] for name in names)], list(expected))


def func_vmap(build: Build) -> None:
    layer = build()
    same(torch.func.vmap(layer, randomness="same"), layer)


def slope(layer: nn.Module) -> tuple[Tensor, Tensor]:
    """A direction of the input, and the derivative along it by backward mode."""
    direction = images(seed=5)

    def along(weights: Tensor) -> Tensor:  # differentiating J^T w by w gives J direction
        input = images().requires_grad_()
        (back,) = torch.autograd.grad(seeded(layer, input), input, weights, create_graph=True)
        return (back * direction).sum()

    weights = torch.zeros_like(layer(images())).requires_grad_()
    (expected,) = torch.autograd.grad(along(weights), weights)
    return direction, expected


def func_jvp(build: Build) -> None:
    layer = build()
    direction, expected = slope(layer)
    torch.manual_seed(3)
    output, found = torch.func.jvp(layer, (images(),), (direction,))
    close([output.detach(), found.detach()], [seeded(layer, images()).detach(), expected])


def forward_mode(build: Build) -> None:
    layer = build()
    direction, expected = slope(layer)
    with forward_ad.dual_level():
        output = seeded(layer, forward_ad.make_dual(images(), direction))
        value, found = forward_ad.unpack_dual(output)
    assert found is not None
    close([value.detach(), found.detach()], [seeded(layer, images()).detach(), expected])


def batched(build: Build) -> None:
    layer = build()
    wanted = [images().requires_grad_(), *(layer.parameters() if scheme(layer) != "max" else ())]
    output = seeded(layer, wanted[0])
    many = torch.randn(4, *output.shape, generator=torch.Generator().manual_seed(2))
    found = torch.autograd.grad(output, wanted, many, is_grads_batched=True, retain_graph=True)
    singly = [torch.autograd.grad(output, wanted, one, retain_graph=True) for one in many]
    close(list(found), [torch.stack(column) for column in zip(*singly, strict=True)])


def double_backward(build: Build) -> None:
    layer = build(dtype=torch.float64)
    used = [layer.weight] if scheme(layer) != "max" else []

    def call(input: Tensor, *weights: Tensor) -> Tensor:
        torch.manual_seed(3)
        return functional_call(layer, dict(zip(("weight",), weights, strict=False)), (input,))

    operands = [images(torch.float64).requires_grad_(), *used]
    # A wide step would cross a maximum; a small one is enough in float64.
    assert torch.autograd.gradgradcheck(call, operands, eps=1e-7, atol=1e-3, fast_mode=True)


def replicated(build: Build) -> None:
    """The replicas that `DataParallel` builds, without the transport to other devices."""
    layer = build()
    replicate = importlib.import_module("torch.nn.parallel.replicate")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            replicate,
            "_broadcast_coalesced_reshape",
            lambda tensors, devices, detach=False: [[t.view_as(t) for t in tensors] for _ in devices],
        )
        first, second = replicate.replicate(layer, [0, 1])
    same(first, layer)
    same(second, layer)
    assert repr(first) == repr(layer)


def copied(build: Build) -> None:
    layer = build()
    twin = copy.deepcopy(layer)
    same(twin, layer, twin)


def pickled(build: Build) -> None:
    layer = build()
    twin = pickle.loads(pickle.dumps(layer))
    same(twin, layer, twin)


def checkpointed(build: Build, reentrant: bool) -> None:
    layer = build()
    same(lambda x: checkpoint(layer, x, use_reentrant=reentrant), layer)


def autocast(build: Build) -> None:
    layer = build()
    with torch.autocast("cpu", torch.bfloat16):
        found = gradients(layer, layer, images())
    assert found[0].dtype == torch.bfloat16
    assert all(grad.dtype == torch.float32 for grad in found[1:])
    expected = seeded(layer, images())
    assert (found[0].float() - expected).norm() < 0.02 * expected.norm()


def meta(build: Build) -> None:
    layer, empty = build(), build(device="meta")
    assert empty(images().to("meta")).shape == layer(images()).shape
    empty = empty.to_empty(device="cpu")
    empty.load_state_dict(layer.state_dict())
    same(empty, layer, empty)


WAYS: dict[str, Callable[[Build], None] | None] = {
    "`torch.compile` (backend aot_eager)": compiled,
    "`torch.export`": exported,
    "ONNX, `dynamo=True`": None,
    "ONNX, `dynamo=False`": onnx_graph,
    "`torch.jit.trace`, saved and loaded": traced,
    "`torch.jit.script`": scripted,
    "`torch.fx.symbolic_trace`": symbolic,
    "torchvision's `create_feature_extractor`": extracted,
    "`torch.func.grad`": func_grad,
    '`torch.func.vmap` (randomness "same")': func_vmap,
    "`torch.func.jvp`": func_jvp,
    "forward mode (`torch.autograd.forward_ad`)": forward_mode,
    "batched gradients (`is_grads_batched`)": batched,
    "double backward (`create_graph`)": double_backward,
    "replicas of `DataParallel`": replicated,
    "`copy.deepcopy`": copied,
    "`pickle`": pickled,
    "checkpointing, `use_reentrant=True`": partial(checkpointed, reentrant=True),
    "checkpointing, `use_reentrant=False`": partial(checkpointed, reentrant=False),
    "autocast to bfloat16": autocast,
    "meta device, then `to_empty` and `load_state_dict`": meta,
}


def fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Fields of a protobuf message that hold bytes: number and content."""
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = number()
        kind = key & 7
        if kind == 0:
            number()
        else:
            size = number() if kind == 2 else {1: 8, 5: 4}[kind]
            if kind == 2:
                yield key >> 3, data[at : at + size]
            at += size


def texts(data: bytes, wanted: int) -> list[str]:
    return [content.decode() for field, content in fields(data) if field == wanted]


Nodes = dict[str, tuple[str, list[str]]]


def graph(model: bytes) -> tuple[Nodes, list[str], list[str]]:
    """Of an ONNX file: for each result the operation and its operands; names of inputs and outputs."""
    (body,) = [content for field, content in fields(model) if field == 7]
    parts = list(fields(body))
    nodes: Nodes = {}
    for field, node in parts:
        if field == 1:
            nodes.update({out: (texts(node, 4)[0], texts(node, 1)) for out in texts(node, 2)})
    inputs, outputs = ([texts(p, 1)[0] for f, p in parts if f == kind] for kind in (11, 12))
    return nodes, inputs, outputs


def ancestors(nodes: Nodes, outputs: list[str]) -> tuple[set[str], set[str]]:
    """Kinds of operations and names of all results that the outputs depend on."""
    kinds: set[str] = set()
    reached: set[str] = set()
    waiting = list(outputs)
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        if name in nodes:
            kind, operands = nodes[name]
            kinds.add(kind)
            waiting.extend(operands)
    return kinds, reached


def table() -> dict[str, dict[str, str]]:
    """The cells of the page, by way and scheme."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    head, _, *body = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    found = {}
    for way, *cells in body:
        pairs = zip(head[1:], cells, strict=True)
        found[way] = {scheme: cell for group, cell in pairs for scheme in group.split(", ")}
    return found


TABLE = table()


def test_the_table_has_each_way_and_each_scheme() -> None:
    assert list(TABLE) == list(WAYS)
    assert all(sorted(line) == COLUMNS for line in TABLE.values())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("layer", "scheme"), [(layer, scheme) for layer, (_, schemes) in LAYERS.items() for scheme in schemes]
)
def test_cell(layer: str, scheme: str, way: str) -> None:
    build = partial(LAYERS[layer][0], scheme)
    cell, check = TABLE[way][scheme], WAYS[way]
    word, _, reason = cell.partition(": ")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # several ways are deprecated, and say so
        if word in ("not tested", "graph only"):  # once the package is there, more can be said
            assert importlib.util.find_spec(reason.removeprefix("needs ")) is None
        if word == "refused":
            assert check is not None
            with pytest.raises(ConfigError, match="use|set|expected"):
                check(build)
        elif word == "no":
            assert check is not None and reason
            with pytest.raises(Exception):  # noqa: B017
                check(build)
        elif word != "not tested":
            assert word in ("yes", "graph only") and check is not None
            check(build)


@pytest.mark.parametrize(
    "way",
    [
        way
        for way in WAYS
        if way.startswith(("`torch.export", "`torch.func", "forward", "ONNX, `dynamo=False"))
    ],
)
def test_a_generator_of_its_own_is_refused_where_nobody_carries_it_along(way: str) -> None:
    def build(**options: str | torch.dtype) -> nn.Module:
        layer = flexible("random", **options)
        layer.generator = torch.Generator().manual_seed(1)
        return layer

    check = WAYS[way]
    assert check is not None
    with warnings.catch_warnings(), pytest.raises(ConfigError, match="set_generator"):
        warnings.simplefilter("ignore")
        check(build)
