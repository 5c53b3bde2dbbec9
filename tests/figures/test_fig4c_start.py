"""When the networks of Figure 4C leave chance: by each seed's own test accuracy, in steps of its recipe."""

import math
from pathlib import Path

import pandas as pd
import pytest

from flexnet.config import read_yaml
from flexnet.errors import DataError
from flexnet.figures import fig4c_long, fig4c_start

RIGHT = {  # test accuracy of two seeds after epochs 5, 10 and 15
    "baseline": [(0.1, 0.25, 0.15), (0.2, 0.2, 0.201)],
    "flexible": [(0.1, 0.1, 0.2), (0.21, 0.3, 0.4)],
    "random": [(0.1, 0.1, 0.1), (0.1, 0.1, 0.1)],
}


@pytest.fixture
def rows():
    """Training images are right more often, with a smaller loss, than those of the test."""
    told = [
        (series, seed, epoch, split, right)
        for series, seeds in RIGHT.items()
        for seed, values in enumerate(seeds, 1)
        for epoch, right in reversed(list(zip((5, 10, 15), values, strict=True)))
        for split in ("train", "train_eval", "test")
    ]
    frame = pd.DataFrame(told, columns=["series", "seed", "epoch", "split", "accuracy"])
    more = frame["split"] == "train_eval"
    frame["loss"] = 2.0 - frame["accuracy"] - more
    frame["accuracy"] += 0.5 * more
    frame = frame.assign(figure="fig4c_start", protocol="paper", model=frame["series"], n=1000)
    return frame.assign(correct=(1000 * frame["accuracy"]).round().astype(int))


@pytest.mark.parametrize("module", [fig4c_start, fig4c_long])
def test_steps_are_those_of_the_first_evaluation_above_a_fifth(module, rows, make_facts):
    body = module.body(module.summarise_rows(rows), make_facts(training_images=1000))
    assert body.splitlines()[2:] == [
        "| Baseline | 100, 150 | 2 of 2 |",
        "| Flexible, learned | not in 150, 50 | 1 of 2 |",
        "| Flexible, random | not in 150, not in 150 | 0 of 2 |",
    ]


def test_a_dot_for_each_seed_and_crosses_above_all_steps(rows, make_facts):
    facts = make_facts(training_images=450)  # 5 steps of at most 100 images
    figure = fig4c_start.draw(fig4c_start.summarise_rows(rows), facts)
    dots = [line for line in figure.axes[2].get_lines() if str(line.get_gid()).endswith(" seed")]
    heights = [line.get_ydata()[0] for line in dots]
    assert heights[:2] + heights[3:4] == [50, 75, 25]
    assert all(height > 75 for height in [heights[2], *heights[4:]])
    assert [line.get_marker() == "x" for line in dots] == [False, False, True, False, True, True]


def test_both_kinds_of_images_have_their_lines(rows, make_facts):
    figure = fig4c_start.draw(fig4c_start.summarise_rows(rows), make_facts())
    for panel, expected in ((0, [(15.0, 22.5, 17.55), (65.0, 72.5, 67.55)]), (1, [(1.85,), (0.85,)])):
        found = [line for line in figure.axes[panel].get_lines() if line.get_gid() == "baseline"]
        for line, values in zip(found, expected, strict=True):
            assert line.get_ydata()[: len(values)] == pytest.approx(values, abs=0.011)
    assert found[0].get_markersize() < found[1].get_markersize()


def test_the_loss_of_a_guess_is_the_logarithm_of_the_classes(rows, make_facts):
    figure = fig4c_start.draw(fig4c_start.summarise_rows(rows), make_facts(classes=10))
    (chance,) = (line for line in figure.axes[1].get_lines() if line.get_gid() == "chance")
    assert set(chance.get_ydata()) == {math.log(10)}


def test_rows_without_scored_training_images_are_said(rows):
    with pytest.raises(DataError, match="expected rows with split 'train_eval'; got none"):
        fig4c_start.summarise_rows(rows[rows["split"] != "train_eval"])


@pytest.mark.parametrize("name", ["fig4c_start", "fig4c_long"])
def test_the_caption_names_the_border_that_the_figure_has(name):
    caption = read_yaml(Path(__file__).parents[2] / "config/figures.yaml")[name]["caption"]
    assert f"more than {fig4c_start.LEFT:.0%}".replace("%", " %") in caption
