import math

import numpy as np
import pytest
from matplotlib.colors import same_color

from flexnet.errors import DataError
from flexnet.figures import fig4b, fig4c, fig4d
from flexnet.figures.look import journal
from flexnet.figures.palette import style_of

MAIN = ["baseline", "flexible", "random"]
SEM = 2 / math.sqrt(3)  # in points, of the seeds of these rows


def lines(figure):
    return {line.get_gid(): line for line in figure.axes[0].get_lines() if line.get_gid() in MAIN}


def bands(figure):
    drawn = {artist.get_gid(): artist for artist in figure.axes[0].collections}
    return {name: drawn[f"{name} band"] for name in MAIN if f"{name} band" in drawn}


def labels(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def texts(figure):
    return " ".join(text.get_text() for text in figure.axes[0].texts)


def test_learning_table_holds_the_test_split_only(history_rows):
    table = fig4b.summarise_rows(history_rows)
    assert list(table.columns) == [
        "figure", "protocol", "series", "epoch", "n", "n_images", "mean", "sem", "low", "high", "by_seed",
    ]  # fmt: skip
    row = table[(table["series"] == "flexible") & (table["epoch"] == 3)].iloc[0]
    assert (row["n"], row["n_images"], row["by_seed"]) == (3, 500, "0.48 0.5 0.52")
    assert row["mean"] == pytest.approx(0.5)
    assert row["sem"] == pytest.approx(0.02 / math.sqrt(3))


@pytest.mark.parametrize("module", [fig4b, fig4c])
def test_learning_curves_show_the_table(module, history_rows, make_facts):
    figure = module.draw(module.summarise_rows(history_rows), make_facts())
    line = lines(figure)["random"]
    assert line.get_xdata().tolist() == [1, 2, 3]
    assert line.get_ydata().tolist() == pytest.approx([20.0, 30.0, 40.0])
    assert list(lines(figure)) == MAIN
    assert labels(figure) == ["Baseline", "Flexible, learned", "Flexible, random"]
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Epoch", "Test accuracy (%)")


def test_bands_are_sem_or_interval_by_protocol(history_rows, make_facts):
    table = fig4b.summarise_rows(history_rows)
    box = bands(fig4b.draw(table, make_facts()))["baseline"].get_paths()[0].get_extents()
    assert (box.y0, box.y1) == pytest.approx((40 - SEM, 60 + SEM))
    corrected = fig4b.draw(table.assign(protocol="corrected"), make_facts(protocol="corrected"))
    box = bands(corrected)["baseline"].get_paths()[0].get_extents()
    assert (box.y0, box.y1) == pytest.approx((40 - 4.30265 * SEM, 60 + 4.30265 * SEM), abs=1e-3)


def test_one_seed_has_no_band(history_rows, fgsm_rows, make_facts):
    history = fig4b.summarise_rows(history_rows[history_rows["seed"] == 1])
    assert bands(fig4b.draw(history, make_facts())) == {}
    attack = fig4d.summarise_rows(fgsm_rows[fgsm_rows["seed"] == 1])
    assert bands(fig4d.draw(attack, make_facts())) == {}


def test_attack_curves_show_the_table(fgsm_rows, make_facts):
    figure = fig4d.draw(fig4d.summarise_rows(fgsm_rows), make_facts())
    line = lines(figure)["baseline"]
    assert line.get_xdata().tolist() == [0.0, 0.2, 0.4, 1.0]
    assert line.get_ydata().tolist() == pytest.approx([70.0, 64.0, 58.0, 40.0])
    bar = bands(figure)["baseline"].get_segments()[0]
    assert bar[:, 1].tolist() == pytest.approx([70 - SEM, 70 + SEM])
    axes = figure.axes[0]
    assert axes.get_ylabel() == "Test accuracy (%)"
    assert "normalised units" in axes.get_xlabel()


def test_chance_and_the_papers_crossing_are_marked(fgsm_rows, make_facts):
    figure = fig4d.draw(fig4d.summarise_rows(fgsm_rows), make_facts(classes=8))
    marks = {line.get_gid(): line for line in figure.axes[0].get_lines()}
    assert set(marks["chance"].get_ydata()) == {12.5}
    assert set(marks["crossing"].get_xdata()) == {0.22}
    assert "chance" in texts(figure)
    assert "paper's crossing, 0.22" in texts(figure)


def test_a_demonstration_shows_no_crossing_of_the_paper(fgsm_rows, make_facts):
    figure = fig4d.draw(fig4d.summarise_rows(fgsm_rows), make_facts(evidence=False))
    assert "crossing" not in {line.get_gid() for line in figure.axes[0].get_lines()}
    assert "paper" not in texts(figure)
    assert "chance" in texts(figure)


def test_pixel_units_have_an_axis_of_their_own(fgsm_rows, make_facts):
    figure = fig4d.draw(fig4d.summarise_rows(fgsm_rows), make_facts(protocol="corrected"))
    axes = figure.axes[0]
    assert lines(figure)["random"].get_xdata().tolist() == [0.0, 1 / 255, 16 / 255, 1.0]
    assert "pixel units" in axes.get_xlabel()
    assert axes.get_xscale() == "symlog"
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "0",
        "1/255",
        "4/255",
        "16/255",
        "0.25",
        "1",
    ]
    assert "crossing" not in texts(figure)


@pytest.mark.parametrize(("protocol", "start"), [("paper", 0.05), ("corrected", 1 / 255)])
def test_an_axis_is_linear_up_to_its_first_tick(fgsm_rows, make_facts, protocol, start):
    figure = fig4d.draw(fig4d.summarise_rows(fgsm_rows), make_facts(protocol=protocol))
    axis = figure.axes[0].xaxis
    assert axis.get_transform().linthresh == start
    assert axis.get_majorticklocs()[1] == start


def test_a_series_looks_the_same_in_every_figure(history_rows, fgsm_rows, make_facts):
    figures = [
        fig4b.draw(fig4b.summarise_rows(history_rows), make_facts()),
        fig4c.draw(fig4c.summarise_rows(history_rows), make_facts()),
        fig4d.draw(fig4d.summarise_rows(fgsm_rows), make_facts()),
    ]
    for series in MAIN:
        drawn = [lines(figure)[series] for figure in figures]
        assert all(same_color(line.get_color(), style_of(series).colour) for line in drawn)
        assert {line.get_marker() for line in drawn} == {style_of(series).marker}


def test_own_series_of_one_figure_can_be_told_apart(fgsm_rows, make_facts):
    own = {"baseline": "plain", "flexible": "plain-divisive"}  # which alone look the same
    rows, labels = fgsm_rows.replace({"series": own, "model": own}), {name: name for name in own.values()}
    figure = fig4d.draw(fig4d.summarise_rows(rows), make_facts(labels={**labels, "random": "random"}))
    shown = {line.get_gid(): line for line in figure.axes[0].get_lines() if line.get_gid() in labels}
    plain, divisive = (shown[name] for name in own.values())
    assert not same_color(plain.get_color(), divisive.get_color())
    assert plain.get_marker() != divisive.get_marker()


def test_nothing_is_clipped_and_the_legend_covers_no_axes(fgsm_rows, history_rows, make_facts):
    long = {name: f"{name} with a long label" for name in MAIN}
    for facts in (make_facts(), make_facts(labels=long)):
        for module, rows in ((fig4b, history_rows), (fig4d, fgsm_rows)):
            figure = module.draw(module.summarise_rows(rows), facts)
            with journal():
                figure.draw_without_rendering()
            legend = figure.legends[0].get_window_extent()
            ink, page = figure.get_tightbbox(), figure.bbox_inches
            assert min(ink.x0, ink.y0, page.x1 - ink.x1, page.y1 - ink.y1) > -0.005
            assert legend.y0 >= figure.axes[0].get_window_extent().y1
            assert figure.bbox_inches.width == pytest.approx(85 / 25.4)


def test_absent_rows_are_said(history_rows, fgsm_rows, make_facts):
    with pytest.raises(DataError, match=r"rows of protocol 'release'; got \['paper'\]"):
        fig4b.draw(fig4b.summarise_rows(history_rows), make_facts(protocol="release"))
    with pytest.raises(DataError, match="expected rows with split 'test'"):
        fig4c.summarise_rows(history_rows[history_rows["split"] == "train"])
    with pytest.raises(DataError, match="expected a column 'epsilon'"):
        fig4d.summarise_rows(fgsm_rows.drop(columns="epsilon"))


def test_rows_of_several_protocols_are_kept_apart(fgsm_rows):
    table = fig4d.summarise_rows(fgsm_rows)
    assert len(table) == 2 * 3 * 4
    assert np.isclose(table.groupby("protocol")["mean"].max().to_numpy(), 0.7).all()
