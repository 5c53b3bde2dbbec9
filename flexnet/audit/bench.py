"""What all checks share: the model, its images, the reference attack, and what has been fooled so far."""

from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import torch
from torch import Tensor, nn

from flexnet.attacks.balls import Ball
from flexnet.attacks.checks import check_attacked_logits
from flexnet.attacks.keys import Key
from flexnet.attacks.passes import attacking, check_attacked
from flexnet.attacks.pgd import pgd
from flexnet.attacks.repeats import batched, unattacked
from flexnet.attacks.results import Attacked
from flexnet.attacks.verdicts import varies
from flexnet.options.iterated import PgdOptions

DRAWS = 20  # of the gradient and of verdicts, where a model is stochastic


@dataclass(frozen=True)
class Bench:
    """One model under audit.

    Attributes:
        model: in evaluation mode, from images in [0, 1] to logits (N, K).
        images: in [0, 1], (N, C, H, W).
        labels: true classes, (N,).
        ball: how far attacks may go.
        key: names all draws.
        steps: steps of the reference attack: white-box PGD from a random start.
        twin: another network for the transfer, such as the baseline of the same seed.
        surrogate: one more, such as a network that was trained for the purpose.
        queries: of the square attack.
        few: number of images for the attack by decisions.
        batch_size: most images per pass.

    Raises:
        ConfigError: if one of them cannot be attacked.
    """

    model: nn.Module
    images: Tensor
    labels: Tensor
    ball: Ball
    key: Key = field(default_factory=Key)
    steps: int = 20
    twin: nn.Module | None = None
    surrogate: nn.Module | None = None
    queries: int = 5000
    few: int = 20
    batch_size: int = 100

    def __post_init__(self) -> None:
        for other in (self.twin, self.surrogate):
            check_attacked(self.model, self.images, self.labels, self.ball, self.key, other)
        object.__setattr__(self, "fooled", torch.zeros_like(self.labels, dtype=torch.bool))

    @cached_property
    def stochastic(self) -> bool:
        """Whether the model's answers vary."""
        return varies(self.model, self.images)

    @cached_property
    def classes(self) -> int:
        """Number of logits."""
        highest, name = int(self.labels.max()), type(self.model).__name__
        with attacking(self.images, self.model):
            return check_attacked_logits(self.model(self.images[:1]), 1, highest, name).shape[1]

    @property
    def verdicts(self) -> int:
        """Passes of a verdict: 1 for a deterministic model."""
        return DRAWS if self.stochastic else 1

    @cached_property
    def options(self) -> PgdOptions:
        """The reference attack; its gradient is of a single draw, as in the papers that are audited."""
        return PgdOptions(steps=self.steps, verdicts=self.verdicts)

    @cached_property
    def clean(self) -> Tensor:
        """Whether each image is answered rightly before any attack, bool, (N,)."""
        return ~self.judged(self.images, self.key)

    @cached_property
    def cross_entropy(self) -> Tensor:
        """Whether PGD with cross entropy fools each image, bool, (N,): the attack that papers report."""
        return self.attack(self.options).fooled

    @cached_property
    def white(self) -> Tensor:
        """Whether the reference fools each image, bool, (N,): PGD with cross entropy, or with the margin.

        Cross entropy alone heads for whichever class is likeliest, and is beaten by a few points on honest
        networks; that would be taken for masking.
        """
        return self.cross_entropy | self.attack(replace(self.options, loss="margin")).fooled

    def judged(self, images: Tensor, key: Key) -> Tensor:
        """Whether the model is wrong about images as they are, bool, (N,)."""
        ask = batched(unattacked(self.verdicts), self.batch_size)
        return ask(self.model, images, self.labels, self.ball, key=key).fooled

    def attack(
        self,
        options: PgdOptions,
        *,
        source: nn.Module | None = None,
        ball: Ball | None = None,
        key: Key | None = None,
        curve: bool = False,
    ) -> Attacked:
        """Attack all images with PGD; what it fools within the ball is remembered."""
        run = batched(partial(pgd, options=options, source=source, curve=curve), self.batch_size)
        key = self.key if key is None else key
        found = run(self.model, self.images, self.labels, ball or self.ball, key=key)
        if ball is None:
            self.remember(found.fooled)
        return found

    def remember(self, fooled: Tensor) -> None:
        """Remember images that something within the ball fooled."""
        known: Tensor = self.__dict__["fooled"]
        known |= fooled.to(known.device)

    def beyond(self, fooled: Tensor) -> float:
        """Share of all images that this fooled and the reference attack did not; they are remembered."""
        self.remember(fooled)
        return float((fooled & ~self.white).double().mean())

    def accuracy(self, fooled: Tensor) -> float:
        """Share of images that are not fooled."""
        return 1 - float(fooled.double().mean())

    @property
    def withstanding(self) -> Tensor:
        """Which images withstood everything so far, bool, (N,)."""
        known: Tensor = self.__dict__["fooled"]
        return ~known

    @property
    def standing(self) -> int:
        """Number of images that withstood everything so far."""
        return int(self.withstanding.sum())

    def averaged(self) -> PgdOptions:
        """The reference attack with a gradient averaged over draws."""
        return replace(self.options, draws=DRAWS)
