"""Working through a batch in pieces that stay in a processor's cache.

Gate and pool are a few dozen cheap passes over the same numbers. Over whole batches each pass fetches
its operands from main memory; over pieces of about 1 MB they stay in the second-level cache. Temporaries are
allocated once and reused by all pieces, because fresh memory costs three times as much as the arithmetic.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from flexnet.layers.eager import plain

CHUNK_BYTES = 1 << 20


def batch_chunks(input: Tensor) -> Iterator[slice]:
    """Slices of the batch dimension of `input` with about 1 MB each, at least one image."""
    images = input.shape[0]
    bytes_per_image = max(1, input.element_size() * input[:1].numel())
    step = max(1, CHUNK_BYTES // bytes_per_image)
    for start in range(0, images, step):
        yield slice(start, min(start + step, images))


class Buffers:
    """Named temporaries of the type of `like`, each allocated once with room for the largest piece."""

    def __init__(self, like: Tensor) -> None:
        first = next(batch_chunks(like), slice(0))
        self._like = like
        self._room = like[first].numel()
        self._buffers: dict[str, Tensor] = {}

    def take(self, name: str, numel: int) -> Tensor:
        """The first `numel` entries of the vector called `name`, with whatever was left in them."""
        if name not in self._buffers:
            self._buffers[name] = self._like.new_empty(self._room)
        return self._buffers[name][:numel]

    def take_like(self, name: str, tensor: Tensor) -> Tensor:
        """The vector called `name`, in the shape and memory order of a dense tensor."""
        return self.take(name, tensor.numel()).as_strided(tensor.shape, tensor.stride())


def eager_cpu(*tensors: Tensor) -> bool:
    """Whether the chunked CPU code applies: plain execution, CPU, one type of 32 or 64 bits.

    All others get ordinary operations, of which PyTorch knows what they need; accelerators have fast kernels.
    """
    dtype = tensors[0].dtype
    return (
        dtype in (torch.float32, torch.float64)
        and all(tensor.device.type == "cpu" and tensor.dtype == dtype for tensor in tensors)
        and plain(*tensors)
    )


def dense(tensor: Tensor) -> Tensor:
    """The tensor without gaps in memory: contiguous or channels last as it is, else made contiguous."""
    return tensor if tensor.is_contiguous(memory_format=torch.channels_last) else tensor.contiguous()
