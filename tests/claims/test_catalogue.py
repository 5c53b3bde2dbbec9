import math

import pytest
import yaml

from flexnet.claims.catalogue import load_claims, packaged_papers, published
from flexnet.claims.model import Window
from flexnet.claims.rules import KINDS
from flexnet.errors import ConfigError

CLAIM = {
    "id": "P1",
    "title": "better",
    "statement": "It is better.",
    "unit": "points",
    "source": "Table 1",
    "figure": "tab1",
}
RULE = {
    "kind": "mean_difference",
    "over": "epsilon",
    "compare": [{"series": "a", "against": ["b"]}],
    "direction": "less",
    "size": 2,
    "reason": "stated before",
}


def claims_by_id():
    return {claim.id: claim for claim in load_claims("flexible-layer")}


def test_all_claims_are_there():
    assert sorted(claims_by_id()) == [f"C{number:02}" for number in range(1, 24)]
    assert packaged_papers() == ["flexible-layer"]


def test_the_four_rules_are_as_stated():
    claims = claims_by_id()
    assert {name for name, claim in claims.items() if claim.rule} == {"C05", "C06", "C09", "C10"}
    rules = {name: claims[name].rule for name in ("C05", "C06", "C09", "C10")}
    assert rules["C05"].claimed == (-1.5, math.inf)
    assert rules["C06"].claimed == (0.0, math.inf)
    assert rules["C06"].universal == ("epoch", "seed")
    assert rules["C09"].claimed == rules["C10"].claimed == (1.0, math.inf)
    assert rules["C10"].compare[0].against == ("baseline", "flexible")
    assert {rule.kind for rule in rules.values()} <= set(KINDS)


def test_effects_agree_with_the_cells_they_come_from():
    claims = claims_by_id()
    for name in ("C05", "C11", "C12", "C13"):
        values = claims[name].values
        assert claims[name].value == pytest.approx(values["flexible"] - values["baseline"])
    assert claims["C08"].value == pytest.approx(31.9 - 36.4)


def test_windows_convert_to_pixels():
    window = claims_by_id()["C09"].rule.window("corrected")
    deviation = (0.229 + 0.224 + 0.225) / 3
    assert window.above == pytest.approx(0.22 * deviation, abs=5e-5)
    assert window.up_to == pytest.approx(deviation, abs=5e-4)


@pytest.mark.parametrize(
    ("value", "inside"), [(0.22, False), (0.2200001, True), (1.0, True), (1 + 1e-12, True), (1.01, False)]
)
def test_window_borders(value, inside):
    assert (value in Window(above=0.22, up_to=1.0)) is inside


def test_window_at_least_takes_its_border():
    assert 0.1 * 4 in Window(at_least=0.4)
    assert 0.39 not in Window(at_least=0.4)


def test_published_numbers():
    number = published("flexible-layer", "fgsm_crossing_epsilon")
    assert (number.value, number.unit) == (0.22, "normalised units")
    assert published("flexible-layer", "released_fgsm_flexible").value[0.3] == 42.58
    with pytest.raises(ConfigError, match="no published number 'crossing'; known are"):
        published("flexible-layer", "crossing")


def write(path, **document):
    path.write_text(yaml.safe_dump(document))
    return path


def test_another_paper_has_the_same_format(tmp_path):
    path = write(tmp_path / "second.yaml", paper="second", claims=[{**CLAIM, "rule": RULE}])
    (claim,) = load_claims(path)
    assert (claim.paper, claim.id, claim.value) == ("second", "P1", None)
    assert claim.rule.claimed == (-math.inf, -2.0)
    assert claim.rule.window("paper") == Window()


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ([{**CLAIM, "colour": "red"}], r"claim P1: missing keys \[\], unknown keys \['colour'\]"),
        ([{k: v for k, v in CLAIM.items() if k != "source"}], r"claim P1: missing keys \['source'\]"),
        ([CLAIM, CLAIM], r"expected every claim once; got \['P1'\] twice"),
        ([{**CLAIM, "rule": {**RULE, "margin": 1}}], "expected size or margin; got both"),
        ([{**CLAIM, "rule": {**RULE, "direction": "up"}}], "direction greater or less; got 'up'"),
        ([{**CLAIM, "rule": {**RULE, "compare": [{"series": "a"}]}}], r"compare: missing keys \['against'\]"),
        ([{**CLAIM, "rule": {**RULE, "range": {"paper": {"over": 1}}}}], r"range paper: .* \['over'\]"),
    ],
)
def test_a_malformed_claim_is_named(tmp_path, claims, message):
    with pytest.raises(ConfigError, match=message):
        load_claims(write(tmp_path / "second.yaml", paper="second", claims=claims))


def test_unknown_paper_and_keys(tmp_path):
    with pytest.raises(ConfigError, match=r"unknown paper 'third'; known are \['flexible-layer'\]"):
        load_claims("third")
    with pytest.raises(ConfigError, match="expected the keys"):
        load_claims(write(tmp_path / "odd.yaml", paper="odd", verdicts=[]))
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(ConfigError, match="got list"):
        load_claims(tmp_path / "list.yaml")
