"""Names of what an attack can be: its space, its clamp and its loss, and how they fit each other."""

from collections.abc import Iterator, Sequence

from flexnet.problems import Problem, wrong

# The range to which the authors' released code clamps every channel of a normalised image: black of
# the first and white of the last ImageNet channel. For the other channels it lies outside the pixels.
LOOSE_LOW = -2.117
LOOSE_HIGH = 2.64

SPACES = ("normalised", "pixel")
CLAMPS = ("loose", "valid")
# What images are clamped to by the iterated attacks: see `flexnet.attacks.protocols`.
PGD_CLAMPS = ("squeezed", "loose", "valid")
LOSSES = ("cross_entropy", "negative_logit", "margin")

# A step as large as the whole range: a larger one gives the same images.
LARGEST_EPSILON = {"normalised": LOOSE_HIGH - LOOSE_LOW, "pixel": 1.0}


def unfit(space: str, clamp: str, epsilons: Sequence[float]) -> Iterator[Problem]:
    """Where clamp and sizes do not fit a space; paths are those of keys `clamp` and `epsilons`."""
    if space == "pixel" and clamp != "valid":
        yield wrong("'valid', the only clamp of the space 'pixel'", clamp).below("clamp")
    for place, epsilon in enumerate(epsilons):
        yield from (problem.below("epsilons", place) for problem in too_large(space, epsilon))


def too_large(space: str, epsilon: float) -> Iterator[Problem]:
    """A step as large as the whole range does all it can; a larger number was meant in other units."""
    if epsilon > LARGEST_EPSILON[space]:
        yield wrong(f"at most {LARGEST_EPSILON[space]:g}, the whole range of the space {space!r}", epsilon)
