import math

import pandas as pd
import pytest
from matplotlib.colors import same_color

from flexnet.claims.verdicts import SUMMARIES
from flexnet.errors import DataError
from flexnet.figures.claims import VERDICT_COLOURS, draw, summarise_rows
from flexnet.figures.look import journal


def row(name, protocol, word, effect, low, high, **changes):
    known = {
        "id": name,
        "paper": "flexible-layer",
        "protocol": protocol,
        "scale": "demo",
        "title": f"title of {name}",
        "comparison": "flexible - baseline",
        "paper_value": math.nan,
        "measured_value": effect,
        "unit": "points",
        "low": low,
        "high": high,
        "n": 3,
        "claimed_low": 1.0,
        "claimed_high": math.inf,
        "verdict": word,
        "summary": word,
    }
    return {**known, **changes}


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
    assert {"reproduced", "contradicted", "undecided", "C05  title of C05"} <= set(texts(figure))
    first, second = drawn(figure, "C05")
    assert same_color(first.get_color(), VERDICT_COLOURS["reproduced"])
    assert same_color(second.get_color(), VERDICT_COLOURS["contradicted"])
    legend = {text.get_text() for text in figure.legends[0].get_texts()}
    assert legend == {"measured, 95 %", "paper", "claimed side", *SUMMARIES} - {"no evidence"}


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
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == [
        "uniform - baseline   paper",
        "above - baseline   paper",
        "uniform - baseline   release",
        "above - baseline   release",
        "flexible - baseline   paper",
    ]
    assert [line.get_xdata()[0] for line in drawn(figure, "C07")] == [9.0, -9.0, 2.0]
    assert {"claim: mixed", "claim: undecided", "at chance", "not measured"} <= set(texts(figure))
    assert "claim: at chance" not in texts(figure)


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
    assert set(texts(figure)) == {"C05  title of C05", "C06  title of C06"}
    floor = row("C09", "paper", "no evidence", *[math.nan] * 3)
    assert "at chance" in texts(draw(pd.DataFrame([floor]), make_facts(evidence=False)))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["measured, 95 %"]
    assert "a demonstration" in figure.axes[0].get_title(loc="right")


def test_nothing_is_cut_and_no_two_texts_touch(make_facts):
    figure = draw(pd.concat([LEDGER, SEVERAL]), make_facts())
    with journal():
        figure.draw_without_rendering()
        boxes = [text.get_window_extent() for axes in figure.axes for text in axes.texts]
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])
    ink, page = figure.get_tightbbox(), figure.bbox_inches
    assert min(ink.x0, ink.y0, page.x1 - ink.x1, page.y1 - ink.y1) > -0.005


def test_the_claimed_side_is_shaded_to_the_border(make_facts):
    axes = draw(LEDGER, make_facts()).axes[0]
    shade = axes.collections[0].get_paths()[0].get_extents()
    assert (shade.x0, shade.x1) == (1.0, pytest.approx(axes.get_xlim()[1]))


def test_each_unit_has_a_panel(make_facts):
    other = row("C17", "paper", "reproduced", 0.8, 0.6, 0.9, unit="correlation", claimed_low=0.0)
    figure = draw(pd.concat([LEDGER, pd.DataFrame([other])]), make_facts())
    assert [axes.get_xlabel() for axes in figure.axes] == [
        "Accuracy difference (percentage points)",
        "Effect (correlation)",
    ]


def test_the_same_id_of_two_papers_stays_apart(make_facts):
    both = pd.concat(
        [LEDGER, pd.DataFrame([row("C05", "paper", "reproduced", 5.0, 4.0, 6.0, paper="push-pull")])]
    )
    figure = draw(both, make_facts())
    headings = [text for text in texts(figure) if "title of C05" in text]
    assert headings == ["flexible-layer  C05  title of C05", "push-pull  C05  title of C05"]
    (theirs,) = drawn(figure, "push-pull  C05")
    assert theirs.get_xdata()[0] == 5.0
    assert "C05  title of C05" in texts(draw(LEDGER, make_facts()))  # of one paper, the id is enough


def test_nothing_measured_is_an_error():
    with pytest.raises(DataError, match="at least one measured claim; got none"):
        summarise_rows(LEDGER[LEDGER["verdict"] == "not measured"])
