"""How a GPU rounds the factors of products."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Let a GPU round the factors of products to TF32, in convolutions too, or forbid it; then as before.

    TF32 keeps 10 bits of mantissa, as float16 does. By default convolutions use it, whatever is asked, and
    products do so where a script asked for it with `torch.set_float32_matmul_precision("high")`.
    """
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    torch.backends.cudnn.allow_tf32 = allowed
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]
