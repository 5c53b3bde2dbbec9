"""Gaussian filters on a grid: their weights, and what they do to a point and to noise; without torch.

On the grid a Gaussian that is narrower than half a pixel leaves nearly all of a point where it is: that of
0.25 pixels spreads it by 0.03 pixels, that of 0.5 by 0.46.
"""

from functools import cache

import numpy as np

TRUNCATE = 4.0  # widths after which the filter ends: the default of scipy and scikit-image
SMALLEST = 1e-15  # narrower filters leave everything as it is
DIGITS = 6  # of a width that is found: the same on every machine


@cache
def filter_weights(sigma: float) -> tuple[float, ...]:
    """The weights from the middle to one end, each counted twice but the first; their sum is 1."""
    radius = int(TRUNCATE * sigma + 0.5) if sigma > SMALLEST else 0
    if radius == 0:
        return (1.0,)
    steps = np.arange(-radius, radius + 1)
    curve = np.exp(-0.5 / (sigma * sigma) * steps**2)
    return tuple((curve / curve.sum())[radius:].tolist())


def spread(sigma: float) -> float:
    """Standard deviation in pixels of what a filter makes of a point, along one direction."""
    weights = filter_weights(sigma)
    squares = sum(weight * step * step for step, weight in enumerate(weights))
    return float(np.sqrt(2 * squares))


def evenness(sigma: float) -> float:
    """What a filter of both directions leaves of the standard deviation of noise drawn for each pixel."""
    weights = filter_weights(sigma)
    return weights[0] ** 2 + 2 * sum(weight * weight for weight in weights[1:])


def width_of(wanted: float) -> float:
    """The width of the filter that spreads a point by so much: `spread` the other way round.

    Args:
        wanted: in pixels, at least 0.

    Returns:
        A standard deviation in pixels, to six digits after the point; 0 for no spread.
    """
    low, high = 0.0, wanted + 1.0  # a wide filter spreads by its width
    while wanted > 0 and high - low > 10.0 ** -(DIGITS + 2):
        middle = (low + high) / 2
        low, high = (middle, high) if spread(middle) < wanted else (low, middle)
    return round(high, DIGITS) if wanted > 0 else 0.0
