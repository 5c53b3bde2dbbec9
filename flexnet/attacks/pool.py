"""Images that still withstand an attack: fooled ones leave the pool and cost no more passes."""

import math

import torch
from torch import Tensor, nn

from flexnet.attacks.keys import Key
from flexnet.attacks.passes import Seen
from flexnet.attacks.results import Attacked
from flexnet.attacks.verdicts import Verdict, judge


class Pool:
    """For each image the worst that an attack has found, and which images are still attacked.

    Attributes:
        active: positions of the images that still withstand, (n,).
        best: for each image what it will be judged by, (N, C, H, W).
        worst: margin of `best`, (N,).
        fooled: whether the model was seen to be wrong, bool, (N,).
    """

    def __init__(self, images: Tensor, labels: Tensor, *, leaves: bool = True) -> None:
        self.images, self.labels, self.leaves = images, labels, leaves
        self.active = torch.arange(len(images), device=images.device)
        self.best = images.clone()
        self.worst = torch.full_like(labels, -math.inf, dtype=images.dtype)
        self.fooled = torch.zeros_like(labels, dtype=torch.bool)
        self.forwards, self.backwards = torch.zeros_like(labels), torch.zeros_like(labels)

    def __len__(self) -> int:
        return len(self.active)

    @property
    def clean(self) -> Tensor:
        """The clean images of the active ones."""
        return self.images[self.active]

    @property
    def truth(self) -> Tensor:
        """The labels of the active ones."""
        return self.labels[self.active]

    def count(self, forwards: int, backwards: int = 0) -> None:
        """Count passes of the active images."""
        self.forwards[self.active] += forwards
        self.backwards[self.active] += backwards

    def settle(self, judged: Tensor, seen: Seen) -> Tensor | None:
        """Keep what is worse than before and let fooled images go.

        Args:
            judged: what was judged of the active images, (n, C, H, W).
            seen: what the model said.

        Returns:
            Which of the active images stay, bool, (n,); None if all do.
        """
        worse = seen.margin > self.worst[self.active]
        if self.leaves:
            worse |= seen.fooled
        kept = self.active[worse]
        self.best[kept], self.worst[kept] = judged[worse], seen.margin[worse]
        if not self.leaves or not bool(seen.fooled.any()):
            return None
        self.fooled[self.active] |= seen.fooled
        stay = ~seen.fooled
        self.active = self.active[stay]
        return stay

    def result(self, model: nn.Module, draws: int, key: Key) -> Attacked:
        """The verdict: what was seen of a deterministic model, fresh draws of a stochastic one."""
        if self.leaves:
            verdict = Verdict((~self.fooled).to(self.labels), 1)
        else:
            verdict = judge(model, self.best, self.labels, draws=draws, key=key)
            self.forwards += draws
        return Attacked(self.best, verdict, self.forwards, self.backwards)


def narrowed(stay: Tensor | None, *values: Tensor) -> tuple[Tensor, ...]:
    """Values (n, ...) of the images that stay."""
    return values if stay is None else tuple(value[stay] for value in values)
