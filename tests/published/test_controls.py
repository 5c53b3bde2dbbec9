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


def test_what_thresholds_are_good_for_is_told() -> None:
    scale = "laptop"
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


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        ("laptop", "training moves a threshold by {} on the mean, where they are drawn from"),
        ("bf16", "In 150 epochs training moves a threshold by {} on the mean."),
    ],
)
def test_how_far_training_moves_a_threshold_is_told(scale: str, words: str) -> None:
    rows = controls(scale)
    moved = rows[(rows["intervention"] == TRAINED) & (rows["epsilon"] == 0)].groupby("series")[
        "threshold_shift"
    ]
    found = moved.mean()["flexible"]
    print(found)
    assert words.format(f"{found:.4f}") in page()


def test_one_threshold_of_minus_a_half_gains_most_of_all_that_lose_nothing_visible() -> None:
    series = sorted(set(controls("laptop")["series"]) - {"baseline"})
    clean = {name: points("laptop", name, "baseline", 0.0) for name in series}
    gains = {name: points("laptop", name, "baseline", 0.1).mean for name in series if clean[name].high >= 0}
    print(gains)
    assert {"uniform-m05", "frozen"} <= set(gains) < set(series)
    assert max(gains, key=lambda name: gains[name]) == "uniform-m05"


# --- at the paper's size -------------------------------------------------------------------------------


def means(protocol: str, epsilon: float) -> pd.Series:
    rows = controls("bf16", protocol)
    trained = rows[(rows["intervention"] == TRAINED) & (rows["epsilon"] == epsilon)]
    return 100 * trained.groupby("series")["accuracy"].mean()


def test_what_is_left_at_the_papers_size_is_told() -> None:
    loose, valid, clean = means("paper", 0.1), means("corrected", 0.05), means("paper", 0.0)
    told = f"Trained ones leave {loose['flexible']:.1f} % under FGSM by the paper's rules, those that stay as"
    told += f" they were drawn {loose['frozen']:.1f} %, and half of each operation in every unit"
    told += f" {loose['blend']:.1f} %; within the range of images it is {valid['flexible']:.1f},"
    told += f" {valid['frozen']:.1f} and {valid['blend']:.1f} %."
    print("\n" + told)
    assert told in page()
    kinds = [clean[name] for name in ("flexible", "frozen", "blend")]
    assert f"right about {min(kinds):.0f} to {max(kinds):.0f} % of clean images" in page()
    assert f"One threshold of -0.5 for all units leaves {loose['uniform-m05']:.1f} %, for" in page()


def test_what_thresholds_are_good_for_at_the_papers_size_is_told() -> None:
    scale = "bf16"
    found = [points(scale, "flexible", "frozen", e, p) for e, p in ((0.1, "paper"), (0.05, "corrected"))]
    assert all(each.low < 0 < each.high for each in found)  # nothing shows that learning adds
    assert points(scale, "blend", "flexible", 0.05, "corrected").low > 0
    told = [
        difference(scale, "flexible", "frozen", 0.1),
        difference(scale, "flexible", "frozen", 0.05, "corrected"),
        difference(scale, "blend", "flexible", 0.05, "corrected"),
        difference(scale, "baseline", "uniform-m05", 0.0),
        difference(scale, "flexible", "flexible: shuffled", 0.0),
        difference(scale, "max", "baseline", 0.1),
        difference(scale, "baseline", "max", 0.0),
    ]
    require_told(told)
    costs = [points(each, "flexible", "flexible: shuffled", 0.0).mean for each in ("laptop", scale)]
    assert costs[0] < costs[1]
    seeds = {len(set(part["seed"])) for _, part in controls(scale).groupby("series")}
    assert seeds == {6}
    assert "and the six of `table2_controls`." in page()


@pytest.mark.oracle
def test_the_same_networks_trained_on_another_machine_have_the_same_accuracies() -> None:
    """Those of Table 2 were trained on a GPU: the same seeds, rounded otherwise for 90,000 steps."""
    keys = ["series", "seed", "intervention", "epsilon"]
    rows = read_rows(ROOT / "published/bf16/results/rows/paper/table2.csv").set_index(keys)["accuracy"]
    both = pd.concat([rows, controls("bf16").set_index(keys)["accuracy"]], axis=1, join="inner")
    trained = 100 * both.xs(TRAINED, level="intervention")
    print("\n" + trained.to_string())
    assert len(trained) == 48  # four networks, six seeds, two sizes of the attack
    assert (trained.iloc[:, 0] - trained.iloc[:, 1]).abs().max() < 1.0
