import math

import pandas as pd
import pytest

from flexnet.errors import DataError
from flexnet.figures import table2, table2_controls, table2_precision
from flexnet.figures.captions import band_sentence
from flexnet.figures.cells import distance_text
from flexnet.figures.look import journal
from flexnet.figures.order import in_order
from flexnet.figures.registry import body_of
from flexnet.figures.table2_controls import exchange_words

PAPER = {"baseline": (0.80, 0.30), "uniform": (0.79, 0.45), "flexible": (0.78, 0.38), "above": (0.77, 0.05)}
CONTROLS = {
    **PAPER,
    "frozen": (0.78, 0.37),
    "uniform-06": (0.70, 0.40),
    "max": (0.70, 0.45),
    "mine": (0.6, 0.2),
}
LABELS = {"baseline": "Baseline", "uniform": "Uniform", "flexible": "Standard", "above": "Standard reverse"}


def rows_of(figure, levels, seeds=(1, 2, 3), attack=0.1, protocol="paper", **columns):
    """Seeds lie one point apart, the two draws of an attack two points: mean of the level, SEM 1/sqrt(3)."""
    return pd.DataFrame(
        [
            {
                "figure": figure,
                "protocol": protocol,
                "series": series,
                "model": series,
                "seed": seed,
                "intervention": "trained",
                "epsilon": epsilon,
                "draw": draw,
                "n": 10000,
                "correct": 0,
                "accuracy": level + (seed - 2) / 100 + (draw - 0.5) / 50,
                **columns,
            }
            for series, pair in levels.items()
            for seed in seeds
            for epsilon, level in zip((0.0, attack), pair, strict=True)
            for draw in (0, 1)
        ]
    )


@pytest.fixture
def facts(make_facts):
    return lambda **changes: make_facts(**{"labels": LABELS, "network": "the small network", **changes})


@pytest.fixture
def controls():
    plain = rows_of("table2_controls", CONTROLS, max_share=0.4, switching=0.25, threshold_shift=0.0031)
    gateless = plain["series"].isin(["baseline", "max"])
    plain.loc[gateless, ["max_share", "switching", "threshold_shift"]] = math.nan
    exchanged = [
        rows_of(
            "table2_controls", {series: (0.6, 0.2)}, max_share=0.5, switching=0.1, threshold_shift=1.13
        ).assign(intervention=name)
        for series in ("above", "flexible")
        for name in ("shuffled", "normal(-0.5,0.1)")
    ]
    return pd.concat([plain, *exchanged], ignore_index=True)


def cells(figure):
    return {text.get_gid(): text.get_text().replace("\u2007", " ") for text in figure.texts if text.get_gid()}


def line(figure, key, columns=("here", "change", "paper")):
    known = cells(figure)
    return [known[f"{key} {part} {name}"] for part in ("clean", "fgsm") for name in columns]


def words(figure):
    return " ".join(text.get_text() for text in figure.texts)


def test_the_table_is_tidy(facts):
    table = table2.summarise_rows(rows_of("table2", PAPER))
    assert list(table.columns) == [
        "figure", "protocol", "series", "intervention", "epsilon",
        "n", "n_images", "mean", "sem", "low", "high", "by_seed",
        "change", "change_n", "change_sem", "change_low", "change_high", "change_by_seed",
    ]  # fmt: skip
    assert len(table) == 8
    assert table["mean"].iloc[0] == pytest.approx(0.80)
    assert table["sem"].iloc[0] == pytest.approx(0.01 / math.sqrt(3))


def test_exchanged_thresholds_stay_out_of_table_2():
    rows = rows_of("table2", PAPER)
    both = pd.concat([rows, rows.assign(intervention="shuffled", accuracy=0.0)])
    assert table2.summarise_rows(both).equals(table2.summarise_rows(rows))


def test_our_means_stand_beside_the_papers(facts):
    figure = table2.draw(table2.summarise_rows(rows_of("table2", PAPER)), facts())
    assert line(figure, "baseline") == [
        "80.0 ± 0.58", "–", "87.7 ± 0.54", "30.0 ± 0.58", "–", "27.3 ± 0.89",
    ]  # fmt: skip
    assert line(figure, "uniform") == [
        "79.0 ± 0.58", " −1.0", "86.3 ± 0.50", "45.0 ± 0.58", "+15.0", "44.4 ± 0.82",
    ]  # fmt: skip
    assert line(figure, "above")[3:5] == [" 5.0 ± 0.58", "−25.0"]
    assert cells(figure)["above network"] == "Standard reverse"
    assert {"Clean accuracy (%)", "FGSM accuracy (%), ε = 0.1"} <= {text.get_text() for text in figure.texts}
    assert "(n = 3)" in words(figure)
    assert "normalised units" in words(figure)


def test_corrected_shows_intervals_in_pixel_units(facts):
    rows = rows_of("table2", PAPER, attack=0.05, protocol="corrected")
    figure = table2.draw(table2.summarise_rows(rows), facts(protocol="corrected"))
    # t quantile 4.3027 of two degrees of freedom times SEM 0.5774 is 2.48.
    assert line(figure, "baseline")[0] == "80.0 [77.5, 82.5]"
    assert "ε = 0.05" in words(figure)
    assert "pixel units" in words(figure)


def test_one_seed_has_no_error(facts):
    figure = table2.draw(table2.summarise_rows(rows_of("table2", PAPER, seeds=(2,))), facts())
    assert line(figure, "flexible", ["here"]) == ["78.0", "38.0"]
    assert "no error can be given" in words(figure)


def test_what_is_absent_is_blank(facts):
    rows = rows_of("table2", PAPER)
    partial = rows[(rows["series"] != "above") & ((rows["epsilon"] == 0.0) | (rows["series"] != "uniform"))]
    figure = table2.draw(table2.summarise_rows(partial), facts())
    assert line(figure, "above") == ["–", "–", "84.6 ± 0.93", "–", "–", "31.9 ± 1.12"]
    assert line(figure, "uniform", ["here", "change"]) == ["79.0 ± 0.58", " −1.0", "–", "–"]
    clean = table2.draw(table2.summarise_rows(rows[rows["epsilon"] == 0.0]), facts())
    assert line(clean, "baseline", ["here"]) == ["80.0 ± 0.58", "–"]


def test_lines_are_in_the_order_of_the_registry_and_a_series_of_ones_own_has_one(facts):
    rows = rows_of("table2", {**PAPER, "mine": (0.5, 0.1)})
    series = ("above", "mine", "baseline", "flexible", "uniform")
    table = table2.summarise_rows(in_order(rows, series))
    figure = table2.draw(table, facts(series=series))
    order = [gid.removesuffix(" network") for gid in cells(figure) if gid.endswith(" network")]
    assert order == list(dict.fromkeys(table["series"])) == list(series)
    assert line(figure, "mine") == ["50.0 ± 0.58", "−30.0", "–", "10.0 ± 0.58", "−20.0", "–"]


def test_a_demonstration_stands_beside_no_paper(facts):
    table = table2.summarise_rows(rows_of("table2", PAPER))
    figure = table2.draw(table, facts(evidence=False))
    assert line(figure, "uniform", ["here", "change"]) == ["79.0 ± 0.58", " −1.0", "45.0 ± 0.58", "+15.0"]
    assert not [gid for gid in cells(figure) if gid.endswith("paper")]
    text = words(figure) + body_of(table2, table, facts(evidence=False))
    assert not [word for word in ("Paper", "paper,", "87.7", "44.4", "ten initialisations") if word in text]
    with journal():
        boxes = [text.get_window_extent() for text in figure.texts if text.get_text()]
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])


def test_a_protocol_without_rows_is_an_error(facts, controls):
    for module, rows in ((table2, rows_of("table2", PAPER)), (table2_controls, controls)):
        with pytest.raises(DataError, match="rows of protocol 'release'"):
            module.draw(module.summarise_rows(rows), facts(protocol="release"))


def test_markdown_holds_the_same_cells(facts):
    table = table2.summarise_rows(rows_of("table2", PAPER))
    rows = [row.strip("| ").split(" | ") for row in body_of(table2, table, facts()).splitlines()]
    assert rows[0][:3] == ["Network", "Clean accuracy (%), here", "Clean accuracy (%), change"]
    assert rows[2] == [
        "Baseline", "80.0 ± 0.58", "–", "87.7 ± 0.54", "30.0 ± 0.58", "–", "27.3 ± 0.89",
    ]  # fmt: skip
    assert {len(row) for row in rows} == {7}
    assert len(rows) == 6


def test_controls_carry_the_gates_numbers(controls):
    table = table2_controls.summarise_rows(controls)
    assert list(table.columns) == [
        "figure", "protocol", "series", "intervention", "epsilon",
        "n", "n_images", "mean", "sem", "low", "high", "by_seed",
        "max_share", "switching", "threshold_shift",
    ]  # fmt: skip
    found = table.set_index(["series", "intervention", "epsilon"])
    assert found.loc[("flexible", "trained", 0.1), "max_share"] == pytest.approx(0.4)
    assert found.loc[("flexible", "normal(-0.5,0.1)", 0.0), "threshold_shift"] == pytest.approx(1.13)
    assert math.isnan(found.loc[("max", "trained", 0.0), "switching"])
    assert len(table) == 2 * (len(CONTROLS) + 4)


def test_gates_are_averaged_over_seeds_not_repeats(controls):
    rows = controls[(controls["series"] == "frozen") & (controls["epsilon"] == 0.0)].copy()
    rows["max_share"] = rows["seed"] / 10
    rows.loc[rows["draw"] == 1, "max_share"] += 0.02
    assert table2_controls.summarise_rows(rows)["max_share"].tolist() == [pytest.approx(0.21)]
    uneven = rows[~((rows["seed"] == 3) & (rows["draw"] == 1))]
    with pytest.raises(DataError, match="1 of 2 repeats"):
        table2_controls.summarise_rows(uneven)


def test_controls_stand_in_blocks(facts, controls):
    figure = table2_controls.draw(table2_controls.summarise_rows(controls), facts())
    known = cells(figure)
    assert [known[f"frozen {name}"] for name in ("clean", "max_share", "switching", "threshold_shift")] == [
        "78.0 ± 0.58", "40.0", "25.0", "0.00310",
    ]  # fmt: skip
    assert known["baseline max_share"] == "–"
    assert known["flexible normal(-0.5,0.1) network"] == "Standard: N(−0.5, 0.1)"
    order = [gid.removesuffix(" network") for gid in known if gid.endswith(" network")]
    assert order == [
        "baseline", "flexible", "above", "frozen", "max", "mine", "uniform", "uniform-06",
        "above shuffled", "above normal(-0.5,0.1)", "flexible shuffled", "flexible normal(-0.5,0.1)",
    ]  # fmt: skip
    assert "**Thresholds exchanged at test**" in body_of(
        table2_controls, table2_controls.summarise_rows(controls), facts()
    )


def test_an_empty_block_and_absent_gates_are_left_blank(facts):
    rows = rows_of("table2_controls", {"flexible": (0.8, 0.4)})
    figure = table2_controls.draw(table2_controls.summarise_rows(rows), facts())
    assert cells(figure)["flexible max_share"] == "–"
    assert "Uniform thresholds" not in {text.get_text() for text in figure.texts}
    assert "Mean \\|T − T₀\\|" in body_of(table2_controls, table2_controls.summarise_rows(rows), facts())


def test_interventions_are_said_in_words():
    assert [exchange_words(name) for name in ("shuffled", "normal(1,0.1)")] == ["shuffled", "N(1, 0.1)"]


@pytest.mark.parametrize("protocol", ["paper", "corrected"])
def test_no_two_texts_touch_and_none_is_cut(facts, controls, protocol):
    tables = ((table2, rows_of("table2", PAPER)), (table2_controls, controls))
    for module, rows in tables:
        figure = module.draw(module.summarise_rows(rows.assign(protocol=protocol)), facts(protocol=protocol))
        with journal():
            boxes = [text.get_window_extent() for text in figure.texts if text.get_text()]
        assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])
        page = figure.bbox
        assert all(page.x0 <= box.x0 and box.x1 <= page.x1 and box.y0 >= page.y0 for box in boxes)
        assert max(box.y1 for box in boxes) <= page.y1


def test_a_table_says_what_its_errors_are(facts):
    table = table2.summarise_rows(rows_of("table2", PAPER))
    assert band_sentence(table, facts()) == (
        "Means ± the standard error of the mean over training seeds (n = 3)."
    )
    assert band_sentence(table, facts(protocol="corrected")) == (
        "In brackets: the 95 % t interval of the mean over training seeds (n = 3)."
    )


def test_a_change_has_the_uncertainty_of_paired_seeds(facts):
    rows = rows_of("table2", PAPER)
    # Each seed of one network is a point better than the one before, beside what all networks share.
    mine = rows["series"] == "uniform"
    rows.loc[mine, "accuracy"] += (rows.loc[mine, "seed"] - 2) / 100
    table = table2.summarise_rows(rows)
    found = table[(table["series"] == "uniform") & (table["epsilon"] == 0.0)].iloc[0]
    assert found["change_n"] == 3
    assert found["change"] == pytest.approx(-0.01)
    assert found["change_sem"] == pytest.approx(
        0.01 / math.sqrt(3)
    )  # unpaired, it would be sqrt(5) times that
    assert line(table2.draw(table, facts()), "uniform", ["change"])[0] == " −1.0 ± 0.58"
    table = table2.summarise_rows(rows.assign(protocol="corrected"))
    drawn = line(table2.draw(table, facts(protocol="corrected")), "uniform", ["change"])
    assert drawn[0] == " −1.0 [−3.5, +1.5]"


def test_the_units_of_epsilon_stand_beside_the_papers_where_they_differ(facts):
    def heads(protocol, attack, **changes):
        rows = rows_of("table2", PAPER, attack=attack, protocol=protocol)
        figure = table2.draw(table2.summarise_rows(rows), facts(protocol=protocol, **changes))
        return {text.get_text() for text in figure.texts if "ε" in text.get_text()}

    assert heads("paper", 0.1) == {"FGSM accuracy (%), ε = 0.1"}
    assert heads("corrected", 0.05) == {"ε = 0.05, pixels", "ε = 0.1, normalised"}
    assert heads("corrected", 0.1) == {"ε = 0.1, pixels", "ε = 0.1, normalised"}  # equal numbers, other units
    assert heads("paper", 0.2) == {"ε = 0.2, normalised", "ε = 0.1, normalised"}
    assert heads("corrected", 0.05, evidence=False) == {"FGSM accuracy (%), ε = 0.05"}


@pytest.mark.parametrize(
    ("shift", "text"), [(3.5e-4, "0.000350"), (0.003564, "0.00356"), (1.1221, "1.12"), (0.0, "0")]
)
def test_a_distance_has_digits_that_show_whether_thresholds_moved(shift, text):
    assert distance_text(pd.Series({"threshold_shift": shift}), "threshold_shift") == text


def test_thresholds_that_are_never_trained_have_no_distance(facts):
    levels = dict.fromkeys(("flexible", "frozen", "uniform-06", "redrawn"), (0.8, 0.4))
    rows = rows_of("table2_controls", levels, max_share=0.4, switching=0.2, threshold_shift=0.0)
    exchanged = rows[rows["series"] == "frozen"].assign(intervention="redrawn", threshold_shift=1.13)
    schemes = {"frozen": "frozen", "uniform-06": "uniform", "redrawn": "redrawn"}
    each = {name: {"options": {"layer": {"scheme": scheme}}} for name, scheme in schemes.items()}
    each["flexible"] = {"options": {"layer": {"rule": "below"}}}  # learned, as a layer is by default
    labels = {name: name for name in levels}
    table = table2_controls.summarise_rows(pd.concat([rows, exchanged]))
    known = cells(table2_controls.draw(table, facts(labels=labels, each=each)))
    shown = {name: known[f"{name} threshold_shift"] for name in [*levels, "frozen redrawn"]}
    assert shown == {
        "flexible": "0", "frozen": "–", "uniform-06": "–", "redrawn": "–", "frozen redrawn": "1.13",
    }  # fmt: skip


# --- bf16 beside float32 --------------------------------------------------------------------------------

PRECISIONS = {
    "baseline": (0.801, 0.298),
    "baseline-float32": (0.80, 0.30),
    "flexible": (0.70, 0.40),
    "flexible-float32": (0.72, 0.41),
}


def test_each_network_is_compared_with_its_own_twin_in_float32(facts):
    rows = rows_of("table2_precision", PRECISIONS)
    drift = rows["series"].eq("baseline") & rows["epsilon"].eq(0)
    rows.loc[drift, "accuracy"] += (rows.loc[drift, "seed"] - 2) / 100  # seeds lie two points apart there
    table = table2_precision.summarise_rows(rows)
    told = facts(labels={name: name.title() for name in PRECISIONS}, series=list(PRECISIONS))
    lines = [line.strip("| ").split(" | ") for line in table2_precision.body(table, told).splitlines()]
    found = {name: [cell.strip() for cell in cells] for name, *cells in lines if name.title() == name}
    assert found["Baseline"] == ["80.1 ± 1.15", "+0.1 ± 0.58", "29.8 ± 0.58", "−0.2"]
    assert found["Flexible"] == ["70.0 ± 0.58", "−2.0", "40.0 ± 0.58", "−1.0"]
    assert found["Flexible-Float32"][1::2] == ["–", "–"]
    assert len(table) == len(rows) / 6


def test_a_network_without_its_twin_has_no_change(facts):
    table = table2_precision.summarise_rows(rows_of("table2_precision", {"baseline": (0.8, 0.3)}))
    assert table["change"].isna().all()
    assert table["mean"].tolist() == pytest.approx([0.8, 0.3])
