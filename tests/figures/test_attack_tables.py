"""Table 3, what the suite leaves, and the page of an audit: every number in its cell."""

import json

import pandas as pd
import pytest
from matplotlib.text import Text

from flexnet.audit import RULES
from flexnet.errors import DataError
from flexnet.figures import audit, table3, table3_suite
from flexnet.figures.auditing import WORDS, together

LABELS = {"baseline": "Baseline", "flexible": "Flexible", "random": "Random"}
NUMBERS = {"n": 1000, "correct": 0, "figure": "f"}


@pytest.fixture
def facts(make_facts):
    return lambda **changes: make_facts(**{"labels": LABELS, "series": list(LABELS), **changes})


def cells(module, rows, facts):
    """Cells of the table in Markdown, by block and name of the line."""
    lines = module.body(module.summarise_rows(rows), facts).splitlines()
    found, block = {}, ""
    for line in lines:
        name, *rest = [cell.strip() for cell in line.strip("|").split("|")]
        if name.startswith("**"):
            block = name.strip("*")
        else:
            found[block, name] = rest
    return found


def pgd_rows(protocol="paper", epsilon=0.031, scorings=("last",), steps=(20,), clamp=True, seeds=(1, 2, 3)):
    """The mean of an attack tells which it is; seeds lie a point apart, repeats two."""
    levels = {"none": 0.9, "clamp": 0.6, "white": 0.3, "black": 0.5}
    told = {"none": [("last", 0.0, 0)], "clamp": [("last", 0.0, 0)] * clamp}
    told |= {key: [(name, epsilon, n) for name in scorings for n in steps] for key in ("white", "black")}
    return pd.DataFrame([
        {**NUMBERS, "protocol": protocol, "series": series, "model": series, "seed": seed, "attack": attack,
         "scoring": scoring, "epsilon": size, "steps": n, "draw": draw,
         "accuracy": level + place / 20 + (seed - 2) / 100 + (draw - 0.5) / 50
         - (scoring == "worst") / 10 - n / 1000}
        for place, series in enumerate(("baseline", "flexible"))
        for seed in seeds
        for attack, level in levels.items()
        for scoring, size, n in told[attack]
        for draw in (0, 1)
    ])  # fmt: skip


def test_the_papers_numbers_stand_beside_ours(facts):
    found = cells(table3, pgd_rows(), facts())
    (block,) = {block for block, _ in found} - {""}
    assert block == "ε = 0.031 in normalised units, 20 steps, last iterate"
    assert found[block, "Baseline"] == [
        *("90.0 ± 0.58", "91.4", "60.0 ± 0.58", "28.0 ± 0.58", "–", "24.8", "48.0 ± 0.58", "60.2")
    ]
    assert found[block, "Flexible"] == [
        *("95.0 ± 0.58", "90.2", "65.0 ± 0.58", "33.0 ± 0.58", "+5.0", "33.6", "53.0 ± 0.58", "60.4")
    ]
    assert found[block, "Random"] == ["–"] * 8


def test_each_attack_has_its_block_and_the_papers_number_stands_at_its_own(facts):
    rows = pgd_rows("corrected", 8 / 255, ("last", "worst"), (20, 100), clamp=False)
    found = cells(table3, rows, facts(protocol="corrected"))
    blocks = [block for block, name in found if name == "Baseline"]
    assert blocks == [
        f"ε = 8/255, {steps} steps, {scoring} iterate" for scoring in ("last", "worst") for steps in (20, 100)
    ]
    white = {block: found[block, "Baseline"][2].split(" ")[0] for block in blocks}
    assert list(white.values()) == ["28.0", "20.0", "18.0", "10.0"]
    paper = [found[block, "Baseline"][4] for block in blocks]
    assert paper == ["24.8", "–", "–", "–"]
    assert "[" in found[blocks[0], "Baseline"][0]


def test_a_demonstration_shows_no_number_of_the_paper(facts):
    text = table3.body(table3.summarise_rows(pgd_rows()), facts(evidence=False))
    assert "24.8" not in text
    assert "paper" not in text


def suite_rows(left, **more):
    """What each attack leaves of each series, in one ball."""
    return pd.DataFrame([
        {**NUMBERS, "protocol": "corrected", "series": series, "model": series, "seed": seed,
         "attack": attack, "norm": norm, "epsilon": size, "accuracy": level + seed / 100,
         "uncertain": 0.25 if series == "random" and place == len(attacks) - 1 else float("nan")}
        for series, attacks in left.items()
        for seed in (1, 2, 3)
        for norm, size in more.get("balls", [("linf", 8 / 255)])
        for place, (attack, level) in enumerate(attacks.items())
        if attack != "none" or (norm, size) == more.get("balls", [("linf", 8 / 255)])[0]
    ]).assign(epsilon=lambda rows: rows["epsilon"].where(rows["attack"] != "none", 0.0))  # fmt: skip


def test_what_each_attack_of_the_suite_leaves(facts):
    left = {
        "baseline": {"none": 0.9, "apgd-ce": 0.5, "apgd-t": 0.3, "square": 0.2},
        "random": {"none": 0.8, "apgd-ce": 0.4, "apgd-margin": 0.1},
    }
    rows = suite_rows(left, balls=[("linf", 8 / 255), ("l2", 0.5)])
    found = cells(table3_suite, rows, facts(protocol="corrected"))
    first, second = dict.fromkeys(block for block, _ in found if block)
    assert first == "ε = 8/255, largest change of a value (Linf)"
    assert second == "ε = 0.5 of pixels, root of the summed squares (L2)"
    clean, ce, margin, targeted, square, everything, is_open = found[first, "Baseline"]
    assert (ce, margin, targeted) == ("52.0 [49.5, 54.5]", "–", "32.0 [29.5, 34.5]")
    assert (square, is_open) == ("22.0 [19.5, 24.5]", "–")
    assert (clean[:4], everything) == ("92.0", square)
    assert found[second, "Random"][1:5] == ["42.0 [39.5, 44.5]", "12.0 [9.5, 14.5]", "–", "–"]
    assert found[second, "Random"][5][:4] == "12.0"
    assert found[second, "Random"][6] == "25.0"


def audit_rows(shares, seeds=(1,), standing=900):
    """Findings of a series: share of each check by seed; None where a check does not apply."""
    rows = []
    for series, found in shares.items():
        for place, seed in enumerate(seeds):
            told = {"clean": 950, "reference": standing, **dict.fromkeys(found, standing)}
            for check, correct in told.items():
                share = found.get(check, [None] * len(seeds))[place]
                evidence = {"chance": [0.1]} if check == "clean" else {"seed": [seed]}
                rows.append({
                    "figure": "audit", "protocol": "paper", "series": series, "model": series, "seed": seed,
                    "check": check, "epsilon": 0.1, "n": 1000, "correct": correct, "accuracy": correct / 1000,
                    "share": float("nan") if share is None else share, "evidence": json.dumps(evidence),
                })  # fmt: skip
    return pd.DataFrame(rows)


def test_the_page_has_a_verdict_what_withstood_and_every_check(facts):
    shares = {
        "baseline": {"noise": [0.05], "transfer": [None], "steps": [0.01]},
        "flexible": {"noise": [0.051], "transfer": [0.0], "steps": [0.01]},
        "random": {"noise": [0.0], "transfer": [0.0], "steps": [0.5]},
    }
    found = cells(audit, audit_rows(shares), facts())
    assert found["", "Verdict"] == ["robust", "masked", "undecided"]
    assert found["", "Right, no attack (%)"] == ["95.0"] * 3
    assert found["", "Right, everything (%)"] == ["90.0"] * 3
    masked, undecided = "Share in % (at most), else masked", "Share in % (at most), else undecided"
    assert found[masked, "Only random noise fools (5)"] == ["5.0", "5.1 ✗", "0.0"]
    assert found[masked, "Only another's gradient fools (5)"] == ["–", "0.0", "0.0"]
    assert found[undecided, "Lost with twice the steps (5)"] == ["1.0", "1.0", "50.0 ✗"]


def test_seeds_that_disagree_are_undecided_and_the_worst_is_shown(facts):
    rows = audit_rows({"baseline": {"noise": [0.0, 0.4, 0.1]}}, seeds=(1, 2, 3))
    table = audit.summarise_rows(rows)
    row = table[table["check"] == "noise"].iloc[0]
    assert (row["share"], row["threshold"], row["failed"], row["verdict"]) == (0.4, 0.05, 2, "undecided")
    assert row["verdicts"] == "2 masked, 1 robust"
    assert json.loads(row["evidence"]) == {"seed": [2]}
    assert together({"masked": 3}) == "masked"
    texts = " ".join(text.get_text() for text in audit.draw(table, facts()).texts)
    assert "Seeds that differ: Baseline: 2 masked, 1 robust." in texts
    assert RULES["noise"].means.split(":")[0] in texts


def test_the_page_says_how_far_attacks_went_and_what_was_not_asked(facts):
    rows = audit_rows({"baseline": {key: [0.0] for key in RULES}}).assign(protocol="corrected")
    texts = {}
    for name, part in {"all": rows, "some": rows[rows["check"] != "suite"]}.items():
        figure = audit.draw(audit.summarise_rows(part), facts(protocol="corrected"))
        texts[name] = " ".join(text.get_text() for text in figure.texts)
        assert "Attacks: ε = 0.1 of pixels." in texts[name]
    assert "Not asked here, so that robust says less: Only the standard suite fools." in texts["some"]
    assert "Not asked" not in texts["all"]


def test_a_network_that_nothing_withstands_is_undecided(facts):
    found = cells(audit, audit_rows({"baseline": {"noise": [0.0]}}, standing=110), facts())
    assert found["", "Verdict"][0] == "undecided"


def test_every_check_has_its_words_and_rows_of_no_audit_are_refused():
    assert list(WORDS) == list(RULES)
    rows = audit_rows({"baseline": {"noise": [0.0]}})
    with pytest.raises(DataError, match="expected clean, reference and checks among"):
        audit.summarise_rows(rows[rows["check"] != "clean"])


# --- the curves of an audit ------------------------------------------------------------------------------


def swept_rows(accuracies, **at):
    """An audit whose sweep left these accuracies, by series and seed."""
    found = []
    for series, seeds in accuracies.items():
        rows = audit_rows({series: {check: [0.0] * len(seeds) for check in at}}, seeds=tuple(seeds))
        for row in rows.itertuples():
            told = {row.check: at[row.check], "accuracy": seeds[row.seed]} if row.check in at else None
            rows.loc[row.Index, "evidence"] = json.dumps(told) if told else row.evidence
        found.append(rows)
    return pd.concat(found, ignore_index=True)


ACCURACIES = {"baseline": {1: [0.8, 0.4, 0.2], 2: [0.6, 0.4, 0.0]}, "random": {1: [0.5, 0.5, 0.5]}}


def test_sweeps_are_curves_in_the_columns_of_their_networks(facts, text_faults):
    """Means with each seed beside them; what was swept stands at the left, not the thresholds of others."""
    table = audit.summarise_rows(swept_rows(ACCURACIES, steps=[5, 10, 20], noise=[1, 2, 3]))
    figure = audit.draw(table, facts())
    assert len(figure.axes) == 2
    heads = {text.get_text(): text.get_position()[0] for text in figure.texts}
    assert "5, 10, 20 steps" in heads
    for axes, (series, label) in zip(
        figure.axes, (("baseline", "Baseline"), ("random", "Random")), strict=True
    ):
        assert axes.get_position().x0 == pytest.approx(heads[label])
        (mean,) = (line for line in axes.get_lines() if line.get_gid() == series)
        seeds = [list(line.get_ydata()) for line in axes.get_lines() if line.get_gid() == f"{series} seed"]
        expected = {"baseline": [70, 40, 10], "random": [50, 50, 50]}[series]
        assert list(mean.get_ydata()) == pytest.approx(expected)
        assert [value for seed in seeds for value in seed] == pytest.approx(
            [80, 40, 20, 60, 40, 0] if series == "baseline" else []
        )
        assert axes.get_ylim() == (0.0, 100.0)
    assert text_faults(figure) == []


def test_curves_stand_below_each_other_in_their_own_lines_and_cover_no_text(facts):
    table = audit.summarise_rows(swept_rows(ACCURACIES, steps=[5, 10, 20], epsilon=[0.1, 0.2, 1.0]))
    figure = audit.draw(table, facts())
    first, second = (axes.get_position() for axes in (figure.axes[0], figure.axes[2]))
    assert second.y1 < first.y0
    for axes, words in ((figure.axes[0], "5, 10, 20 steps"), (figure.axes[2], "ε, 2 ε, whole range")):
        (height,) = (text.get_position()[1] for text in figure.texts if text.get_text() == words)
        assert axes.get_position().y0 < height < axes.get_position().y1
    for text in filter(Text.get_text, figure.texts):
        x, y = text.get_position()
        assert not any(axes.get_position().contains(x, y) for axes in figure.axes), text


def test_a_table_as_it_is_read_has_the_numbers_of_the_curves(facts, tmp_path):
    table = audit.summarise_rows(swept_rows(ACCURACIES, restarts=[1, 2, 4], noise=[1, 2, 3]))
    table.to_csv(tmp_path / "table.csv", index=False)
    text = audit.body(pd.read_csv(tmp_path / "table.csv"), facts())
    assert "| 1, 2, 4 restarts | 70, 40, 10 | – | 50, 50, 50 |" in text
    assert len(audit.draw(pd.read_csv(tmp_path / "table.csv"), facts()).axes) == 2


def test_sweeps_of_other_places_have_no_mean_and_no_line_in_common(facts):
    """A third of the restarts for one network, or for one of its seeds, would stand under a wrong number."""
    whole, short = ({name: ACCURACIES[name]} for name in ("baseline", "random"))
    other = swept_rows(short, restarts=[1, 2, 3])
    table = audit.summarise_rows(pd.concat([swept_rows(whole, restarts=[1, 2, 4]), other]))
    for show in (audit.draw, audit.body):
        with pytest.raises(DataError, match=r"all networks .* places; got \[1, 2, 4\] and \[1, 2, 3\]"):
            show(table, facts())
    seeds = swept_rows(whole, restarts=[1, 2, 4])
    last = (seeds["check"] == "restarts") & (seeds["seed"] == 2)
    seeds.loc[last, "evidence"] = json.dumps({"restarts": [1, 2, 3], "accuracy": [0.6, 0.4, 0.0]})
    with pytest.raises(DataError, match="all training seeds swept at the same places"):
        audit.summarise_rows(seeds)


def test_an_audit_without_sweeps_has_no_curves(facts):
    table = audit.summarise_rows(audit_rows({"baseline": {"noise": [0.0]}}))
    assert audit.draw(table, facts()).axes == []
    assert "Right in %" not in audit.body(table, facts())
