"""What a claim and its rule are made of."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from flexnet.errors import ConfigError
from flexnet.statistics.conditions import plain_values
from flexnet.tables.kinds import Value

# Grid values such as 0.1 * 4 differ from 0.4 in the last digit.
GRID_TOLERANCE = 1e-9
# Effects in points that differ by less differ by the rounding of floating-point numbers alone.
TIE = 1e-9

DISTANCE = "mean_distance"  # the kind whose effects have no sign

Number: TypeAlias = float | Mapping[str, float] | Mapping[float, float]


@dataclass(frozen=True)
class RuleChange:
    """A change of the rules after they were first stated: when (YYYY-MM-DD), what and why."""

    date: str
    what: str
    why: str


@dataclass(frozen=True)
class Published:
    """A number (or a named set of numbers) of a paper, with its unit and where it stands."""

    value: Number
    unit: str
    source: str


@dataclass(frozen=True)
class Window:
    """The conditions that count: greater than `above`, not below `at_least`, not beyond `up_to`."""

    above: float = -math.inf
    at_least: float = -math.inf
    up_to: float = math.inf

    def __contains__(self, value: float) -> bool:
        lowest = self.above + GRID_TOLERANCE < value and self.at_least - GRID_TOLERANCE <= value
        return lowest and value <= self.up_to + GRID_TOLERANCE

    @property
    def text(self) -> str:
        """The window in words."""
        if self.at_least == self.up_to:
            return f"{self.up_to:g}"
        parts = [
            f"above {self.above:g}" if math.isfinite(self.above) else "",
            f"from {self.at_least:g}" if math.isfinite(self.at_least) else "",
            f"up to {self.up_to:g}" if math.isfinite(self.up_to) else "",
        ]
        return " ".join(part for part in parts if part) or "any"


@dataclass(frozen=True)
class Cell:
    """A published mean over `n` repeats with its standard error, both in per cent."""

    mean: float
    sem: float
    n: int


@dataclass(frozen=True)
class Comparison:
    """One series against one other, or against the best of several at each condition.

    A series that is judged by itself has nothing in `against`, but the condition `at` which it should be
    best, the published `cell` that it should repeat, or values of conditions at which it should do otherwise
    (`than`), such as {attack: white}. `value` is the paper's effect for this comparison, if it gives one.
    `category` is that of corruptions over which accuracies are averaged first; `measure` is a column that is
    compared in the place of the accuracy, or the bandwidth with which a ratio of accuracies is correlated. A
    `range` of its own takes the place of the rule's; the comparison is then judged under the protocols that
    it names and no other. `where` goes before the rule's.
    """

    series: str
    against: tuple[str, ...] = ()
    at: float | None = None
    cell: Cell | None = None
    value: float | None = None
    category: str = ""
    measure: str = ""
    range: Mapping[str, Window] = field(default_factory=dict)
    where: Mapping[str, Value] = field(default_factory=dict)
    than: Mapping[str, Value] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The comparison in words, such as `random - best of baseline, flexible`."""
        best = "best of " if len(self.against) > 1 else ""
        words = " - ".join(part for part in (self.series, best + ", ".join(self.against)) if part)
        if not self.than:  # else both values are told
            words += "".join(f", {name} {value}" for name, value in self.where.items())
        about = self.category or self.measure
        return f"{words}, {about}" if about else words


@dataclass(frozen=True)
class Rule:
    """How a claim is judged, stated before looking. Sizes are percentage points.

    `chance` is the share of right answers of a guess; None if what is measured has no such floor.
    `where` is the value that counts of conditions other than `over`; of those that it does not name, the
    plain value does that their family declares.
    `universal` marks a claim that also says "at every ...": it is judged by every pair of condition and seed.
    """

    kind: str
    over: str
    compare: tuple[Comparison, ...]
    direction: Literal["greater", "less"]
    reason: str
    size: float = 0.0
    margin: float | None = None
    range: Mapping[str, Window] = field(default_factory=dict)
    where: Mapping[str, Value] = field(default_factory=dict)
    universal: bool = False
    chance: float | None = None

    def applies(self, comparison: Comparison, protocol: str) -> bool:
        """Whether a comparison is judged under `protocol`: where ranges are told, it has one for it."""
        ranges = comparison.range or self.range
        return not ranges or protocol in ranges

    @property
    def sign(self) -> int:
        """+1 where the paper claims a greater value, -1 where it claims a lesser one."""
        return 1 if self.direction == "greater" else -1

    @property
    def threshold(self) -> float:
        """The border of the claimed side, in points: the practical size, or minus the margin of no loss."""
        return self.sign * (self.size if self.margin is None else -self.margin)

    @property
    def claimed(self) -> tuple[float, float]:
        """The claimed side as an interval of effects, open at infinity."""
        return (self.threshold, math.inf) if self.sign > 0 else (-math.inf, self.threshold)

    def text(self, comparison: Comparison, protocol: str) -> str:
        """One comparison in words that no other of the rule has: `low, threshold 0.1 - others`.

        A distance, which has no sign, stands between bars.
        """
        told = self._text(comparison, protocol)
        return f"|{told}|" if self.kind == DISTANCE else told

    def _text(self, comparison: Comparison, protocol: str) -> str:
        if comparison.than:
            here, there = (
                ", ".join(str(values[name]) for name in comparison.than) for values in self.sides(comparison)
            )
            return f"{comparison.text}, {here} - {there}"
        if comparison.at is not None:
            return f"{comparison.text}, {self.over} {comparison.at:g} - others"
        if comparison.range:
            return f"{comparison.text}, {self.over} {self.window(protocol, comparison).text}"
        return comparison.text

    def at(self, comparison: Comparison) -> dict[str, Value]:
        """The value that counts of conditions other than `over`, of one comparison."""
        return {**self.where, **comparison.where}

    def sides(self, comparison: Comparison) -> tuple[dict[str, Value], dict[str, Value]]:
        """The values of all conditions other than `over` of a series, and of the same at those of `than`."""
        here = plain_values([self.over]) | self.at(comparison)
        return here, {**here, **comparison.than}

    def window(self, protocol: str, comparison: Comparison | None = None) -> Window:
        """The conditions that count under `protocol`, of one comparison or by default; all without a range.

        Raises:
            ConfigError: if ranges are told, and none for this protocol: then nothing is judged under it.
        """
        ranges = (comparison.range if comparison else {}) or self.range
        if ranges and protocol not in ranges:
            raise ConfigError(
                f"range of a rule: expected one of {sorted(ranges)}; got {protocol!r}; give it a range, or "
                "judge only what applies"
            )
        return ranges.get(protocol, Window())


@dataclass(frozen=True)
class Claim:
    """One claim of one paper.

    `value` is the paper's headline effect in `unit`, None if it is in words. A `remark` says what its words
    mean where that is not plain; it stands beside every comparison.
    """

    id: str
    paper: str
    title: str
    statement: str
    unit: str
    source: str
    figure: str
    value: float | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    remark: str = ""
    rule: Rule | None = None
