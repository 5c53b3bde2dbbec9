"""Whether a compiled library gives what operations of torch give one after another, to the last bit."""

import ctypes

import torch
from torch import Tensor

from flexnet.layers.chunks import Buffers
from flexnet.layers.fused_gate import FusedGate
from flexnet.layers.fused_pool import SIDES, FusedPool
from flexnet.layers.gate_passes import Gradients, Mixer, Operands, Passes
from flexnet.layers.pool_passes import pool_backward_chunk, pool_chunk

SIZES = (0.0, 1e-45, 1e-39, 1e-30, 1e-10, 1e-3, 0.02, 0.3, 1.0, 1.7, 3.0, 1e4, 3e38, torch.inf, torch.nan)
PAIRS = 896  # of all pairs of such numbers, so that nothing is left over


@torch.no_grad()
def agrees(library: ctypes.CDLL) -> bool:
    """Whether a library computes as the passes do, numbers of all sizes and none included."""
    return _gates_agree(library) and all(_pools_agree(library, side) for side in SIDES)


def _gates_agree(library: ctypes.CDLL) -> bool:
    values = torch.tensor([*SIZES, *(-size for size in SIZES)], dtype=torch.float32, device="cpu")
    fine = torch.linspace(-2.5, 2.5, 2048, dtype=torch.float32, device="cpu")
    pairs = torch.cartesian_prod(values, values)[:PAIRS].T
    f_max = torch.cat([fine, fine.flip(0) / 50, pairs[0]]).repeat(2, 1)
    f_conv = torch.cat([fine.flip(0), fine.roll(700), pairs[1]]).repeat(2, 1)
    grad = torch.stack([f_conv[0].roll(11), f_max[1].roll(501)])
    for slope in (50.0, -50.0, 0.7):
        for threshold in (f_max[:1].roll(33), fine[1300:1301].view(1, 1)):
            given = Operands(f_max, f_conv, threshold, slope)
            expected, found = (
                _mixed(mixer, given, grad) for mixer in (Passes(f_conv), FusedGate(library, f_conv))
            )
            if not all(map(_same, expected, found)):
                return False
    return True


def _mixed(mixer: Mixer, given: Operands, grad: Tensor) -> list[Tensor]:
    """Everything that a mixer computes, with and without the rest."""
    found = [torch.empty_like(given.f_conv) for _ in range(4)]
    of_threshold = [torch.zeros_like(given.threshold) for _ in range(2)]
    mixer.blend(given, found[0])
    mixer.backward(given, grad, Gradients(found[1], found[2], of_threshold[0]))
    mixer.backward(given, grad, Gradients(None, None, of_threshold[1]))
    mixer.backward(given, grad, Gradients(None, found[3], None))
    return [*found, *of_threshold]


def _pools_agree(library: ctypes.CDLL, side: int) -> bool:
    """Ties, and values that are none, included. Zeros may differ in sign, which torch does not fix either."""
    shape, size = (2, 3, 9, 11), (side, side)
    values = torch.linspace(-2, 2, 594, dtype=torch.float32, device="cpu").view(shape)
    values = (values * 1e4).sin().mul(3).round()
    values.view(-1)[::97], values.view(-1)[5::101] = torch.nan, torch.inf
    for order in (torch.contiguous_format, torch.channels_last):
        input, fused, buffers = (
            values.contiguous(memory_format=order),
            FusedPool(library, side),
            Buffers(values),
        )
        windows = input[:, :, : 10 - side, : 12 - side]
        grad = (windows.nan_to_num(1, 2, 2) * 7).cos()
        expected, found = ([torch.empty_like(windows), torch.empty_like(input)] for _ in range(2))
        pool_chunk(input, size, (1, 1), expected[0], buffers)
        pool_backward_chunk(input, grad, size, (1, 1), expected[1], buffers)
        fused.pool(input, found[0])
        fused.backward(input, grad, found[1])
        if not all(map(_same, (each + 0.0 for each in expected), (each + 0.0 for each in found))):
            return False
    return True


def _same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same bytes, but for the many ways to write that something is no number."""
    equal = one.view(torch.int32) == other.view(torch.int32)
    return bool((equal | (one.isnan() & other.isnan())).all())
