"""What docs/results.md says of the Flexible Layer paper at laptop scale is what the published rows say."""

import pandas as pd
from told import ROWS, effect, require_told

from flexnet.audit.rules import MASKED, RULES
from flexnet.statistics.intervals import t_interval
from flexnet.tables.frames import read_rows

# --- two claims ----------------------------------------------------------------------------------------


def test_two_claims_are_told_with_effect_interval_and_n() -> None:
    names = ("uniform - baseline", "flexible - baseline", "above - baseline")
    told = [effect("C06", f"{name} - baseline", "paper", sign=-1) for name in ("flexible", "random")]
    told += [
        effect("C07", name, protocol) for protocol in ("paper", "corrected", "release") for name in names
    ]
    assert len(told) == 11
    require_told(told)


# --- bf16 ----------------------------------------------------------------------------------------------


def test_what_bf16_changes_is_told_with_its_interval() -> None:
    rows = read_rows(ROWS / "corrected/table2_precision.csv")
    rows = rows[rows["intervention"] == "trained"]
    found = rows.pivot_table(index=["epsilon", "seed"], columns="series", values="accuracy")
    told, largest = [], 0.0
    for _, seeds in found.groupby("epsilon"):
        for series in ("baseline", "flexible"):
            change = t_interval(100 * (seeds[series] - seeds[f"{series}-float32"]))
            told.append(f"{change.mean:.1f} ({change.low:.1f} to {change.high:.1f}, n = {change.n})")
            assert change.low < 0 < change.high
            largest = max(largest, -change.low, change.high)
    require_told(told)
    assert list(found.index.unique("epsilon")) == [0, 0.05]
    assert largest < 1.5


# --- attacks -------------------------------------------------------------------------------------------


def attacked(protocol: str) -> pd.DataFrame:
    """Mean accuracy over repeats and seeds: series by attacks, the last iterate of 20 steps."""
    rows = read_rows(ROWS / protocol / "table3.csv")
    rows = rows[(rows["scoring"] == "last") & rows["steps"].isin([0, 20])]
    return rows.groupby(["series", "attack"])["accuracy"].mean().unstack()


def test_no_network_of_table_3_is_above_guessing_under_the_papers_attack_in_pixels() -> None:
    found = attacked("paper")
    assert len(found) == 6
    assert found["white"].max() < 0.1
    for attack in ("none", "black"):
        assert found.loc["flexible", attack] < found.loc["baseline", attack]


def test_the_released_clamp_costs_nearly_all_that_the_black_box_attack_costs() -> None:
    found = attacked("release")
    costs = {name: found["none"] - found[name] for name in ("clamp", "black")}
    assert len(found) == 6
    assert (costs["clamp"] > 0.9 * costs["black"]).all()


def test_the_audit_finds_no_masked_gradient() -> None:
    rows = read_rows(ROWS / "paper/audit.csv")
    assert len(rows[["series", "seed"]].drop_duplicates()) == 18
    assert set(rows["epsilon"]) == {2 / 255}
    masked = [name for name, rule in RULES.items() if rule.failure == MASKED]
    share = rows.set_index("check")["share"]
    assert all(name in share.index and share.loc[[name]].notna().any() for name in masked)
    assert not [name for name in masked if (share.loc[[name]] > RULES[name].threshold).any()]
    everything = rows[rows["check"] == rows["check"].iloc[-1]].groupby("series")["accuracy"].mean()
    assert everything.idxmax() == "random"


def gain(check: str, series: str) -> str:
    """What small networks keep beyond the baseline after a check of the audit, in points."""
    rows = read_rows(ROWS / "paper/audit_small.csv")
    assert set(rows["epsilon"]) == {0.05}
    kept = rows[rows["check"] == check].pivot_table(index="seed", columns="series", values="accuracy")
    found = t_interval(100 * (kept[series] - kept["baseline"]).dropna())
    return f"{found.mean:.1f} ({found.low:.1f} to {found.high:.1f}, n = {found.n})"


def test_what_small_networks_keep_is_told_with_its_interval() -> None:
    rows = read_rows(ROWS / "paper/audit_small.csv")
    everything = str(rows["check"].iloc[-1])  # what has fallen to one check has fallen for the next
    told = [gain(everything, name) for name in ("flexible", "random", "max", "adversarial")]
    told.insert(2, gain("reference", "flexible"))
    require_told(told)
    masked = [name for name, rule in RULES.items() if rule.failure == MASKED]
    limits = rows["check"].map({name: RULES[name].threshold for name in masked})
    failed = rows.loc[rows["share"] > limits, ["series", "seed"]].drop_duplicates()
    assert failed["series"].tolist() == ["max"]


def test_the_margin_finds_what_cross_entropy_finds_and_the_released_loss_less() -> None:
    rows = read_rows(ROWS / "corrected/fig4d_losses.csv")
    means = 100 * rows.groupby(["series", "epsilon", "objective"])["accuracy"].mean().unstack()
    assert len(means.index.unique("series")) == 3
    assert (means["margin"] - means["cross_entropy"]).abs().max() < 2
    more = means["negative_logit"] - means["cross_entropy"]
    assert more.min() >= 0
    assert 4 < more.max() < 5
