"""The push-pull response as a function of tensors: what excites, less what a wider opposite kernel finds."""

import math

import torch.nn.functional as F
from torch import Tensor

from flexnet.errors import ConfigError
from flexnet.layers.eager import one_node
from flexnet.layers.enlarging import enlarge, enlarged_size
from flexnet.layers.functional import pair
from flexnet.layers.inhibiting import inhibited
from flexnet.layers.pooling import Pair
from flexnet.layers.steps import as_batch, as_given

__all__ = ["check_kernel", "push_pull_conv2d"]


def check_kernel(kernel_size: Pair) -> None:
    """Check that a kernel can be enlarged around its centre.

    Raises:
        ConfigError: if it is not square with an odd side.
    """
    rows, columns = kernel_size
    if rows != columns or rows % 2 == 0:
        raise ConfigError(
            f"push-pull: expected a square kernel with an odd side; got {rows} x {columns}; with others the"
            " branches differ in size or in place"
        )


@one_node
def push_pull_conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    alpha: float | Tensor = 1.0,
    h: float = 2.0,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    groups: int = 1,
    enlarged: Tensor | None = None,
) -> Tensor:
    """Push-pull response relu(k * I + b) - alpha relu(-U(k) * I - b) (push-pull paper; released code).

    U(k) is the push kernel k enlarged by h, see `enlarging.enlarge`. The padding of the pull is wider by as
    much as its kernel, so that both see the same centres; it is zero in both. Nothing is rectified after the
    difference, which is mostly negative.

    Args:
        input: (N,C,H,W) or (C,H,W).
        weight: push kernels (C',C/groups,s,s), s odd.
        bias: (C',), of opposite sign in the pull; None for none.
        alpha: inhibition strength of 0 or more: a number, or a tensor (1,C',1,1) of which negative entries
            count as 0.
        h: enlargement of at least 1.
        stride, padding, groups: as of `conv2d`, of both branches; the padding as integers.
        enlarged: U(k), if the caller knows it.

    Returns:
        (N,C',H',W') or (C',H',W') in the type of the convolution.

    Raises:
        ConfigError: if the kernel is not square or has an even side, or a number is out of its range.
    """
    check_kernel((weight.shape[-2], weight.shape[-1]))
    if not 1 <= h < math.inf or not (isinstance(alpha, Tensor) or 0 <= alpha < math.inf):
        raise ConfigError(
            "push-pull: expected an h of at least 1 and an alpha of 0 or more, both finite; "
            f"got h {h}, alpha {alpha}"
        )
    size, batch = weight.shape[-1], as_batch(input)
    wide = enlarged_size(size, h)
    push = F.conv2d(batch, weight, bias, pair(stride), pair(padding), 1, groups)
    if wide == size:
        return as_given(inhibited(push, push, alpha), input)
    kernel = enlarge(weight, wide) if enlarged is None else enlarged
    rows, columns = (pad + wide // 2 - size // 2 for pad in pair(padding))
    opposite = F.conv2d(batch, kernel, bias, pair(stride), (rows, columns), 1, groups)
    return as_given(inhibited(push, opposite, alpha), input)
