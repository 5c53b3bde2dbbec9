"""Claims under corruptions on tables whose right verdict is known."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from flexnet.claims.catalogue import load_claims
from flexnet.claims.corruptions import weakest
from flexnet.claims.estimates import measured
from flexnet.claims.ledger import judge
from flexnet.claims.model import Comparison, Rule, Window
from flexnet.claims.rules import measure
from flexnet.claims.verdicts import verdict
from flexnet.corruptions.names import GROUPINGS, NAMES, SYNTHETIC

Level = Callable[[str, int], float]
CATEGORY_OF = {name: key for key, names in GROUPINGS["flexible-layer"].items() for name in names}
PLAIN = {"baseline": 0.5, "flexible": 0.5, "all": 0.5}


def rows(
    levels: dict[str, Any], seeds: tuple[int, ...] = (1, 2, 3, 4), names: Any = NAMES, **folds: Any
) -> pd.DataFrame:
    """Accuracies by series, a number or a function of corruption and severity; seeds differ by little."""
    found = []
    for place, (series, level) in enumerate(levels.items()):
        for seed in seeds:
            for name, severity in [("none", 0), *((n, s) for n in names for s in range(1, 6))]:
                value = level(name, severity) if callable(level) else level
                row = {
                    "figure": "fig5a",
                    "protocol": "paper",
                    "series": series,
                    "model": series,
                    "seed": seed,
                }
                row |= {"corruption": SYNTHETIC.get(name, name), "severity": severity, "n": 2000}
                row["accuracy"] = value + 0.002 * ((seed * 7 + place * 3) % 5 - 2)
                row |= {f"{key}_fold": fold(name) for key, fold in folds.items()}
                found.append(row)
    return pd.DataFrame(found)


def judged(claim: str, table: pd.DataFrame) -> list[dict[str, Any]]:
    figure = next(each.figure for each in load_claims("flexible-layer") if each.id == claim)
    table = table.assign(figure=figure)
    ledger = judge(load_claims("flexible-layer"), {figure: table}, "paper", "laptop", classes={figure: [10]})
    return [row for row in ledger if row["id"] == claim]


def gaining(category: str, by: float) -> Level:
    return lambda name, severity: 0.5 + (by if CATEGORY_OF.get(name) == category else 0.0)


def test_a_loss_in_one_category_is_seen_there_and_nowhere_else() -> None:
    found = judged("C14", rows({**PLAIN, "flexible": gaining("weather", -0.08)}))
    words = {row["comparison"]: row["verdict"] for row in found}
    assert words.pop("flexible - baseline, weather") == "contradicted"
    assert set(words.values()) == {"reproduced"}
    assert len(words) == 4
    assert {row["summary"] for row in found} == {"mixed"}


def test_a_category_is_the_mean_over_all_of_its_corruptions_and_severities() -> None:
    one = rows({**PLAIN, "flexible": lambda name, severity: 0.5 + 0.4 * (name == "fog" and severity == 3)})
    (row,) = (row for row in judged("C14", one) if row["comparison"].endswith("weather"))
    shift = 0.002 * np.mean([(seed * 7 + 3) % 5 - (seed * 7) % 5 for seed in (1, 2, 3, 4)])
    assert row["measured_value"] == pytest.approx(100 * (0.4 / 20 + shift))


def test_clean_accuracy_is_no_part_of_a_category() -> None:
    clean = rows({**PLAIN, "flexible": lambda name, severity: 0.9 if severity == 0 else 0.5})
    assert all(abs(row["measured_value"]) < 1 for row in judged("C14", clean))


def test_the_least_accurate_is_less_accurate_than_each_of_the_others() -> None:
    """Less than the best of them would be no claim of the worst."""
    between = {"baseline": 0.6, "all": 0.5, "flexible": 0.4}
    words = {row["comparison"]: row["verdict"] for row in judged("C15", rows(between))}
    assert words["all - baseline, blur"] == "reproduced"
    assert words["all - flexible, blur"] == "contradicted"
    assert {row["summary"] for row in judged("C15", rows({**between, "flexible": 0.6}))} == {"reproduced"}


def test_the_gain_under_noise_is_that_of_severity_5() -> None:
    def late(name: str, severity: int) -> float:
        return 0.5 + 0.09 * (CATEGORY_OF.get(name) == "noise" and severity == 5)

    found = judged("C16", rows({**PLAIN, "all": late}))
    assert {row["summary"] for row in found} == {"reproduced"}
    assert all(row["measured_value"] == pytest.approx(9, abs=0.5) for row in found)
    assert judged("C16", rows({**PLAIN, "all": gaining("other", 0.2)}))[0]["summary"] == "contradicted"


def test_a_category_that_was_asked_in_part_is_not_measured() -> None:
    some = rows(PLAIN, names=[name for name in NAMES if name != "fog"])
    words = {row["comparison"]: row for row in judged("C14", some)}
    assert words["flexible - baseline, weather"]["verdict"] == "not measured"
    assert "1 of 4 corruptions were not asked about" in words["flexible - baseline, weather"]["detail"]
    assert words["flexible - baseline, blur"]["verdict"] == "reproduced"


@pytest.mark.parametrize("claim", ["C14", "C15", "C16"])
def test_categories_of_which_no_corruption_was_asked_are_not_measured(claim: str) -> None:
    """As of a protocol that asks about brightness and contrast alone."""
    found = judged(claim, rows(PLAIN, names=["brightness", "contrast"]))
    told = {row["comparison"]: (row["verdict"], row["detail"]) for row in found}
    assert {verdict for verdict, _ in told.values()} == {"not measured"}
    assert any(re.search(r"\b(\d) of \1 corruptions were not asked", detail) for _, detail in told.values())


def test_a_seed_that_lacks_a_corruption_leaves_and_is_named() -> None:
    table = rows(PLAIN)
    gone = (table["seed"] == 2) & (table["series"] == "flexible") & (table["corruption"] == "fog")
    (row,) = (row for row in judged("C14", table[~gone]) if row["comparison"].endswith("weather"))
    assert row["n"] == 3
    assert "seed 2 left out" in row["detail"]


def majority(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The claim that most of the gain is under noise, judged for one of its networks."""
    claims = [claim for claim in load_claims("push-pull") if claim.id == "C06"]
    given = {"baseline": "resnet20", "all": "resnet20-pushpull"}
    named = table[table["series"].isin(given)].replace({"series": given}).assign(figure="pushpull/table3")
    ledger = judge(claims, {"pushpull/table3": named}, "paper", "laptop", classes={"pushpull/table3": [10]})
    return [row for row in ledger if row["comparison"].startswith("resnet20")]


def under_noise(by: float, elsewhere: float = 0.0) -> Level:
    noise = GROUPINGS["push-pull"]["noise"]
    return lambda name, severity: 0.5 + (by if name in noise else elsewhere if severity else 0.0)


def test_the_gain_is_one_under_noise_only_where_noise_makes_up_most_of_it() -> None:
    (alone,) = majority(rows({"baseline": 0.5, "all": under_noise(0.1)}))
    assert alone["verdict"] == "reproduced"
    shift = 0.2 * np.mean([(seed * 7 + 3) % 5 - (seed * 7) % 5 for seed in (1, 2, 3, 4)])
    assert alone["measured_value"] == pytest.approx(10 * 4 / 19 + shift)  # of the mean; its part is as large
    (everywhere,) = majority(rows({"baseline": 0.5, "all": under_noise(0.1, elsewhere=0.1)}))
    assert everywhere["verdict"] == "contradicted"
    # Of noise 4 parts of 10 points, of the others 15 of 2 points: 40 against 30.
    (most,) = majority(rows({"baseline": 0.5, "all": under_noise(0.1, elsewhere=0.02)}))
    assert most["measured_value"] == pytest.approx(10 / 19 + shift * (8 / 19 - 1))


@pytest.mark.parametrize(
    ("noise", "elsewhere", "word", "effect"),
    [
        (0.0, -0.05, "contradicted", -5 * 15 / 19),  # no gain anywhere: noise is where nothing was lost
        (0.1, -0.05, "contradicted", (4 * 10 - 15 * 5) / 19),  # a gain under noise, and more lost elsewhere
        (0.2, -0.02, "reproduced", (4 * 20 - 15 * 2) / 19),  # as much as is left of it in the mean over all
    ],
)
def test_of_a_network_that_gains_nothing_noise_is_no_part_of_a_gain(
    noise: float, elsewhere: float, word: str, effect: float
) -> None:
    (row,) = majority(rows({"baseline": 0.5, "all": under_noise(noise, elsewhere)}))
    shift = 0.2 * np.mean([(seed * 7 + 3) % 5 - (seed * 7) % 5 for seed in (1, 2, 3, 4)])
    assert row["verdict"] == word
    assert row["measured_value"] == pytest.approx(effect + shift)


def test_a_gain_that_is_not_shown_is_not_one_under_noise() -> None:
    """Noise has a part of 2 points more than the rest in every seed, the whole is 1, 1, 1 and -2.5."""
    whole, lead = (np.array(values) for values in ([1.0, 1.0, 1.0, -2.5], [2.0, 2.1, 2.0, 1.9]))
    rule = Rule("category_majority", "severity", (), "greater", "")
    parts = [measured(pd.Series(values), "") for values in (lead, whole)]
    found = weakest(parts, rule)
    assert (found.effect, found.by_seed) == (pytest.approx(0.125), tuple(whole))
    assert (found.low, found.high) == (parts[1].low, parts[0].high)
    assert verdict(found, rule) == "undecided"
    against = replace(rule, direction="less")
    found = weakest(parts, against)
    assert (found.effect, found.high, found.low) == (pytest.approx(2.0), parts[1].high, parts[0].low)
    assert verdict(found, against) == "contradicted"
    alone = weakest([measured(pd.Series([1.0]), ""), parts[0]], rule)
    assert all(map(math.isnan, (alone.low, alone.high)))


def test_under_a_protocol_that_no_range_names_nothing_is_judged() -> None:
    """Without a range of its own it would count clean images among the corrupted ones."""
    table = rows({"resnet20": 0.5, "resnet20-pushpull": under_noise(0.2, 0.2)})
    table = table.assign(figure="pushpull/table3")
    for protocol in ("paper", "corrected"):
        told = {"pushpull/table3": table.assign(protocol=protocol)}
        ledger = judge(load_claims("push-pull"), told, protocol, "laptop")
        named = [row for row in ledger if row["comparison"].startswith("resnet20-pushpull")]
        assert (named == []) is (protocol == "corrected")
        if protocol == "corrected":
            assert {row["verdict"] for row in ledger} == {"not measured"}


def test_synthesised_frost_is_told_where_it_counts() -> None:
    words = {row["comparison"]: row["detail"] for row in judged("C14", rows(PLAIN))}
    assert "with frost_synthetic, no photographs" in words["flexible - baseline, weather"]
    assert "frost" not in words["flexible - baseline, blur"]


def test_the_effects_of_seeds_are_kept_as_they_were_measured() -> None:
    """Of two seeds that disagree a folded distance, or a correlation, has an interval that tells neither."""
    apart = rows({**PLAIN, "all": lambda name, severity: 0.5}, seeds=(1, 2))
    apart.loc[(apart["series"] == "all") & (apart["seed"] == 1), "accuracy"] += 0.05
    for row in judged("C16", apart):
        effects = [float(value) for value in row["by_seed"].split()]
        assert len(effects) == row["n"] == 2
        assert np.mean(effects) == pytest.approx(row["measured_value"])
        assert abs(effects[0] - effects[1]) > 4
    told = rows(
        {**PLAIN, "all": lambda name, severity: 0.5 + 0.1 * NAMES.index(name) / 19 if severity else 0.5},
        seeds=(1, 2),
        fwhm_log=lambda name: 1.0 + (NAMES.index(name) if name in NAMES else 0),
        centroid=lambda name: 1.0 + (NAMES.index(name) if name in NAMES else 0),
    )
    upside = (told["series"] == "all") & (told["seed"] == 2)
    told.loc[upside, "accuracy"] = 1.1 - told.loc[upside, "accuracy"]
    for row in judged("C17", told):
        first, second = (float(value) for value in row["by_seed"].split())
        assert first > 0.9
        assert second < -0.9
        assert "over corruptions [" in row["detail"]
        assert "p = " in row["detail"]


def test_networks_at_chance_can_tell_nothing() -> None:
    for claim in ("C14", "C15", "C16"):
        assert {row["verdict"] for row in judged(claim, rows(dict.fromkeys(PLAIN, 0.1)))} == {"at chance"}
    dead = rows(dict.fromkeys(PLAIN, 0.1), fwhm_log=len, centroid=len)
    assert {row["verdict"] for row in judged("C17", dead)} == {"at chance"}


def fold(name: str) -> float:
    return 0.5 + NAMES.index(name) / 10 if name in NAMES else 1.0


@pytest.mark.parametrize(("sign", "word"), [(1, "reproduced"), (-1, "contradicted")])
def test_a_gain_that_follows_the_bandwidth_and_one_that_shuns_it(sign: int, word: str) -> None:
    def level(name: str, severity: int) -> float:
        return 0.5 + sign * 0.1 * (fold(name) - 1) * (severity == 5)

    table = rows({**PLAIN, "all": level}, fwhm_log=fold, centroid=fold)
    place = table["corruption"].map({name: number for number, name in enumerate(NAMES)}).fillna(0)
    table["accuracy"] += 0.004 * ((table["seed"] * (place + 1)) % 5 - 2)  # seeds do not agree
    found = judged("C17", table)
    assert [row["verdict"] for row in found] == [word, word]
    assert all(row["measured_value"] * sign > 0.9 for row in found)
    assert all(-1 <= row["low"] <= row["high"] <= 1 for row in found)
    assert {row["unit"] for row in found} == {"correlation"}
    assert not any("edge" in row["detail"] for row in found)


def test_a_correlation_has_the_interval_of_its_seeds_by_hand() -> None:
    """Ratios that are the bandwidth's own but for a share of something that has no correlation with it."""
    names = NAMES[:9]
    x = np.arange(-4.0, 5.0)
    other = x**2 - np.mean(x**2)
    other *= np.sqrt(np.sum(x**2) / np.sum(other**2))
    shares = {1: 0.3, 2: 0.6, 3: 0.9}  # so the correlations are 1 / sqrt(1 + share^2)
    found = []
    for series, seed, (name, at) in product(("baseline", "all"), shares, zip(names, range(9), strict=True)):
        gain = 0.02 * (x[at] + shares[seed] * other[at]) if series == "all" else 0.0
        row = {"figure": "fig5b", "protocol": "paper", "series": series, "model": series, "seed": seed}
        row |= {"corruption": name, "severity": 5, "n": 2000, "accuracy": 0.5 * (1 + gain)}
        found.append(row | {"fwhm_log_fold": x[at], "centroid_fold": x[at]})
    row = judged("C17", pd.DataFrame(found))[0]
    z = np.arctanh([1 / math.sqrt(1 + share**2) for share in shares.values()])
    reach = 4.302653 * z.std(ddof=1) / math.sqrt(3)
    expected = np.tanh([z.mean(), z.mean() - reach, z.mean() + reach])
    assert (row["measured_value"], row["low"], row["high"]) == pytest.approx(tuple(expected), abs=1e-6)


def test_widths_that_are_bounds_are_counted_in_the_detail_of_their_measure() -> None:
    table = rows(
        {**PLAIN, "all": lambda name, severity: 0.4 + 0.1 * fold(name)}, fwhm_log=fold, centroid=fold
    )
    bounds = table["corruption"].isin(["snow", "fog"]) & (table["severity"] == 5)
    first, second = judged("C17", table.assign(fwhm_log_edge=bounds.astype(float)))
    assert "of 2 the width is the edge of the spectrum, a bound" in first["detail"]
    assert "edge" not in second["detail"]


def test_each_measure_is_judged_by_its_own_column_and_noise_types_are_told_apart() -> None:
    noises = ("gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise")

    def level(name: str, severity: int) -> float:  # a gain at noise types alone, else against the bandwidth
        return 0.7 if name in noises else 0.5 - 0.03 * fold(name)

    def wide(name: str) -> float:
        return 9.0 if name in noises else fold(name)

    table = rows({**PLAIN, "all": level}, fwhm_log=wide, centroid=lambda name: 1 / wide(name))
    first, second = judged("C17", table)
    assert first["comparison"] == "all - baseline, fwhm_log"
    assert first["measured_value"] > 0.9
    assert "without noise types -1.00" in first["detail"]
    assert second["measured_value"] < -0.5


def test_a_network_that_is_right_about_nothing_leaves_that_corruption_out() -> None:
    def base(name: str, severity: int) -> float:
        return 0.004 if name == "snow" else 0.5

    table = rows({"baseline": base, "flexible": 0.5, "all": lambda name, severity: 0.4 + 0.1 * fold(name)},
                 fwhm_log=fold, centroid=fold)  # fmt: skip
    table["accuracy"] = table["accuracy"].where(
        (table["series"] != "baseline") | (table["corruption"] != "snow"), 0.0
    )
    assert "correlation over 18 corruptions" in judged("C17", table)[0]["detail"]


def test_what_is_left_out_is_named_as_a_corruption_and_not_as_a_severity() -> None:
    """Corruptions stand where other rules have severities, by their places."""
    table = rows(
        {**PLAIN, "all": lambda name, severity: 0.4 + 0.1 * fold(name)}, fwhm_log=fold, centroid=fold
    )
    snow = table["corruption"] == "snow"
    dead = table.assign(accuracy=table["accuracy"].mask(snow, 0.05))
    assert "no network rises above chance there: corruption snow" in judged("C17", dead)[0]["detail"]
    lacking = table[~(snow & (table["seed"] == 2) & (table["series"] == "all") & (table["severity"] == 5))]
    assert "seed 2 left out (all is not complete at corruption snow)" in judged("C17", lacking)[0]["detail"]
    lone = lacking[lacking["seed"] == 2]
    told = judged("C17", lone)[0]
    assert told["verdict"] == "not measured"
    assert "corruption snow" in told["detail"]


def test_a_correlation_heeds_the_conditions_of_its_rule() -> None:
    def level(name: str, severity: int) -> float:
        return 0.4 + 0.1 * fold(name)

    parts = {"a": level, "b": lambda name, severity: 0.9 - 0.1 * fold(name)}
    table = pd.concat(
        rows({"baseline": 0.5, "all": own}, fwhm_log=fold, centroid=fold).assign(filter=name)
        for name, own in parts.items()
    )
    pair = Comparison("all", ("baseline",), measure="centroid")
    for name, sign in (("a", 1), ("b", -1)):
        rule = Rule("bandwidth_correlation", "severity", (pair,), "greater", "", where={"filter": name})
        assert measure(table, rule, pair, Window(at_least=5)).effect * sign > 0.9


def test_rows_without_bandwidths_are_not_measured() -> None:
    assert {row["verdict"] for row in judged("C17", rows(PLAIN))} == {"not measured"}
