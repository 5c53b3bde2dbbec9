"""Outcomes of two networks, image by image, in the rows of a figure."""

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flexnet.errors import ConfigError, DataError
from flexnet.families.registry import family_of
from flexnet.statistics.paired_tests import with_tests
from flexnet.statistics.pairs import pair_columns
from flexnet.tables.outcomes import outcomes_path, write_outcomes

DRAWINGS = family_of("drawings")


def table(folder: Path, model: str, right: dict[int, dict[str, str]], digest: str = "d") -> Path:
    """Rows of a model by seed and set of images, with their outcomes: "110" is right, right, wrong."""
    path = folder / f"{model}.csv"
    most = max(len(bits) for sets in right.values() for bits in sets.values())
    rows, outcomes = [], []
    for seed, sets in right.items():
        for images, bits in sets.items():
            correct = bits.count("1")
            told = {"title": images, "digest": f"{digest} {images}"}
            rows.append(
                {"model": model, "seed": seed, "protocol": "paper", "images": images, "inverted": 0}
                | {"n": len(bits), "correct": correct, "accuracy": correct / len(bits), **told}
            )
            outcomes.append([bit == "1" for bit in bits] + [False] * (most - len(bits)))
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    write_outcomes(outcomes_path(path), np.array(outcomes), "own")
    return path


BASE = {1: {"own": "11110", "contours": "100"}, 2: {"own": "11111", "contours": "010"}}
OTHER = {1: {"own": "11101", "contours": "011"}, 2: {"own": "01111", "contours": "110"}}


def test_pairs_are_of_one_seed_and_one_set(tmp_path: Path) -> None:
    paths = {"a": [str(table(tmp_path, "a", OTHER))], "b": [str(table(tmp_path, "b", BASE))]}
    found = pair_columns(DRAWINGS, paths, "b")
    assert found[:4] == [
        {"gained": "1", "lost": "1"},
        {"gained": "2", "lost": "1"},
        {"gained": "0", "lost": "1"},
        {"gained": "1", "lost": "0"},
    ]
    assert found[4:] == [{"gained": "0", "lost": "0"}] * 4


def test_a_seed_without_partner_is_empty(tmp_path: Path) -> None:
    paths = {"a": [str(table(tmp_path, "a", OTHER))], "b": [str(table(tmp_path, "b", {1: BASE[1]}))]}
    assert pair_columns(DRAWINGS, paths, "b")[2:4] == [{"gained": "", "lost": ""}] * 2


def test_outcomes_of_other_images_are_never_paired(tmp_path: Path) -> None:
    paths = {"a": [str(table(tmp_path, "a", OTHER))], "b": [str(table(tmp_path, "b", BASE, digest="e"))]}
    with pytest.raises(DataError, match=r"series a.*outcomes of the images"):
        pair_columns(DRAWINGS, paths, "b")


def test_outcomes_that_are_missing_or_of_another_run_stop(tmp_path: Path) -> None:
    path = table(tmp_path, "a", OTHER)
    write_outcomes(outcomes_path(path), np.zeros((4, 5), dtype=bool), "own")
    with pytest.raises(DataError, match="belong to different runs"):
        pair_columns(DRAWINGS, {"a": [str(path)]}, "a")
    outcomes_path(path).unlink()
    with pytest.raises(DataError, match="expected the outcomes"):
        pair_columns(DRAWINGS, {"a": [str(path)]}, "a")
    with pytest.raises(ConfigError, match="expected one of the series"):
        pair_columns(DRAWINGS, {"a": [str(path)]}, "c")


def test_outcomes_in_another_order_than_the_rows_stop(tmp_path: Path) -> None:
    """As many right answers in all, but four of the first row and two of the second change places."""
    path = table(tmp_path, "a", OTHER)
    exchanged = [[bit == "1" for bit in bits] for bits in ("01100", "11101", "01111", "11000")]
    write_outcomes(outcomes_path(path), np.array(exchanged), "own")
    with pytest.raises(DataError, match="belong to different runs"):
        pair_columns(DRAWINGS, {"a": [str(path)]}, "a")


def rows_with(gained: dict[str, list[int]], lost: int = 0) -> pd.DataFrame:
    """Rows of two sets of images and as many seeds as there are numbers."""
    return pd.DataFrame(
        [
            {"series": "all", "images": images, "seed": seed, "gained": number, "lost": lost}
            for images, numbers in gained.items()
            for seed, number in enumerate(numbers, 1)
        ]
        + [{"series": "baseline", "images": "x", "seed": 1, "gained": 0, "lost": 0}]
    )


def test_tests_are_raised_together_and_seeds_are_counted() -> None:
    rows = rows_with({"x": [10, 6], "y": [6, 1]})
    summary = rows[["series", "images"]].drop_duplicates()
    found = with_tests(summary, rows, ["series", "images"], "baseline").set_index(["series", "images"])
    # Six of six: 2 / 64 = 0.031 alone, 0.0625 where it is the smaller of two.
    assert found.loc[("all", "x"), "p_by_seed"] == "0.00391 0.0625"
    assert found.loc[("all", "y"), "p_by_seed"] == "0.0312 1"
    assert found.loc[("all", "x"), "told_apart"] == 1
    assert found.loc[("all", "y"), "told_apart"] == 1
    assert pd.isna(found.loc[("baseline", "x"), "told_apart"])


def test_seeds_stand_in_their_order_and_not_in_that_of_the_rows() -> None:
    rows = rows_with({"x": [10, 6]})
    summary = rows[["series", "images"]].drop_duplicates()
    found = with_tests(summary, rows.iloc[::-1], ["series", "images"], "baseline")
    assert found["p_by_seed"].tolist()[0] == "0.00195 0.0312"


def test_rows_that_were_not_compared_have_no_test() -> None:
    rows = rows_with({"x": [3]}).drop(columns=["gained", "lost"])
    summary = rows[["series", "images"]].drop_duplicates()
    assert with_tests(summary, rows, ["series", "images"], "baseline")["told_apart"].isna().all()
    empty = rows_with({"x": [3]}).assign(gained=np.nan, lost=np.nan)
    assert with_tests(summary, empty, ["series", "images"], "baseline")["told_apart"].isna().all()


def test_settings_name_the_pair_only_where_a_figure_does() -> None:
    """What a figure without it is told stays as it was."""
    from flexnet.config import read_yaml

    figures = read_yaml(Path(__file__).parents[2] / "config/figures.yaml")
    assert [name for name, row in figures.items() if "paired" in row] == ["fig6", "fig6_colour"]
    assert json.dumps(figures["fig6"]["paired"]) == '"baseline"'
