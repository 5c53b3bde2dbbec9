"""Which conditions rows were counted under: asked for, chosen or repeated. Any other is refused.

A mean over a condition that nobody spoke of is the mean of something else than it says. So each condition of
a table is either a column of the result, or has one value, or is declared by its family to be a repeat.
A table without the column of a condition is at its plain value.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

import pandas as pd

from flexnet.errors import ConfigError, DataError
from flexnet.families import registry as families
from flexnet.families.base import Condition
from flexnet.problems import ask
from flexnet.tables.columns import CONDITIONS, COUNTS, MEASURES, PAIRS
from flexnet.tables.kinds import Value

# What tells whose rows they are; a table never takes two of them for one.
LABELS: Final = ("figure", "protocol", "series")
# Grid values such as 0.1 * 3 and 0.3 are one.
TOLERANCE: Final = 1e-9
_SHOWN: Final = 5  # values in a message


def declared(name: str) -> Condition:
    """The condition of a name.

    Raises:
        ConfigError: if no family declares it.
    """
    known = families.conditions()
    if name not in known:
        raise ConfigError(
            f"unknown condition {name!r}; known are {sorted(known)}{ask(name, known)}; correct it, or "
            "declare it in a family"
        )
    return known[name]


def plain_values(told: Collection[str] = ()) -> dict[str, Value]:
    """The plain value of every condition that has one, is no repeat, and is not told otherwise."""
    return {
        name: condition.plain
        for name, condition in families.conditions().items()
        if condition.plain is not None and not condition.repeat and name not in told
    }


def of_family(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Of the rows of a figure of several families those of one, without what it neither asks nor measures.

    Raises:
        DataError: if there are none.
    """
    part = rows[rows["family"] == name]
    if part.empty:
        raise DataError(f"expected rows of the family {name!r}; got none; collect the figure's rows again")
    family = families.family_of(name)
    strange = [column for column in CONDITIONS if column not in family.conditions]
    strange += [column for column in MEASURES if column not in family.measures]
    return part.drop(columns=["family", *strange], errors="ignore")


def chosen(rows: pd.DataFrame, at: Mapping[str, Value]) -> pd.DataFrame:
    """The rows at some values of conditions; none if nothing was measured there.

    Args:
        rows: a table whose conditions have columns, or are at their plain values.
        at: condition to value.

    Raises:
        ConfigError: if no family declares a condition.
        DataError: if a row does not say under which condition it was counted.
    """
    for name, value in at.items():
        plain = declared(name).plain
        if name in rows.columns:
            _refuse_empty(rows, name)
            rows = rows[rows[name].map(lambda found, value=value: same(found, value)).astype(bool)]
        elif plain is None or not same(plain, value):
            rows = rows.iloc[:0]
    return rows


def _refuse_empty(rows: pd.DataFrame, name: str) -> None:
    if rows[name].isna().any():
        raise DataError(
            f"expected a value of {name} in every row; got an empty cell; check the run that made them"
        )


def same(first: object, second: object) -> bool:
    """Whether two values of a condition are one, numbers up to rounding."""
    if isinstance(first, str) or isinstance(second, str):
        return first == second
    return math.isclose(float(first), float(second), rel_tol=0.0, abs_tol=TOLERANCE)  # type: ignore[arg-type]


def repeats_of(rows: pd.DataFrame, told: Collection[str]) -> list[str]:
    """The columns of a table that are repeats, unless they are told."""
    return [
        name
        for name, condition in families.conditions().items()
        if condition.repeat and name in rows.columns and name not in told
    ]


def refuse_untold(rows: pd.DataFrame, told: Collection[str]) -> None:
    """Refuse rows that differ in something that is neither told nor a repeat, or that is not plain.

    Args:
        rows: a table of which means are to be taken.
        told: columns that are asked for, or of which a value was chosen.

    Raises:
        DataError: naming the column, some of its values, and what to do.
    """
    known = families.conditions()
    numbers = {*COUNTS, *MEASURES, *PAIRS}
    unknown = [name for name in rows.columns if name not in {*LABELS, "model", "seed", *numbers}]
    for name in unknown:
        if name not in known and name not in told:
            raise DataError(
                f"expected columns that a family declares; got {name!r}{ask(name, known)}; declare it as a "
                "condition or a measure of a family, or remove it"
            )
    for name in LABELS:
        if name in rows.columns and name not in told and rows[name].nunique(dropna=False) > 1:
            raise DataError(
                f"expected rows of one {name}; got {_values(rows, name)}; ask for the column, or take one"
            )
    for name, condition in known.items():
        if name in rows.columns and name not in told and not condition.repeat:
            _refuse_other(rows, name, condition)


def _refuse_other(rows: pd.DataFrame, name: str, condition: Condition) -> None:
    """Refuse a condition that nobody spoke of and that is not plain in every row."""
    values = list(rows[name].unique())
    if condition.plain is not None and all(same(value, condition.plain) for value in values):
        return
    plain = "a value that is told" if condition.plain is None else f"its plain value {condition.plain!r}"
    raise DataError(
        f"expected {name} at {plain}, where nothing else is said of it; got {_values(rows, name)}; rows are "
        f"never averaged over it: ask for it, or choose one, such as {name} = {values[0]}"
    )


def _values(rows: pd.DataFrame, name: str) -> str:
    """Some values of a column in words."""
    values = list(rows[name].unique())
    more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    return ", ".join(str(value) for value in values[:_SHOWN]) + more


def parts(rows: pd.DataFrame, names: Sequence[str]) -> Iterator[tuple[str, pd.DataFrame]]:
    """The parts of a table by some columns, each with words that say which it is ("series low: ")."""
    if not names:
        yield "", rows
        return
    for key, part in rows.groupby(list(names), sort=False):
        values = key if isinstance(key, tuple) else (key,)
        yield ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True)) + ": ", part
