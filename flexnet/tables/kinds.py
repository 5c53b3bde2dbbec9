"""What the cells of a column may hold, and reading one cell without guessing."""

import math
import re
from dataclasses import dataclass
from typing import Final, TypeAlias

Value: TypeAlias = str | int | float

# As Python and pandas write numbers: a point, no separators of thousands, ASCII digits.
_WHOLE: Final = re.compile(r"-?(0|[1-9][0-9]*)")
_NUMBER: Final = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_NAME: Final = re.compile(r"[a-z0-9]+([-_][a-z0-9]+)*")
# Only these mark an empty cell of numbers: a series may be called "None" or "NA".
_EMPTY: Final = ("", "nan", "NaN")
_INFINITE: Final = {"inf": math.inf, "-inf": -math.inf}
_LARGEST: Final = 2**63 - 1


@dataclass(frozen=True)
class Kind:
    """The kind of a column.

    Attributes:
        of: `str`, `int` or `float`.
        low: the least number allowed.
        high: the greatest number allowed.
        empty: whether a cell of numbers may be empty, which reads as NaN.
        infinite: whether a number may be infinite.
        named: whether a text is a name, of lower-case letters and digits joined by - or _.
    """

    of: type
    low: float = -math.inf
    high: float = math.inf
    empty: bool = False
    infinite: bool = False
    named: bool = False

    def expected(self, name: str) -> str:
        """What is expected of a column of this name, in words."""
        words = {str: "names" if self.named else "text", int: "whole numbers", float: "numbers"}[self.of]
        limits = ""
        if math.isfinite(self.low):
            limits = f", at least {self.low:g}" + (
                f" and at most {self.high:g}" if self.high < math.inf else ""
            )
        return f"{words} in every row of column {name!r}{limits}"

    def read(self, text: str) -> Value:
        """Read one cell.

        Raises:
            ValueError: if it is not of this kind.
        """
        if self.of is str:
            return self._text(text)
        return self._whole(text) if self.of is int else self._number(text)

    def _text(self, text: str) -> str:
        # Spaces around a name would make a second series, model or split of it.
        if not text or text != text.strip() or (self.named and not _NAME.fullmatch(text)):
            raise ValueError(text)
        return text

    def _whole(self, text: str) -> int:
        if not _WHOLE.fullmatch(text) or len(text) > len(str(_LARGEST)) + 1:
            raise ValueError(text)
        value = int(text)
        if not (self.low <= value <= self.high and abs(value) <= _LARGEST):
            raise ValueError(text)
        return value

    def _number(self, text: str) -> float:
        if self.empty and text in _EMPTY:
            return math.nan
        if self.infinite and text in _INFINITE:
            return _INFINITE[text]
        value = float(text) if _NUMBER.fullmatch(text) else math.nan
        if not (math.isfinite(value) and self.low <= value <= self.high):
            raise ValueError(text)
        return value


TEXT: Final = Kind(str)
NAME: Final = Kind(str, named=True)
WHOLE: Final = Kind(int, low=0)
POSITIVE: Final = Kind(int, low=1)
NUMBER: Final = Kind(float)
AMOUNT: Final = Kind(float, low=0)
FRACTION: Final = Kind(float, low=0, high=1)
PERHAPS: Final = Kind(float, empty=True)
PERHAPS_AMOUNT: Final = Kind(float, low=0, empty=True)
PERHAPS_FRACTION: Final = Kind(float, low=0, high=1, empty=True)
LIMIT: Final = Kind(float, empty=True, infinite=True)
