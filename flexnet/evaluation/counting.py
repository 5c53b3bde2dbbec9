"""From per-image outcomes to the number of correct answers, as each protocol counts."""

import torch
from torch import Tensor

from flexnet.seeds import derive_seed


def count_all(outcomes: Tensor) -> tuple[Tensor, int]:
    """Count every image.

    Args:
        outcomes: bool, (..., N).

    Returns:
        Correct images (...) and their number N.
    """
    return outcomes.sum(dim=-1), outcomes.shape[-1]


def count_dropping_last(outcomes: Tensor, *, batch: int, seed: int) -> tuple[Tensor, int]:
    """Count as the authors' released code: shuffled batches, each without its last image.

    Its denominator still has every image, so a perfect model reaches (batch - 1) / batch, and which
    images are left out differs between repeats: the only spread of a deterministic model.

    Args:
        outcomes: bool, (..., N).
        batch: images per batch. A last batch that is not full loses its last image too, and counts as
            a full one in the denominator.
        seed: of the shuffle.

    Returns:
        Correct images (...) and the denominator, batches times `batch`.
    """
    number = outcomes.shape[-1]
    order = torch.randperm(number, generator=torch.Generator().manual_seed(seed))
    position = torch.arange(number)
    last = (position % batch == batch - 1) | (position == number - 1)
    kept = order[~last].to(outcomes.device)
    return outcomes[..., kept].sum(dim=-1), -(-number // batch) * batch


def shuffle_seed(seed: int, draw: int) -> int:
    """Seed of the shuffle of one repeat."""
    return derive_seed(seed, "fgsm shuffle", draw)
