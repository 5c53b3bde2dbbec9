"""Grids of frequencies, without torch."""


def half_plane(most: int, step: int) -> list[tuple[int, int]]:
    """Frequencies (vertical, horizontal) of a square grid about 0, one of each pair of mirror images.

    Args:
        most: the greatest frequency in either direction.
        step: between two frequencies of the grid, which has 0 among them.

    Returns:
        0 first, then by vertical and horizontal frequency.
    """
    reach = most // step
    found = [(step * v, step * h) for v in range(reach + 1) for h in range(-reach, reach + 1)]
    return [(v, h) for v, h in found if v > 0 or h >= 0]
