"""Grids of frequencies, without torch."""


def half_plane(most: int, step: int) -> list[tuple[int, int]]:
    """Frequencies (vertical, horizontal) of a square grid about 0, one of each pair of mirror images.

    Of images with more than 2 `most` pixels a side each is another wave. At exactly half as many cycles as
    pixels (Nyquist) the waves of h and -h are one, and those of v and -v: there both (most, h) and (most, -h)
    are listed, and both (v, most) and (v, -most).

    Args:
        most: the greatest frequency in either direction.
        step: between two frequencies of the grid, which has 0 among them.

    Returns:
        0 first, then by vertical and horizontal frequency.
    """
    reach = most // step
    found = [(step * v, step * h) for v in range(reach + 1) for h in range(-reach, reach + 1)]
    return [(v, h) for v, h in found if v > 0 or h >= 0]
