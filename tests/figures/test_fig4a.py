import pandas as pd
import pytest
from matplotlib.colors import same_color

from flexnet.errors import DataError
from flexnet.figures import fig4a
from flexnet.figures.look import journal
from flexnet.figures.palette import style_of

LABELS = {
    "baseline": "HMAX",
    "flexible": "Flexible HMAX",
    "conv": "Convolutional HMAX",
    "above": "Flexible, MAX above",
    "c1": "Flexible in C1",
    "c1-above": "Flexible in C1, MAX above",
}
LEVELS = {"baseline": 0.3, "flexible": 0.7, "conv": 0.65, "above": 0.6, "c1": 0.45, "c1-above": 0.5}


def rows_of(seeds=(1, 2, 3), series=tuple(LEVELS)):
    return pd.DataFrame(
        [
            {
                "figure": "fig4a",
                "protocol": "paper",
                "series": name,
                "model": name,
                "seed": seed,
                "epoch": epoch,
                "split": split,
                "n": 10000,
                "correct": 0,
                "accuracy": LEVELS[name] + epoch / 20 + (seed - 2) / 100 + (split == "train") / 10,
                "loss": 1.0,
                "learning_rate": 0.001,
            }
            for name in series
            for seed in seeds
            for epoch in (1, 2, 3)
            for split in ("train", "test")
        ]
    )


@pytest.fixture
def drawn(make_facts):
    def build(**changes):
        return fig4a.draw(fig4a.summarise_rows(rows_of(**changes)), make_facts(labels=LABELS))

    return build


def lines(figure):
    return {line.get_gid(): line for line in figure.axes[0].get_lines()}


def bands(figure):
    return {found.get_gid(): found for found in figure.axes[0].collections}


def labels(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_curves_show_the_test_split(drawn):
    found = lines(drawn())
    assert set(found) == {*LEVELS, "chance"}
    assert found["flexible"].get_xdata().tolist() == [1, 2, 3]
    assert found["flexible"].get_ydata().tolist() == pytest.approx([75.0, 80.0, 85.0])
    assert same_color(found["conv"].get_color(), style_of("conv").colour)


def test_the_papers_networks_are_in_front(drawn):
    figure = drawn()
    assert labels(figure) == list(LABELS.values())
    found = lines(figure)
    main = [found.pop(name) for name in fig4a.MAIN]
    assert min(line.get_linewidth() for line in main) > max(line.get_linewidth() for line in found.values())
    assert min(line.get_zorder() for line in main) > max(line.get_zorder() for line in found.values())
    assert set(bands(figure)) == {f"{name} band" for name in LEVELS}


def test_one_seed_has_no_band(drawn):
    figure = drawn(seeds=(2,))
    assert bands(figure) == {}
    assert lines(figure)["baseline"].get_ydata().tolist() == pytest.approx([35.0, 40.0, 45.0])


@pytest.mark.parametrize(
    ("series", "expected"),
    [(("conv", "baseline"), ["Convolutional HMAX", "HMAX"]), (("c1",), ["Flexible in C1"])],
)
def test_absent_series_are_left_out(drawn, series, expected):
    assert labels(drawn(series=series)) == expected


def test_nothing_is_clipped_and_the_legend_covers_no_axes(drawn):
    figure = drawn()
    with journal():
        figure.draw_without_rendering()
    ink, page = figure.get_tightbbox(), figure.bbox_inches
    assert min(ink.x0, ink.y0, page.x1 - ink.x1, page.y1 - ink.y1) > -0.005
    assert figure.legends[0].get_window_extent().y0 >= figure.axes[0].get_window_extent().y1


def test_the_training_split_alone_is_an_error():
    rows = rows_of()
    with pytest.raises(DataError, match="expected rows with split 'test'"):
        fig4a.summarise_rows(rows[rows["split"] == "train"])
