"""Fourier: accuracy under noise of one spatial frequency, over a grid of frequencies."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flexnet.families.base import ANSWER, Condition, Family
from flexnet.options.rules import Options, number, option, required, whole
from flexnet.spectral.plane import half_plane
from flexnet.tables.kinds import AMOUNT, Kind

CYCLES = Kind(int)


@dataclass(frozen=True, kw_only=True)
class FourierSettings(Options):
    """Settings of an evaluation under Fourier-basis noise.

    Attributes:
        norm: Euclidean norm of the noise in each channel, of images in [0, 1].
        most: the greatest frequency, vertical or horizontal, in cycles per image.
        step: between two frequencies of the grid.
        batch: images that share the mask of a stochastic network.
    """

    norm: float = required(number("a number above 0", above=0))
    most: int = required(whole(1))
    step: int = option(1, whole(1))
    batch: int = option(100, whole(1))

    def conditions(self) -> Iterator[tuple[float, int, int]]:
        """Norm, vertical and horizontal frequency: of clean images first; of mirror images one each."""
        yield 0.0, 0, 0
        yield from ((float(self.norm), v, h) for v, h in half_plane(self.most, self.step))


def work(section: Mapping[str, Any]) -> float:
    """Training steps that cost as much: each condition is an answer."""
    return ANSWER * sum(1 for _ in FourierSettings.from_values(section).conditions())


FAMILY = Family(
    name="fourier",
    conditions={
        "strength": Condition(AMOUNT, plain=0.0),
        "vertical": Condition(CYCLES, plain=0),
        "horizontal": Condition(CYCLES, plain=0),
    },
    settings=FourierSettings,
    seeds="all",
    work=work,
)
