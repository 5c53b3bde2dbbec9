"""Working through a batch in pieces that stay in a processor's cache.

Gate and pool are a few dozen cheap passes over the same numbers. Over whole batches each pass fetches
its operands from main memory; over pieces of about 1 MB they stay in the second-level cache.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

CHUNK_BYTES = 1 << 20


def batch_chunks(input: Tensor) -> Iterator[slice]:
    """Slices of the batch dimension of `input` with about 1 MB each, at least one image."""
    images = input.shape[0]
    bytes_per_image = max(1, input.element_size() * input[:1].numel())
    step = max(1, CHUNK_BYTES // bytes_per_image)
    for start in range(0, images, step):
        yield slice(start, min(start + step, images))


def eager_cpu(*tensors: Tensor) -> bool:
    """Whether the chunked CPU code applies: plain execution, CPU, one type of 32 or 64 bits.

    Compilers and function transforms (`torch.compile`, `torch.func`) get ordinary operations instead,
    which they can trace, and accelerators have fast kernels of their own.
    """
    dtype = tensors[0].dtype
    return (
        dtype in (torch.float32, torch.float64)
        and all(tensor.device.type == "cpu" and tensor.dtype == dtype for tensor in tensors)
        and not torch.compiler.is_compiling()
        and not torch._C._are_functorch_transforms_active()
    )
