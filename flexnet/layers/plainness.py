"""Whether a convolution is a plain Conv2d, so that another layer can take its place without losing a thing.

A new layer takes over the arguments, weight and bias of a convolution. Whatever else acts on it (a forward
of its own, a parametrisation, a mask, a hook, a tie to another module) would be dropped, and the network
would give other numbers without a word. So each such thing is refused by name.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils import parametrize, prune
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from flexnet.errors import ConfigError

Finding = tuple[str, str]  # what a convolution is or has, and what to do about it

WHERE = "choose others by where"
PLAIN_VALUES = (bool, int, float, str, type(None))  # as attributes: notes that a Conv2d itself never reads
REWRITERS: tuple[tuple[type, str, str], ...] = (
    (prune.BasePruningMethod, "is pruned", "call torch.nn.utils.prune.remove on it first"),
    (WeightNorm, "has weight normalisation", "call torch.nn.utils.remove_weight_norm on it first"),
    (SpectralNorm, "has spectral normalisation", "call torch.nn.utils.remove_spectral_norm on it first"),
)
REWRITING = tuple(kind for kind, _, _ in REWRITERS)


def check_plain(model: nn.Module, name: str, conv: nn.Conv2d) -> None:
    """Check that a convolution of a model is a Conv2d and nothing more.

    Args:
        model: the model, to find what else holds the convolution or its weights.
        name: of the convolution, for messages.
        conv: the convolution as its owner made it; a copy has lost the hooks of its tensors.

    Raises:
        ConfigError: naming the convolution, what it is or has beside a Conv2d, and what to do.
    """
    for find in (_of_class, _of_rewriters, _of_hooks, _of_state, _of_tensors, _of_attributes):
        for what, remedy in find(conv):
            _refuse(name, what, remedy)
    for what in _other_holders(model, conv):
        _refuse(name, what, "give it its own, or choose others by where")


def notes(conv: nn.Conv2d) -> dict[str, Any]:
    """Attributes that others noted on a plain convolution, and that it does not read itself."""
    return {key: value for key, value in vars(conv).items() if key not in _plain_names()}


def rewritten(model: nn.Module) -> Iterator[Tensor]:
    """Tensors that hooks of PyTorch compute anew before each call; results, so `deepcopy` refuses them."""
    for module in model.modules():
        if any(isinstance(hook, REWRITING) for hook in module._forward_pre_hooks.values()):
            values = vars(module).values()
            yield from (each for each in values if isinstance(each, Tensor) and not each.is_leaf)


def _refuse(name: str, what: str, remedy: str) -> None:
    raise ConfigError(
        f"only a plain Conv2d can be replaced, as anything more would be lost; {name!r} {what}; {remedy}"
    )


def _of_class(conv: nn.Conv2d) -> Iterator[Finding]:
    """A class other than nn.Conv2d, which may compute anything."""
    kind = type(conv)
    if any(each is not None and is_lazy(each) for each in conv._parameters.values()):
        yield f"is a {kind.__name__} that has no weight yet", "run the model once first"
    if parametrize.is_parametrized(conv):
        kinds = sorted({type(each).__name__ for chain in _chains(conv) for each in chain})
        remedy = "call torch.nn.utils.parametrize.remove_parametrizations on it first"
        yield f"has the parametrisation {', '.join(kinds)}", remedy
    if hasattr(conv, "plain"):
        yield (
            f"is already a {kind.__name__}",
            f"{WHERE}, or put the plain convolution of its method plain() in its place first",
        )
    if kind is not nn.Conv2d:
        what = f"is a {kind.__module__}.{kind.__qualname__}, a subclass"
        yield what, f"{WHERE}, or put a plain nn.Conv2d in its place first"


def _chains(conv: nn.Conv2d) -> Iterator[nn.ModuleList]:
    parametrizations = conv.parametrizations
    assert isinstance(parametrizations, nn.ModuleDict)
    for chain in parametrizations.values():
        assert isinstance(chain, nn.ModuleList)
        yield chain


def _of_rewriters(conv: nn.Conv2d) -> Iterator[Finding]:
    """Hooks of PyTorch that write the weight anew before each call."""
    for hook in conv._forward_pre_hooks.values():
        for kind, what, remedy in REWRITERS:
            if isinstance(hook, kind):
                yield what, remedy


def _of_hooks(conv: nn.Conv2d) -> Iterator[Finding]:
    """Functions that are called around passes, and around saving and loading."""
    for table, hooks in vars(conv).items():
        if "_hooks" in table and isinstance(hooks, Mapping) and hooks:
            what = ", ".join(_named(hook) for hook in hooks.values())
            yield f"has hooks ({table.strip('_')}: {what})", "remove them first and register them anew"
    for name, parameter in conv._parameters.items():
        for table in ("_backward_hooks", "_post_accumulate_grad_hooks"):
            hooks = getattr(parameter, table, None)
            if hooks:
                what = ", ".join(_named(hook) for hook in hooks.values())
                yield f"has hooks on its {name} ({what})", "remove them first and register them anew"


def _named(hook: Callable[..., Any]) -> str:
    return str(getattr(hook, "__qualname__", type(hook).__qualname__))


def _of_state(conv: nn.Conv2d) -> Iterator[Finding]:
    """Parameters, buffers and modules that a Conv2d does not have."""
    for what, names in (
        ("parameters", set(conv._parameters) - {"weight", "bias"}),
        ("buffers", set(conv._buffers)),
        ("modules", set(conv._modules)),
    ):
        if names:
            yield f"has {what} of its own: {sorted(names)}", f"remove them first, or {WHERE}"


def _of_tensors(conv: nn.Conv2d) -> Iterator[Finding]:
    """A weight or bias that is none of a Conv2d."""
    shapes = {
        "weight": (conv.out_channels, conv.in_channels // conv.groups, *conv.kernel_size),
        "bias": (conv.out_channels,),
    }
    for name, shape in shapes.items():
        tensor = getattr(conv, name, None)
        if tensor is None and name == "bias":
            continue
        if type(tensor) is not nn.Parameter or name in vars(conv):
            yield f"has a {name} that is no plain Parameter but a {type(tensor).__name__}", WHERE
        elif not tensor.is_floating_point() or tensor.layout != torch.strided:
            yield (
                f"has a {name} of type {tensor.dtype}, {tensor.layout}",
                f"{WHERE}; expected dense real numbers",
            )
        elif tuple(tensor.shape) != shape:
            remedy = f"expected {shape} from its channels and kernel size; set those attributes right first"
            yield f"has a {name} of shape {tuple(tensor.shape)}", remedy


def _of_attributes(conv: nn.Conv2d) -> Iterator[Finding]:
    """Attributes that may act: a forward of its own, methods put over those of the class, objects."""
    for name, value in notes(conv).items():
        if type(value) not in PLAIN_VALUES or hasattr(nn.Conv2d, name):
            what = f"has an attribute {name!r} of its own ({type(value).__name__})"
            yield what, f"delete it first, or {WHERE}"


@cache
def _plain_names() -> frozenset[str]:
    """Names of the attributes that each Conv2d has."""
    return frozenset(vars(nn.Conv2d(1, 1, 1, device="meta")))


def _other_holders(model: nn.Module, conv: nn.Conv2d) -> Iterator[str]:
    """Where else in the model the convolution or its parameters are held, in ways that a copy would break."""
    own = [each for each in conv._parameters.values() if each is not None]
    for name, module in model.named_modules():
        where = f"{name or 'the model'!r}"
        if module is not conv:
            for key, other in module._parameters.items():
                if other is not None and any(_same(other, each) for each in own):
                    yield f"shares its weights with {where} (as {key!r})"
            for key, value in vars(module).items():
                if key not in ("_modules", "_parameters") and _holds(value, [conv, *own]):
                    yield f"is held a second time by {where}, in the attribute {key!r}"
    if conv.bias is not None and _same(conv.weight, conv.bias):
        yield "shares memory between weight and bias"


def _same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are one, or begin at the same place in memory."""
    if one is other:
        return True
    if is_lazy(one) or one.numel() == 0 or one.device != other.device or one.layout != torch.strided:
        return False
    try:
        return one.data_ptr() == other.data_ptr() != 0
    except RuntimeError:  # tensors without memory, such as fake ones
        return False


def _holds(value: object, things: list[Any]) -> bool:
    """Whether a value is one of some things, a method of one, or a plain container of such."""
    if any(value is thing or getattr(value, "__self__", None) is thing for thing in things):
        return True
    if isinstance(value, Mapping):
        return any(_holds(each, things) for each in value.values())
    return isinstance(value, list | tuple | set) and any(_holds(each, things) for each in value)
