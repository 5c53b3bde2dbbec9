"""What docs/results.md says of the controls of Table 2 is what their published rows say."""

import pandas as pd
import pytest
from told import ROOT, page, require_told

from flexnet.statistics.intervals import Estimate, t_interval
from flexnet.tables.frames import read_rows

TRAINED = "trained"


def controls(scale: str, protocol: str = "paper") -> pd.DataFrame:
    return read_rows(ROOT / f"published/{scale}/results/rows/{protocol}/table2_controls.csv")


def points(scale: str, first: str, second: str, epsilon: float, protocol: str = "paper") -> Estimate:
    """Points between two networks of the same seeds, named `series` or `series: intervention`."""
    rows = controls(scale, protocol)
    accuracy = 100 * rows.groupby(["series", "intervention", "epsilon", "seed"])["accuracy"].mean()

    def of(name: str) -> pd.Series:
        series, _, intervention = name.partition(": ")
        return accuracy[series, intervention or TRAINED, epsilon]

    return t_interval((of(first) - of(second)).dropna())


def difference(scale: str, first: str, second: str, epsilon: float, protocol: str = "paper") -> str:
    """The same in words."""
    found = points(scale, first, second, epsilon, protocol)
    return f"{found.mean:.1f} ({found.low:.1f} to {found.high:.1f}, n = {found.n})"


@pytest.mark.parametrize("scale", ["laptop"])
def test_what_thresholds_are_good_for_is_told(scale: str) -> None:
    told = [
        difference(scale, "flexible", "frozen", 0.1),
        difference(scale, "flexible", "frozen", 0.0),
        difference(scale, "flexible", "flexible: shuffled", 0.0),
        difference(scale, "flexible", "flexible: shuffled", 0.1),
        difference(scale, "blend", "baseline", 0.1),
        difference(scale, "blend", "baseline", 0.05, "corrected"),
        difference(scale, "uniform-m05", "baseline", 0.1),
        difference(scale, "uniform-m05", "baseline", 0.05, "corrected"),
        difference(scale, "uniform-m05", "baseline", 0.0),
        difference(scale, "max", "baseline", 0.1),
        difference(scale, "baseline", "max", 0.0),
    ]
    require_told(told)


@pytest.mark.parametrize("scale", ["laptop"])
def test_how_far_training_moves_a_threshold_is_told(scale: str) -> None:
    rows = controls(scale)
    moved = rows[(rows["intervention"] == TRAINED) & (rows["epsilon"] == 0)].groupby("series")[
        "threshold_shift"
    ]
    found = moved.mean()["flexible"]
    print(found)
    assert f"training moves a threshold by {found:.4f} on the mean" in page()


@pytest.mark.parametrize("scale", ["laptop"])
def test_one_threshold_of_minus_a_half_gains_most_of_all_that_lose_nothing_visible(scale: str) -> None:
    series = sorted(set(controls(scale)["series"]) - {"baseline"})
    clean = {name: points(scale, name, "baseline", 0.0) for name in series}
    gains = {name: points(scale, name, "baseline", 0.1).mean for name in series if clean[name].high >= 0}
    print(gains)
    assert {"uniform-m05", "frozen"} <= set(gains) < set(series)
    assert max(gains, key=lambda name: gains[name]) == "uniform-m05"
