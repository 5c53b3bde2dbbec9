"""Judging attacked images: one pass for a deterministic model, several draws for a stochastic one.

The standard benchmark decides with a single pass whether a randomised model was fooled. An attack that looks
at many passes will find one that fails by luck, so images are judged here by fresh draws that the attack
has not seen.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from flexnet.attacks.checks import check_attacked_logits, check_count, check_labels, check_model
from flexnet.attacks.keys import Key
from flexnet.attacks.passes import Passes, attacking, named_draws
from flexnet.errors import ConfigError

SAMPLE, TRIES = 8, 8  # images and passes by which a model is found out as stochastic
SAME = 1e-4  # relative to the largest logit: what another order of sums may change


@dataclass(frozen=True)
class Verdict:
    """How often a model was right about each of N images.

    Attributes:
        right: number of draws in which it was, int64, (N,).
        draws: number of draws.
    """

    right: Tensor
    draws: int

    @property
    def fooled(self) -> Tensor:
        """Whether the model was wrong in more than half of the draws, bool, (N,)."""
        return 2 * self.right < self.draws

    @property
    def accuracy(self) -> float:
        """Mean share of right answers over images and draws, in [0, 1]."""
        return float(self.right.double().mean()) / self.draws

    @property
    def robust_accuracy(self) -> float:
        """Share of images about which the model was right in at least half of the draws, in [0, 1]."""
        return int((~self.fooled).sum()) / len(self.right)

    def interval(self, *, level: float = 0.95) -> tuple[float, float]:
        """Wilson interval of `robust_accuracy` over images."""
        from flexnet.statistics.intervals import wilson_interval  # brings pandas, which attacks do not need

        return wilson_interval(int((~self.fooled).sum()), len(self.right), level=level)

    def image_intervals(self, *, level: float = 0.95) -> list[tuple[float, float]]:
        """Wilson interval over draws of each image's probability to be answered rightly."""
        from flexnet.statistics.intervals import wilson_interval

        return [wilson_interval(int(right), self.draws, level=level) for right in self.right.tolist()]

    def uncertain(self, *, level: float = 0.95) -> int:
        """Number of images whose interval over draws holds one half: more draws could turn them."""
        if self.draws == 1:  # a deterministic model has no such interval
            return 0
        return sum(low <= 0.5 <= high for low, high in self.image_intervals(level=level))


def judge(
    model: nn.Module, images: Tensor, labels: Tensor, *, draws: int = 1, key: Key | None = None
) -> Verdict:
    """Judge a model in evaluation mode on images of any range, with draws that no attack saw.

    Args:
        model: returns logits (N, K).
        images: (N, C, H, W).
        labels: true classes, (N,), int64.
        draws: passes.
        key: names the draws, which are the same for all attempts of a repeat.

    Raises:
        ConfigError: if `draws` is below 1, the model is in training mode or in half precision or returns
            something else, or the labels are not one class number for each image.
        NumericalError: if a logit is NaN or infinite.
    """
    number = check_count("draws of a verdict", draws)
    check_model(model)
    highest = check_labels(labels, images)
    passes = Passes(model, (Key() if key is None else key).retry(0), "verdict", highest)
    with attacking(images, model):
        right = torch.zeros_like(labels)
        for _ in range(number):
            right += (~passes.forward(images, labels).fooled).to(right)
    return Verdict(right, number)


def varies(model: nn.Module, images: Tensor) -> bool:
    """Whether the logits of a few images differ between passes: the model is stochastic, or has a memory.

    Raises:
        ConfigError: if the model returns something else than logits in full precision.
    """
    first: Tensor | None = None
    few, name = images[:SAMPLE], type(model).__name__
    with attacking(images, model):
        for seed in range(TRIES):
            with named_draws(model, seed, images.device):
                found = check_attacked_logits(model(few), len(few), 0, name)
            first = found if first is None else first
            if float((found - first).abs().max()) > SAME * max(1.0, float(first.abs().max())):
                return True
    return False


def require_deterministic(model: nn.Module, images: Tensor, attack: str, advice: str) -> None:
    """Refuse a model whose answers vary where an attack takes them for granted.

    Raises:
        ConfigError: if they vary, or as `varies`.
    """
    if varies(model, images):
        raise ConfigError(
            f"{attack}: expected a deterministic model; got a {type(model).__name__} whose logits "
            f"differ between passes over the same images; {advice}"
        )
