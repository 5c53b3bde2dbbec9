"""Errors under corruptions as the push-pull paper's tables have them: each, their mean, mCE, relative mCE."""

from collections.abc import Mapping
from statistics import fmean
from typing import Final, TypeAlias

import pandas as pd

from flexnet.corruptions.names import CLEAN, GROUPINGS, NAMES, SEVERITIES, original
from flexnet.errors import DataError
from flexnet.figures.cells import BLANK, spread_text
from flexnet.figures.curves import PER_CENT
from flexnet.figures.facts import Facts
from flexnet.figures.frost import with_frost
from flexnet.statistics import network_errors
from flexnet.statistics.categories import by_original_name
from flexnet.statistics.corruption_errors import alexnet_cifar10, mean_errors
from flexnet.statistics.network_errors import at_all, compared, errors_of, over_seeds
from flexnet.statistics.summary import per_seed

Record: TypeAlias = "pd.Series[float]"
KEYS: Final = ("figure", "protocol", "series")
MEAN, MCE, RELATIVE = "mean", "mce", "relative_mce"  # beside "none", the clean images, and the corruptions
GROUPS: Final = GROUPINGS["push-pull"]


def summarise_errors(rows: pd.DataFrame) -> pd.DataFrame:
    """Summarise errors per figure, protocol, series and measure over training seeds.

    Measures: "none", the error on clean images; each corruption, its mean over severities; "mean", that over
    corruptions; and, where all nineteen were asked at all five severities, "mce" and "relative_mce", of which
    1 is AlexNet's. Errors are fractions.

    Raises:
        DataError: if a column is missing, nothing or no clean image was judged, rows are malformed, or
            networks were judged under different corruptions.
    """
    by_original_name(rows)  # refuses one corruption that was made in two ways
    found = per_seed(rows, [*KEYS, "corruption", "severity"])
    _require_same(found)
    records = []
    for labels, part in found.groupby([*KEYS, "seed"], sort=False):
        label = dict(zip((*KEYS, "seed"), labels, strict=True)) | {"n_images": int(part["n_images"].min())}
        records += [{**label, "measure": name, "value": value} for name, value in measures_of(part).items()]
    return with_frost(over_seeds(pd.DataFrame(records)), rows)


def _require_same(found: pd.DataFrame) -> None:
    """A mean over corruptions that one network was asked and another was not compares nothing."""
    for (_, protocol), part in found.groupby(["figure", "protocol"], sort=False):
        asked = {
            str(series): set(zip(own["corruption"].map(original), own["severity"], strict=True))
            for series, own in part.groupby("series", sort=False)
        }
        first, *others = asked
        for name in others:
            if alone := sorted(asked[name] ^ asked[first]):
                raise DataError(
                    f"protocol {protocol}: expected {first!r} and {name!r} under the same corruptions; got "
                    f"{alone[0]} of one of them alone; evaluate both under all of them"
                )


def measures_of(part: pd.DataFrame) -> dict[str, float]:
    """All measures of one trained network."""
    errors, clean = errors_of(part)
    if not errors:
        raise DataError("expected at least one corruption; got clean images alone; evaluate again")
    means = {name: fmean(values.values()) for name, values in errors.items()}
    found = {CLEAN: clean, **means, MEAN: fmean(means.values())}
    if set(errors) != set(NAMES) or any(set(values) != set(SEVERITIES) for values in errors.values()):
        return found
    beside = compared(mean_errors({name: at_all(errors[name]) for name in errors}), clean, *alexnet_cifar10())
    return found | {MCE: beside[network_errors.MCE], RELATIVE: beside[network_errors.RELATIVE]}


def find(table: pd.DataFrame, series: str, measure: str) -> "Record | None":
    """The row of one series and measure, or None if the table has none."""
    found = table[(table["series"] == series) & (table["measure"] == measure)]
    return None if found.empty else found.iloc[0]


def error_text(record: "Record | None", facts: Facts) -> str:
    """A mean in per cent with two decimals, and its uncertainty where there is one to show."""
    if record is None:
        return BLANK
    return mean_text(record) + spread_text(record, facts, "", lambda value: f"{value * PER_CENT:.2f}")


def mean_text(record: "Record | None") -> str:
    """A mean in per cent with two decimals, alone."""
    return BLANK if record is None else f"{record['mean'] * PER_CENT:.2f}"


def paper_text(numbers: Mapping[str, float], name: str, digits: int = 2) -> str:
    """A number of the paper, with as many decimals as it gives; a blank where it has none."""
    return f"{numbers[name]:.{digits}f}" if name in numbers else BLANK
