"""Text in columns, for a terminal."""

from collections.abc import Sequence


def aligned(*rows: Sequence[str]) -> list[str]:
    """Rows as lines whose columns stand below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
