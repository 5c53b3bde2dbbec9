import csv
import json
from collections import defaultdict

import pytest

from flexnet.errors import ConfigError
from flexnet.evaluation.worked import describe as describe_layer
from flexnet.families.registry import family_of
from flexnet.stages.command import main
from flexnet.tables.columns import described_by
from flexnet.tables.frames import read_checked

LAYER = {"scheme": "learned", "rule": "below"}
EXAMPLE = {"kernel_size": 3, "input_size": 5, "seed": 355}
SERIES = {
    "flexible": {"network": "small", "options": {"layer": LAYER}},
    "baseline": {"network": "small", "options": {}},
}


def run(folder, **changes):
    family = "worked" if "example" in changes else "description"
    settings = {"family": family, "figure": "fig2", "protocol": "paper", "series": SERIES, **changes}
    output = folder / "rows.csv"
    return main(["describe", "--settings", json.dumps(settings), "--output", str(output)]), output


def test_layers_of_all_series_make_a_declared_table(tmp_path):
    status, output = run(tmp_path)
    rows = read_checked(output, described_by(family_of("description")))
    assert status == 0
    assert rows.groupby("series", sort=False)["weights"].sum().to_dict() == {
        "flexible": 837_742,
        "baseline": 837_742,
    }
    assert rows.groupby("series")["thresholds"].sum().to_dict() == {"flexible": 6_912, "baseline": 0}
    assert set(rows["protocol"]) == {"paper"}


def test_an_example_makes_the_table_of_the_layer(tmp_path):
    status, output = run(tmp_path, series={"flexible": SERIES["flexible"]}, example=EXAMPLE)
    rows = read_checked(output, described_by(family_of("worked")))
    assert status == 0
    sizes = rows.groupby("part").size().to_dict()
    assert (sizes["input"], sizes["weight"], sizes["output"], sizes["sharpness"]) == (25, 9, 9, 1)
    assert set(rows["rule"]) == {"below"}


def test_the_same_settings_give_the_same_bytes(tmp_path):
    first = run(tmp_path, series={"flexible": SERIES["flexible"]}, example=EXAMPLE)[1].read_bytes()
    assert run(tmp_path, series={"flexible": SERIES["flexible"]}, example=EXAMPLE)[1].read_bytes() == first


def test_the_table_of_the_layer_follows_the_layers_options():
    rows = describe_layer("small", {"layer": {**LAYER, "rule": "above", "sharpness": 5.0}}, EXAMPLE)
    parts = defaultdict(list)
    for row in rows:
        parts[row["part"]].append(row["value"])
    assert parts["sharpness"] == [5.0]
    assert parts["curve above"] == sorted(parts["curve above"], reverse=True)  # against T - MAX
    assert {row["rule"] for row in rows} == {"above"}


def test_a_network_without_flexible_layer_has_no_example():
    with pytest.raises(ConfigError, match=r"options of a flexible layer; got \['width'\]; choose its model"):
        describe_layer("small", {"width": 1.0}, EXAMPLE)


def test_rows_are_in_the_order_of_the_image(tmp_path):
    with run(tmp_path)[1].open(newline="") as stream:
        kinds = [row["kind"] for row in csv.DictReader(stream) if row["series"] == "baseline"]
    assert kinds == ["normalise", "conv", "relu", "flatten", "linear", "relu", "linear", "relu", "linear"]
