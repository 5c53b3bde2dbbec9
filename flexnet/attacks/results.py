"""What an attack gives back."""

from dataclasses import dataclass

import torch
from torch import Tensor

from flexnet.attacks.verdicts import Verdict


@dataclass(frozen=True)
class Attacked:
    """Images after an attack, and how the judged model did on them.

    Attributes:
        images: (N, C, H, W); of an image that withstood, the one that came nearest to fooling the model, or
            the last one, as the scoring says.
        verdict: of the judged model.
        forwards: passes forward that each image went through, int64, (N,).
        backwards: passes backward, int64, (N,).
        losses: where a curve was asked for, what the attack climbed at each step, (steps + 1, N), with NaN
            once an image has left.
    """

    images: Tensor
    verdict: Verdict
    forwards: Tensor
    backwards: Tensor
    losses: Tensor | None = None

    @property
    def fooled(self) -> Tensor:
        """Whether the judged model is wrong, bool, (N,)."""
        return self.verdict.fooled


def joined(parts: list[Attacked]) -> Attacked:
    """The results of batches as one, in their order."""
    verdicts = [part.verdict for part in parts]
    losses = [part.losses for part in parts if part.losses is not None]
    return Attacked(
        torch.cat([part.images for part in parts]),
        Verdict(torch.cat([verdict.right for verdict in verdicts]), verdicts[0].draws),
        torch.cat([part.forwards for part in parts]),
        torch.cat([part.backwards for part in parts]),
        torch.cat(losses, dim=1) if losses else None,
    )
