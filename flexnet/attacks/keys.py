"""Names of random draws: each image has its own, so that neither batches nor their order matter."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from flexnet.attacks.checks import check_count
from flexnet.errors import ConfigError
from flexnet.seeds import derive_seed


@dataclass(frozen=True)
class Key:
    """What random draws of an attack are named by.

    Attributes:
        seed: of everything.
        images: place of each image among all images; None: 0, 1, 2, ...
        repeat: which repeat of the attack it is, of those that a protocol averages over.
        attempt: which of several attacks of one repeat, of which the worst counts. All are judged by the same
            draws: of a stochastic model a fresh vote would fool images by luck, one attempt after another.

    Raises:
        ConfigError: if one of them is no whole number.
    """

    seed: int = 0
    images: tuple[int, ...] | None = None
    repeat: int = 0
    attempt: int = 0

    def __post_init__(self) -> None:
        for what, value in (("seed", self.seed), ("repeat", self.repeat), ("attempt", self.attempt)):
            if isinstance(value, bool) or not isinstance(value, int):
                raise ConfigError(f"{what} of a key: expected a whole number; got {value!r}; use 0")

    def of(self, number: int) -> tuple[int, ...]:
        """The places of a batch of `number` images.

        Raises:
            ConfigError: if the key names another number of images.
        """
        places = tuple(range(number)) if self.images is None else self.images
        if len(places) != number:
            raise ConfigError(
                f"key of an attack: expected a place for each of {number} images; got {len(places)}; "
                "name all images of the batch, or none"
            )
        return places

    def again(self, repeat: int) -> "Key":
        """The key of another repeat."""
        return replace(self, repeat=repeat)

    def retry(self, attempt: int) -> "Key":
        """The key of another attempt at the same images, judged by the same draws as the first (0)."""
        return replace(self, attempt=attempt)

    def part(self, places: list[int], number: int) -> "Key":
        """The key of some images of a batch of `number`, by their positions in it."""
        named = self.of(number)
        return replace(self, images=tuple(named[place] for place in places))

    def purpose(self, *names: str | int) -> int:
        """A seed that all images share."""
        tried = ("attempt", self.attempt) if self.attempt else ()
        return derive_seed(self.seed, self.repeat, *tried, *names)

    def generators(self, number: int, *names: str | int) -> list[torch.Generator]:
        """A generator for each image, on the CPU: every device then sees the same draws."""
        seed = self.purpose(*names)
        return [torch.Generator().manual_seed(derive_seed(seed, place)) for place in self.of(number)]

    def uniform(self, like: Tensor, *names: str | int) -> Tensor:
        """Draws of U(-1, 1) of the shape of a batch."""
        return self._drawn(like, torch.rand, *names) * 2 - 1

    def normal(self, like: Tensor, *names: str | int) -> Tensor:
        """Draws of N(0, 1) of the shape of a batch."""
        return self._drawn(like, torch.randn, *names)

    def _drawn(self, like: Tensor, draw: Callable[..., Tensor], *names: str | int) -> Tensor:
        shape = tuple(like.shape[1:])
        drawn = [draw(shape, generator=each) for each in self.generators(len(like), *names)]
        return torch.stack(drawn).to(like)


def position_batches(number: int, size: int) -> list[list[int]]:
    """Positions 0 to number - 1 in batches of `size`."""
    size = check_count("batch size of an attack", size)
    return [list(range(start, min(number, start + size))) for start in range(0, number, size)]
