"""Readings that are kept between runs are those that would be made anew."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from flexnet import reading, readings
from flexnet.readings import Readings

TEXT = 'from flexnet.low import x\n\nTABLE: "ByName[int]" = {"a": 1}\n\n\ndef f(n):\n    return x + n\n'


def names() -> list[str]:
    paths = [path.relative_to(reading.ROOT.parent).with_suffix("") for path in reading.ROOT.rglob("*.py")]
    return [".".join(path.parts).removesuffix(".__init__") for path in paths]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of two modules, in the place of this one."""
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "top.py").write_text(TEXT)
    (folder / "low.py").write_text("x = 1\n")
    monkeypatch.setattr(reading, "ROOT", folder)
    reading.exists.cache_clear()
    return folder


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Modules whose syntax trees were read."""
    done: list[str] = []

    def noted(module: str, text: str) -> reading.Module:
        done.append(module)
        return reading.read_module(module, text)

    monkeypatch.setattr(readings, "read_module", noted)
    return done


def opened(file: Path) -> Readings:
    found = Readings()
    found.use(file)
    return found


def test_every_module_of_the_package_comes_back_as_it_was_read(tmp_path: Path, read: list[str]) -> None:
    first = opened(tmp_path / "kept/readings.json")
    anew = {name: first.of(name) for name in names()}
    assert len(anew) > 300
    first.keep()
    read.clear()
    second = opened(tmp_path / "kept/readings.json")
    assert {name: second.of(name) for name in names()} == anew
    assert not read


def test_an_edited_module_is_read_again_and_no_other(package: Path, read: list[str]) -> None:
    file = package.parent / "readings.json"
    before = opened(file)
    top, low = before.of("flexnet.top"), before.of("flexnet.low")
    before.keep()
    (package / "low.py").write_text("x = 2\n")
    read.clear()
    after = opened(file)
    assert after.of("flexnet.top") == top
    assert after.of("flexnet.low").parts["x"].dump != low.parts["x"].dump
    assert read == ["flexnet.low"]


def test_a_new_module_may_change_what_a_name_means_so_all_are_read_again(
    package: Path, read: list[str]
) -> None:
    file = package.parent / "readings.json"
    before = opened(file)
    assert before.of("flexnet.top").imported["x"] == ("flexnet.low", "x")
    before.keep()
    (package / "low.py").unlink()
    (package / "low").mkdir()
    for name in ("__init__", "x"):
        (package / f"low/{name}.py").write_text("")
    reading.exists.cache_clear()
    assert opened(file).of("flexnet.top").imported["x"] == ("flexnet.low.x", "*")


DAMAGES: dict[str, Callable[[str], str]] = {
    "cut": lambda text: text[:-40],
    "empty": lambda _: "",
    "another text in it": lambda text: text.replace("Return", "Pass"),
    "of another Python": lambda text: resealed(text, "for", "another"),
}


def resealed(text: str, key: str, value: str) -> str:
    body = json.dumps(json.loads(text.partition("\n")[2]) | {key: value})
    return f"{readings._digest(body)}\n{body}"


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_or_of_another_python_is_not_used(
    package: Path, read: list[str], damage: str
) -> None:
    file = package.parent / "readings.json"
    before = opened(file)
    anew = before.of("flexnet.top")
    before.keep()
    file.write_text(DAMAGES[damage](file.read_text()))
    read.clear()
    assert opened(file).of("flexnet.top") == anew
    assert read == ["flexnet.top"]


def test_where_nothing_can_be_written_all_is_read_as_ever(package: Path, read: list[str]) -> None:
    (package.parent / "file").write_text("")
    found = opened(package.parent / "file/readings.json")
    found.of("flexnet.top")
    found.keep()
    assert read == ["flexnet.top"]
