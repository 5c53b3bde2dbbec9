import json

import pytest

from flexnet.errors import DataError
from flexnet.figures import fig1
from flexnet.stages.command import main


@pytest.fixture(scope="module", params=["below", "above"])
def table(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("fig1") / "rows.csv"
    model = {"network": "small", "options": {"layer": {"scheme": "learned", "rule": request.param}}}
    settings = {
        "family": "worked",
        "figure": "fig1",
        "protocol": "paper",
        "series": {"flexible": model},
        "example": {"kernel_size": 3, "input_size": 5, "seed": 355},
    }
    assert main(["describe", "--settings", json.dumps(settings), "--output", str(path)]) == 0
    return fig1.summarise_rows(fig1.read(path))


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def lines(figure):
    return {line.get_gid(): line for axes in figure.axes for line in axes.get_lines()}


def test_every_number_of_the_example_is_written(table, make_facts):
    written = texts(fig1.draw(table, make_facts()))
    for part in ("conv", "max", "threshold", "gate", "output"):
        for value in table.loc[table["part"] == part, "value"]:
            assert fig1.number(value) in written, part
    assert len([text for text in written if "(1\u00d73\u00d73)" in text]) == 5
    assert "C\u00d7H\u00d7W (1\u00d75\u00d75)" in written


def test_no_text_covers_another_or_leaves_the_page(table, make_facts, text_faults):
    assert text_faults(fig1.draw(table, make_facts(scale="laptop", protocol="paper"))) == []


def test_rule_decides_sign_and_equation(table, make_facts):
    written = texts(fig1.draw(table, make_facts()))
    below = set(table["rule"]) == {"below"}
    assert ("<" in written, ">" in written) == (below, not below)
    inside = "T - f_\\mathrm{MAX}" if below else "f_\\mathrm{MAX} - T"
    assert f"$g = \\sigma\\,(50\\,({inside}))$" in written


def test_the_outlined_unit_lies_on_the_curve_of_its_rule(table, make_facts):
    drawn = lines(fig1.draw(table, make_facts()))
    x, y = drawn["unit"].get_data()
    curve_x, curve_y = drawn[table["rule"].iloc[0]].get_data()
    nearest = abs(curve_x - x[0]).argmin()
    assert y[0] == pytest.approx(curve_y[nearest], abs=0.07)
    assert 0.1 < y[0] < 0.9


def test_a_missing_part_is_named(table):
    with pytest.raises(DataError, match="expected the part 'gate'"):
        fig1.summarise_rows(table[table["part"] != "gate"])


@pytest.mark.parametrize(("value", "text"), [(-0.001, "0.00"), (-0.45, "\u22120.45"), (1.0, "1.00")])
def test_numbers_have_a_true_minus_sign_and_none_before_zero(value, text):
    assert fig1.number(value) == text
