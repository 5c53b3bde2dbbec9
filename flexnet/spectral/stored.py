"""Images as they are stored: what a spectrum says of contrast, and a filter cuts off, is in grey levels."""

import torch
from torch import Tensor

from flexnet.errors import DataError


def require_stored(images: Tensor) -> None:
    """Check that images are grey levels from 0 to 255, at least one.

    Raises:
        DataError: if they are not in uint8, or not (n, C, H, W).
    """
    if images.dtype != torch.uint8 or images.dim() != 4 or 0 in images.shape:
        raise DataError(
            f"expected uint8 images (n, C, H, W), at least one; got {images.dtype} {tuple(images.shape)}; "
            "give them as they are stored"
        )
