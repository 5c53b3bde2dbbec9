"""The difference of a rectified push and a rectified pull, in few passes over memory."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from flexnet.layers.chunks import Buffers, batch_chunks, eager_cpu
from flexnet.layers.eager import ordinary_gradients, plain


def inhibited(push: Tensor, opposite: Tensor, alpha: float | Tensor) -> Tensor:
    """Return relu(push) - alpha relu(-opposite).

    Args:
        push: response of the push kernel (N,C,H,W); written over where nobody learns from it.
        opposite: response of the enlarged push kernel (N,C,H,W), which is the pull with its sign turned.
        alpha: a number of 0 or more, or a tensor (1,C,1,1) of which negative entries count as 0.
    """
    strength = torch.relu(alpha).to(push.dtype) if isinstance(alpha, Tensor) else alpha
    if not eager_cpu(push, opposite, *([strength] if isinstance(strength, Tensor) else [])):
        return _difference(push, opposite, strength)
    full = not isinstance(strength, Tensor) and strength == 1  # times one is a pass over memory for nothing
    if not isinstance(strength, Tensor):
        strength = push.new_full((1, 1, 1, 1), strength)
    if not torch.is_grad_enabled() and push is not opposite:
        return _written(push, opposite, strength, full, push)
    found: Tensor = _ChunkedDifference.apply(push, opposite, strength, full)  # type: ignore[no-untyped-call]
    return found


def _difference(push: Tensor, opposite: Tensor, strength: float | Tensor) -> Tensor:
    """The definition, in ordinary operations."""
    return torch.relu(push) - strength * torch.relu(-opposite)


def _written(push: Tensor, opposite: Tensor, strength: Tensor, full: bool, output: Tensor) -> Tensor:
    """The same, written into `output` piece by piece, which may be `push` itself; `full` if of strength 1."""
    buffers = Buffers(push)
    for part in batch_chunks(push):
        inhibition = torch.clamp(opposite[part], max=0, out=buffers.take_like("pull", output[part]))
        inhibition = inhibition if full else inhibition.mul_(strength)
        torch.clamp(push[part], min=0, out=output[part]).add_(inhibition)
    return output


class _ChunkedDifference(torch.autograd.Function):
    """`_difference` on CPU, forward and backward in cache-sized pieces; keeps only its operands."""

    @staticmethod
    def forward(ctx: Any, push: Tensor, opposite: Tensor, strength: Tensor, full: bool) -> Tensor:
        """The difference, piece by piece."""
        ctx.save_for_backward(push, opposite, strength)
        ctx.full = full
        return _written(push, opposite, strength, full, torch.empty_like(push))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of both responses and of the strength."""
        (grad,), operands, needed = grads, ctx.saved_tensors, ctx.needs_input_grad[:3]
        if torch.is_grad_enabled() or not plain(grad):  # ordinary operations have all rules
            return (*ordinary_gradients(_difference, operands, needed, grad), None)
        found = [torch.empty_like(t) if need else None for t, need in zip(operands, needed, strict=True)]
        if found[2] is not None:
            found[2].zero_()
        buffers = Buffers(operands[0])
        for part in batch_chunks(operands[0]):
            _backward_chunk(grad, operands, ctx.full, found, part, buffers)
        return (*found, None)


def _backward_chunk(
    grad: Tensor,
    operands: Sequence[Tensor],
    full: bool,
    found: Sequence[Tensor | None],
    part: slice,
    buffers: Buffers,
) -> None:
    """Write the gradients of one piece of the batch into `found` (None: skip)."""
    push, opposite, strength = operands[0][part], operands[1][part], operands[2]
    to_push, to_opposite, to_strength = found
    passed = torch.ops.aten.threshold_backward.grad_input  # of a rectifier, without a mask in memory
    if to_push is not None:
        passed(grad[part], push, 0.0, grad_input=to_push[part])
    if to_opposite is not None:
        pull = torch.neg(opposite, out=buffers.take_like("pull", push))
        passed(grad[part], pull, 0.0, grad_input=to_opposite[part])
        if not full:
            to_opposite[part].mul_(strength)
    if to_strength is not None:
        rectified = torch.clamp(opposite, max=0, out=buffers.take_like("pull", push))
        to_strength.add_(rectified.mul_(grad[part]).sum_to_size(strength.shape))
