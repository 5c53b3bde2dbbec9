"""Telling plain execution from all other ways in which PyTorch runs a function.

Fast code that writes into buffers and follows strides is for plain execution alone. A tracer would record
its buffers as constants, a transform would miss its rules, and both would go on with wrong numbers. They get
ordinary operations, of which PyTorch knows everything.
"""

import warnings
from collections.abc import Callable, Sequence
from functools import wraps
from typing import NoReturn, ParamSpec, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.autograd.forward_ad import unpack_dual
from torch.fx import Proxy
from torch.jit._trace import TracerWarning
from torch.overrides import _get_current_function_mode_stack
from torch.utils._device import DeviceContext
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

from flexnet.errors import ConfigError

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
PLAIN_TYPES = (Tensor, nn.Parameter)


def plain(*tensors: Tensor) -> bool:
    """Whether ordinary tensors are computed with here and now, for their values alone.

    Not so under compilers and exporters (`torch.compile`, `torch.export`), tracers (`torch.jit.trace`, ONNX),
    function transforms (`torch.func`, batched gradients), forward-mode derivatives, modes that see every
    operation (fake tensors, counters), and with subclasses of tensors.
    """
    return (
        not torch.compiler.is_compiling()
        and all(type(tensor) in PLAIN_TYPES for tensor in tensors)
        and not torch._C._is_tracing()
        and not torch._C._are_functorch_transforms_active()
        and not any(torch._C._functorch.is_legacy_batchedtensor(tensor) for tensor in tensors)
        and not is_in_torch_dispatch_mode()
        and all(isinstance(mode, DeviceContext) for mode in _get_current_function_mode_stack())  # type: ignore[no-untyped-call]
        and all(unpack_dual(tensor).tangent is None for tensor in tensors)  # type: ignore[no-untyped-call]
    )


def ordinary_gradients(
    function: Callable[..., Tensor], operands: Sequence[Tensor], needed: Sequence[bool], grad: Tensor
) -> list[Tensor | None]:
    """Gradients of a function of ordinary operations, for the backward pass of a faster version of it.

    They can be differentiated again (create_graph=True) and computed for a batch of `grad` at once. Hooks on
    the operands are left to the backward pass that asks: it runs them on what is returned.

    Args:
        function: maps the operands to one tensor.
        operands: as saved by the forward pass.
        needed: for each operand, whether its gradient is asked for.
        grad: gradient of the result.

    Returns:
        One gradient for each operand, None where it is not needed.
    """
    again = torch.is_grad_enabled()
    with torch.enable_grad():
        # To be differentiated again, aliases that nobody else holds: two operands that are one tensor have
        # a gradient each, and no hook sees what is not yet the whole gradient of its tensor.
        own = [
            tensor.view_as(tensor) if again else tensor.detach().requires_grad_(need)
            for tensor, need in zip(operands, needed, strict=True)
        ]
        result = function(*own)
    wanted = [tensor for tensor, need in zip(own, needed, strict=True) if need]
    found = iter(torch.autograd.grad(result, wanted, grad, create_graph=again))
    return [next(found) if need else None for need in needed]


def one_node(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Let `torch.fx` record a call of the function as one node, since it looks at shapes or types."""

    @wraps(function)
    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        for argument in (*args, *kwargs.values()):
            if isinstance(argument, Proxy):
                node = argument.tracer.create_proxy("call_function", call, args, kwargs)
                return cast(Result, node)
        return function(*args, **kwargs)

    return call


def sizes(tensor: Tensor) -> tuple[int, ...]:
    """The shape of a tensor in plain numbers, also while `torch.jit.trace` records what is done to it."""
    if torch.compiler.is_compiling() or not torch._C._is_tracing():
        return tuple(tensor.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TracerWarning)
        return tuple(int(size) for size in tensor.shape)


def refuse_scripting(module: nn.Module) -> NoReturn:
    """Say that a layer cannot be compiled from its source by `torch.jit.script`, and what can be done.

    Raises:
        ConfigError: always.
    """
    raise ConfigError(
        f"torch.jit.script cannot compile the source of {type(module).__name__}; use torch.export, "
        "torch.compile or torch.jit.trace"
    )
