"""Which images count as right, as each protocol counts."""

import torch
from torch import Tensor

from flexnet.seeds import derive_seed


def kept_images(number: int, *, batch: int, seed: int) -> Tensor:
    """Images that the authors' released code counts: of shuffled batches, all but each one's last.

    Its denominator (`full_batches`) still has every image, so a perfect model reaches (batch - 1) / batch,
    and which images are left out differs between repeats: the only spread of a deterministic model.

    Args:
        number: of images.
        batch: images per batch. A last batch that is not full loses its last image too.
        seed: of the shuffle.

    Returns:
        bool, (number,).
    """
    order = torch.randperm(number, generator=torch.Generator().manual_seed(seed))
    position = torch.arange(number)
    last = (position % batch == batch - 1) | (position == number - 1)
    kept = torch.zeros(number, dtype=torch.bool)
    kept[order[~last]] = True
    return kept


def full_batches(number: int, batch: int) -> int:
    """The denominator of the released code: a last batch that is not full counts as a full one."""
    return -(-number // batch) * batch


def shuffle_seed(seed: int, draw: int) -> int:
    """Seed of the shuffle of one repeat."""
    return derive_seed(seed, "fgsm shuffle", draw)
