import math
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from matplotlib.colors import same_color

from flexnet.claims.ledger import read_ledger
from flexnet.claims.verdicts import SUMMARIES
from flexnet.errors import DataError
from flexnet.figures.claim_layout import parts_of
from flexnet.figures.claims import body, draw, draw_pages, summarise_rows
from flexnet.figures.look import MM_PER_INCH, PAGE_MM
from flexnet.figures.verdict_marks import COLOURS, MARKERS


def row(name, protocol, word, effect, low, high, **changes):
    known = {
        "id": name,
        "paper": "flexible-layer",
        "protocol": protocol,
        "scale": "demo",
        "title": f"title of {name}",
        "comparison": "flexible - baseline",
        "statement": "",
        "detail": "",
        "paper_value": math.nan,
        "measured_value": effect,
        "unit": "points",
        "low": low,
        "high": high,
        "n": 3,
        "by_seed": "none",
        "claimed_low": 1.0,
        "claimed_high": math.inf,
        "verdict": word,
        "summary": word,
    }
    return {**known, **changes}


PUBLISHED = Path(__file__).parents[2] / "published/laptop/results/claims.csv"
LEDGER = pd.DataFrame(
    [
        row("C05", "paper", "reproduced", 2.0, 1.5, 2.5, paper_value=-1.24),
        row("C05", "corrected", "contradicted", -2.0, -2.5, -1.5, paper_value=-1.24),
        row("C06", "paper", "undecided", 3.0, math.nan, math.nan),
        row("C07", "paper", "not measured", math.nan, math.nan, math.nan, n=0),
    ]
)


def drawn(figure, gid):
    return [line for axes in figure.axes for line in axes.get_lines() if line.get_gid() == gid]


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_only_measured_claims_are_drawn(make_facts):
    assert summarise_rows(LEDGER)["id"].tolist() == ["C05", "C05", "C06"]
    assert not [text for text in texts(draw(LEDGER, make_facts())) if "C07" in text]


def test_effects_intervals_and_paper_values(make_facts):
    figure = draw(summarise_rows(LEDGER), make_facts())
    effects = [line.get_xdata()[0] for line in drawn(figure, "C05") + drawn(figure, "C06")]
    assert effects == [2.0, -2.0, 3.0]
    assert [list(line.get_xdata()) for line in drawn(figure, "interval")] == [[1.5, 2.5], [-2.5, -1.5]]
    assert [line.get_xdata()[0] for line in drawn(figure, "paper")] == [-1.24, -1.24]


def test_verdicts_are_words_and_colours(make_facts):
    figure = draw(LEDGER, make_facts())
    assert {"reproduced", "contradicted", "undecided", "C05", "title of C05"} <= set(texts(figure))
    first, second = drawn(figure, "C05")
    assert same_color(first.get_color(), COLOURS["reproduced"])
    assert same_color(second.get_color(), COLOURS["contradicted"])


def test_the_legend_shows_what_is_drawn_and_the_mark_of_every_verdict(make_facts):
    drawn_things, verdicts = draw(LEDGER, make_facts()).legends
    assert [text.get_text() for text in drawn_things.get_texts()] == [
        "measured, 95 % interval",
        "paper",
        "claimed side",
    ]
    assert {text.get_text() for text in verdicts.get_texts()} == set(SUMMARIES) - {"no evidence"}
    marks = {handle.get_label(): handle.get_marker() for handle in verdicts.legend_handles}
    assert marks == {word: MARKERS[word] for word in marks}
    assert len(set(marks.values())) == len(marks)  # no two verdicts look alike in grey
    assert set(COLOURS) == set(MARKERS) == set(SUMMARIES)


SEVERAL = pd.DataFrame(
    [
        row("C07", "paper", "reproduced", 9.0, 8.0, 10.0, comparison="uniform - baseline", summary="mixed"),
        row(
            "C07", "paper", "contradicted", -9.0, -10.0, -8.0, comparison="above - baseline", summary="mixed"
        ),
        row("C07", "release", "undecided", 2.0, 0.0, 4.0, comparison="uniform - baseline"),
        row("C07", "release", "not measured", *[math.nan] * 3, comparison="above - baseline", n=0),
        row("C09", "paper", "at chance", *[math.nan] * 3),
        row("C10", "paper", "not measured", *[math.nan] * 3, n=0),
    ]
)


def test_every_comparison_of_a_claim_is_drawn_and_named(make_facts):
    figure = draw(SEVERAL, make_facts())
    written = texts(figure)
    for comparison in ("uniform − baseline", "above − baseline", "flexible − baseline"):
        assert written.count(comparison) == 1  # one line for all protocols
    assert [line.get_xdata()[0] for line in drawn(figure, "C07")] == [9.0, -9.0, 2.0]
    assert {"paper protocol", "release protocol", "at chance", "not measured"} <= set(written)
    bold = [text.get_text() for text in figure.axes[0].texts if text.get_fontweight() == "bold"]
    assert bold == ["C07", "mixed", "undecided", "C09"]


def test_a_claim_has_one_axis_under_all_protocols_and_another_than_other_claims(make_facts):
    far = row("C08", "paper", "reproduced", 90.0, 80.0, 100.0)
    first, other, second, third = draw(pd.concat([LEDGER, pd.DataFrame([far])]), make_facts()).axes[1:]
    assert first.get_xlim() == other.get_xlim()  # C05, paper and corrected
    assert first.get_xlim()[1] < 4
    assert third.get_xlim()[1] > 100
    assert second.get_xlim() != first.get_xlim()


def test_dataset_and_number_of_seeds_stand_beside_each_claim(make_facts):
    ledger = LEDGER.assign(dataset=["CIFAR-10", "CIFAR-10", "Fashion-MNIST", "shapes"], n=[3, 10, 2, 0])
    written = texts(draw(ledger, make_facts()))
    assert {"CIFAR-10", "Fashion-MNIST", "3", "10", "2"} <= set(written)
    assert "shapes" not in written


def test_two_seeds_are_dots_and_no_line(make_facts):
    # Seeds at 1 and 3: their mean 2 has a standard error of 1, and a quantile of 12.7062.
    two = row("C05", "paper", "undecided", 2.0, 2 - 12.7062, 2 + 12.7062, n=2, by_seed="3 1")
    figure = draw(pd.DataFrame([two]), make_facts())
    assert drawn(figure, "interval") == []
    assert list(drawn(figure, "seeds")[0].get_xdata()) == pytest.approx([1.0, 3.0], abs=1e-4)
    assert figure.axes[1].get_xlim()[1] < 4
    assert "two training seeds" in [text.get_text() for text in figure.legends[0].get_texts()]
    assert "+2.00 (+1.00, +3.00) points" in body(summarise_rows(pd.DataFrame([two])), make_facts())
    # A distance from a published mean is that of no seed, whatever its interval.
    folded = row("C05", "paper", "undecided", 2.0, 0.0, 14.7, n=2)
    assert "+2.00 points" in body(summarise_rows(pd.DataFrame([folded])), make_facts())


def test_no_interval_reaches_further_than_accuracies_do(make_facts):
    wide = row("C05", "paper", "undecided", 50.0, -160.0, 260.0)
    (line,) = drawn(draw(pd.DataFrame([wide]), make_facts()), "interval")
    assert list(line.get_xdata()) == [-100.0, 100.0]


def test_the_table_in_words_has_a_line_per_comparison(make_facts):
    table = summarise_rows(pd.concat([LEDGER, SEVERAL]).assign(statement="they win.", detail="a - b"))
    lines = [line.strip("| ").split(" | ") for line in body(table, make_facts()).splitlines()]
    assert lines[0] == [
        "Comparison", "Protocol", "Seeds", "Measured", "Claimed", "Paper", "Verdict", "What was compared",
    ]  # fmt: skip
    assert len(lines) == 2 + table["id"].nunique() + len(table)
    assert lines[3] == [
        "flexible − baseline", "paper", "3", "+2.00 [+1.50, +2.50] points", "above +1.00 points",
        "−1.24 points", "reproduced", "a − b",
    ]  # fmt: skip
    assert ["contradicted (claim: mixed)" in line for line in lines].count(True) == 1
    shown = body(table, make_facts(evidence=False))
    assert not [word for word in ("Verdict", "Paper", "Claimed", "−1.24") if word in shown]


def test_a_claim_at_chance_is_shown_without_an_effect(make_facts):
    assert summarise_rows(SEVERAL)["id"].tolist() == ["C07"] * 4 + ["C09"]
    figure = draw(SEVERAL[SEVERAL["id"] == "C09"], make_facts())
    assert drawn(figure, "C09") == []
    assert "at chance" in texts(figure)


def test_a_demonstration_has_effects_but_no_verdicts_and_no_paper(make_facts):
    ledger = LEDGER.assign(verdict="no evidence", summary="no evidence")
    figure = draw(ledger, make_facts(evidence=False))
    assert [line.get_xdata()[0] for line in drawn(figure, "C05") + drawn(figure, "C06")] == [2.0, -2.0, 3.0]
    assert drawn(figure, "paper") == []
    assert not set(SUMMARIES) & set(texts(figure))
    floor = row("C09", "paper", "no evidence", *[math.nan] * 3)
    assert "at chance" in texts(draw(pd.DataFrame([floor]), make_facts(evidence=False)))
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["measured, 95 % interval"]
    assert "a demonstration" in " ".join(texts(figure))


def test_nothing_is_cut_and_no_two_texts_touch(make_facts, text_faults):
    assert text_faults(draw(pd.concat([LEDGER, SEVERAL]), make_facts())) == []


def test_the_published_claims_fit_pages(make_facts, text_faults):
    ledger = read_ledger(PUBLISHED).assign(dataset="Fashion-MNIST")
    pages = draw_pages(ledger, make_facts(scale="laptop"))
    assert len(pages) == 4
    heights = [figure.get_size_inches()[1] for figure in pages]
    assert min(heights) > 0.6 * max(heights)
    for figure in pages:
        width, height = (side * MM_PER_INCH for side in figure.get_size_inches())
        assert width <= PAGE_MM + 0.01
        assert height <= 297 - 2 * 25
        assert text_faults(figure) == []
        assert min(text.get_fontsize() for text in figure.axes[0].texts) >= 5.5


@pytest.mark.parametrize(
    ("heights", "room", "expected"),
    [
        ([4, 4, 4, 1], 12, [[4, 4], [4, 1]]),  # and not a page for the last alone
        ([4, 4, 4], 12, [[4, 4, 4]]),
        ([5, 1, 1, 1], 7, [[5], [1, 1, 1]]),
        ([1, 20, 1], 12, [[1], [20], [1]]),  # one that no page holds
        ([3], 1, [[3]]),
    ],
)
def test_pages_are_few_and_about_equally_full(heights, room, expected):
    blocks = [SimpleNamespace(height=float(height)) for height in heights]
    assert [[block.height for block in part] for part in parts_of(blocks, room)] == expected


def test_the_claimed_side_is_shaded_to_the_border(make_facts):
    axes = draw(LEDGER, make_facts()).axes[1]
    (shade,) = [patch for patch in axes.patches if patch.get_gid() == "claimed"]
    box = shade.get_path().get_extents(shade.get_patch_transform())
    assert (box.x0, box.x1) == (1.0, pytest.approx(axes.get_xlim()[1]))


def test_another_unit_than_points_is_said(make_facts):
    other = row("C17", "paper", "reproduced", 0.8, 0.6, 0.9, unit="correlation", claimed_low=0.0)
    assert "correlation" in texts(draw(pd.concat([LEDGER, pd.DataFrame([other])]), make_facts()))


def test_the_same_id_of_two_papers_stays_apart(make_facts):
    both = pd.concat(
        [LEDGER, pd.DataFrame([row("C05", "paper", "reproduced", 5.0, 4.0, 6.0, paper="push-pull")])]
    )
    figure = draw(both, make_facts())
    headings = [text for text in texts(figure) if "C05" in text and "title" not in text]
    assert headings == ["flexible-layer  C05", "push-pull  C05"]
    (theirs,) = drawn(figure, "push-pull  C05")
    assert theirs.get_xdata()[0] == 5.0
    assert "C05" in texts(draw(LEDGER, make_facts()))  # of one paper, the id is enough


def test_nothing_measured_is_an_error():
    with pytest.raises(DataError, match="at least one measured claim; got none"):
        summarise_rows(LEDGER[LEDGER["verdict"] == "not measured"])


def test_many_claims_take_several_pages_each_of_which_stands_alone(make_facts):
    many = pd.DataFrame(
        [row(f"C{number:02}", "paper", "undecided", 1.0, 0.5, 1.5) for number in range(1, 41)]
    )
    pages = draw_pages(many, make_facts())
    assert len(pages) == 3
    shown = [[text for text in texts(page) if text in set(many["id"])] for page in pages]
    assert [label for page in shown for label in page] == many["id"].tolist()  # each once, in their order
    for page in pages:
        assert page.get_figheight() * MM_PER_INCH <= 297 - 2 * 25
        assert "paper protocol" in texts(page)
        assert len(page.legends) == 2
    assert len(draw_pages(LEDGER, make_facts())) == 1
    whole = draw(many, make_facts())
    assert [text for text in texts(whole) if text in set(many["id"])] == many["id"].tolist()


def test_a_claim_that_fills_more_than_a_page_has_one_of_its_own(make_facts):
    wide = [
        row("C01", "paper", "undecided", 1.0, 0.5, 1.5, comparison=f"one {n} - another") for n in range(90)
    ]
    table = pd.DataFrame(
        [
            *wide,
            row("C02", "paper", "undecided", 1.0, 0.5, 1.5),
            row("C03", "paper", "undecided", 1.0, 0.5, 1.5),
        ]
    )
    pages = draw_pages(table, make_facts())
    assert [[text for text in texts(page) if text in ("C01", "C02", "C03")] for page in pages] == [
        ["C01"],
        ["C02", "C03"],
    ]
