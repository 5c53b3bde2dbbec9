"""What docs/results.md says of layers side by side is what the published rows say."""

import pandas as pd
from told import ROWS, require_told

from flexnet.audit.rules import RULES
from flexnet.figures.layers import summarise_rows
from flexnet.statistics.intervals import t_interval
from flexnet.tables.frames import read_rows


def side_by_side(question: str) -> pd.DataFrame:
    """Every layer's change from the convolution in one question, in points."""
    table = summarise_rows(read_rows(ROWS / "corrected/layers.csv"))
    found = table[table["question"] == question].set_index("series")
    columns = ["mean", "change", "change_low", "change_high"]
    return found.assign(**(100 * found[columns].astype(float)))


def rows_of_noise(most: float) -> pd.DataFrame:
    """Every layer's mean change from the convolution under Gaussian noise of up to so much, by its size."""
    rows = read_rows(ROWS / "corrected/layers.csv")
    rows = rows[(rows["noise"] == "gaussian") & (rows["epsilon"] > 0) & (rows["epsilon"] <= most)]
    means = rows.groupby(["epsilon", "series"])["accuracy"].mean().unstack()
    return means.sub(means["baseline"], axis=0)


def change(found: pd.DataFrame, series: str, sign: int = 1) -> str:
    mean, *ends = sign * found.loc[series, ["change", "change_low", "change_high"]]
    return f"{mean:.1f} ({min(ends):.1f} to {max(ends):.1f}, n = {found.loc[series, 'change_n']:.0f})"


def test_what_layers_change_side_by_side_is_told_with_its_interval() -> None:
    questions = ("clean", "corrupted", "noise", "attack", "audit")
    clean, corrupted, noise, attack, audit = map(side_by_side, questions)
    told = [f"{clean.loc['baseline', 'mean']:.1f} % of 1,000 clean test images"]
    told += [change(corrupted, name, -1) for name in ("flexible", "above", "uniform")]
    told += [change(noise, name) for name in ("push-pull", "both", "flexible", "lowpass")]
    rows = read_rows(ROWS / "corrected/layers.csv")
    rows = rows[(rows["noise"] == "gaussian") & (rows["epsilon"] == noise["size"].iloc[0])]
    seeds = 100 * rows.groupby(["seed", "series"])["accuracy"].mean().unstack()
    ahead = t_interval(seeds["lowpass"] - seeds["push-pull"])
    told += [f"{ahead.mean:.1f} ({ahead.low:.1f} to {ahead.high:.1f}, n = {ahead.n})"]
    told += [change(attack, "random"), f"keeps {audit.loc['baseline', 'mean']:.1f} % of 100 images"]
    told += [change(audit, name) for name in ("random", "lowpass", "both")]
    require_told(told)
    assert noise["size"].tolist() == [0.1] * len(noise)
    weak = rows_of_noise(0.05)
    assert (weak[["push-pull", "both", "flexible", "lowpass"]] < 0).all(axis=None)
    assert len(weak) == 5
    assert (clean["n_images"].max(), audit["n_images"].max()) == (1000, 100)
    assert audit.loc["baseline", "mean"] < 10 < audit.loc["random", "mean"]
    assert audit.loc["random", "verdict"] == "2 robust, 1 masked"
    assert not audit.drop("random")["verdict"].str.contains("masked").any()
    checked = read_rows(ROWS / "corrected/layers.csv").dropna(subset="share")
    limits = checked["check"].map({name: rule.threshold for name, rule in RULES.items()})
    failed = checked.loc[checked["share"] > limits, ["series", "check"]]
    assert failed.to_numpy().tolist() == [["random", "expectation"]]  # averaged gradients


def test_which_intervals_of_layers_side_by_side_exclude_zero_is_told() -> None:
    found = {name: side_by_side(name).drop("baseline") for name in ("clean", "corrupted", "noise", "attack")}
    below = {name: set(each.index[each["change_high"] < 0]) for name, each in found.items()}
    above = {name: set(each.index[each["change_low"] > 0]) for name, each in found.items()}
    costs = -found["clean"]["change"].drop("blend")
    assert 4 < costs.min() < costs.max() < 8
    assert (len(found["clean"]), len(below["clean"])) == (10, 6)
    assert below["corrupted"] == {"flexible", "above", "uniform"}
    assert not above["clean"] | above["corrupted"]
    assert (above["attack"], below["attack"]) == ({"random"}, set())
