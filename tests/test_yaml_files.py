"""YAML that means what it looks like, in every file that is read."""

from pathlib import Path

import pytest

from flexnet.claims.catalogue import load_claims
from flexnet.errors import ConfigError
from flexnet.yaml_files import line_of, parse_yaml, read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("a: 1\nb: [1, {a: 2}]", {"a": 1, "b": [1, {"a": 2}]}),
        ("x: &k {a: 1, b: 1}\ny: {<<: *k, a: 2}", {"x": {"a": 1, "b": 1}, "y": {"a": 2, "b": 1}}),
        ("a: {b: 1}\nc: {b: 1}", {"a": {"b": 1}, "c": {"b": 1}}),
        ("a: 1_000\nb: 0\nc: 0.05\nd: -0.5\ne: '010'", {"a": 1000, "b": 0, "c": 0.05, "d": -0.5, "e": "010"}),
    ],
)
def test_what_means_what_it_looks_like_is_read(text: str, value: object) -> None:
    assert parse_yaml(text, "f.yaml") == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "f.yaml, line 3: a: expected every key once; line 1 has it too; keep one"),
        ("a: 1\na: 1", "f.yaml, line 2: a: expected every key once"),  # the same value, too
        ("a: {b: {c: 1, c: 2}}", "f.yaml, line 1: a.b.c: expected every key once"),
        ("a:\n- b: 1\n  b: 2", "f.yaml, line 3: a.0.b: expected every key once; line 2 has it too"),
        ("yes: 1\nTrue: 2", "f.yaml, line 2: True: expected every key once; line 1 has it too"),
        ("1: a\n1.0: b", "f.yaml, line 2: 1.0: expected every key once"),
        ("null: 1\n~: 2", "f.yaml, line 2: ~: expected every key once"),
        (
            "a: 010",
            "f.yaml, line 1: a: expected a decimal number, its point a dot; got 010, which YAML reads as 8",
        ),
        ("a: [0, 0,05]", "f.yaml, line 1: a.2: expected a decimal number, its point a dot; got 05"),
        ("a: 1:30", "got 1:30, which YAML reads as 90"),
        ("a: [", "f.yaml, line 1: expected a YAML file; got: while parsing"),
        ("? [a]\n: 1", "f.yaml, line 1: expected a YAML file; got: while constructing a mapping"),
        ("a: 2024-02-30", "f.yaml: expected a YAML file; got: day is out of range"),
        ("a: &x [*x]", "f.yaml: expected a YAML file; got: "),
        ("a: 1\n---\na: 2", "f.yaml, line 2: expected a YAML file; got: expected a single document"),
        (
            "a: !!python/name:os.system",
            "f.yaml, line 1: expected a YAML file; got: could not determine a constructor",
        ),
    ],
)
def test_what_does_not_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, "f.yaml")
    assert message in str(caught.value)


def test_all_faults_come_in_one_message() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_yaml("a: {b: 1, b: 2}\na: 010\n", "f.yaml")
    assert len(str(caught.value).splitlines()) == 3


def test_a_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"a: \xff")
    with pytest.raises(ConfigError, match="x.yaml: expected a YAML file; got: 'utf-8' codec"):
        read_yaml(path)
    with pytest.raises(ConfigError, match="expected a YAML file; got: .*No such file"):
        read_yaml(tmp_path / "y.yaml")


def test_claims_are_read_with_the_same_care(tmp_path: Path) -> None:
    path = tmp_path / "paper.yaml"
    path.write_text("paper: mine\nclaims: []\nclaims: []\n")
    with pytest.raises(ConfigError, match=r"paper\.yaml, line 3: claims: expected every key once"):
        load_claims(path)


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (["a"], 1),
        (["a", "b"], 2),
        (["a", "c", 1], 5),
        (["a", "no"], 1),
        (["none"], None),
        ([], None),
        (["1"], 6),
    ],
)
def test_the_line_of_a_key_or_of_what_is_nearest_above_it(
    keys: list[str | int], line: int | None, tmp_path: Path
) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("a:\n  b: 1\n  c:\n    - x\n    - y\n1: z\n")
    assert line_of(path, keys) == line


def test_a_file_that_cannot_be_read_has_no_lines(tmp_path: Path) -> None:
    assert line_of(tmp_path / "none.yaml", ["a"]) is None
