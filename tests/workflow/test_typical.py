"""Ten edits that people make where two figures count as finished: which jobs run again, and their page."""

import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
reruns = SimpleNamespace(**runpy.run_path(str(ROOT / "tools/reruns.py")))
TYPICAL = reruns.typical()
TARGETS = ("figures/fig4d.pdf", "figures/fig5.pdf")
PAGE = (ROOT / "docs/reruns.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    made = reruns.Finished(tmp_path_factory.mktemp("finished"), *TARGETS)
    made.finish()
    yield made
    assert made.plan() == {}  # every edit was taken back, and none was lost on the way


def test_there_are_ten() -> None:
    asked = ["recipe", "severity", "epsilon grid", "figure style", "caption", "layer code", "new seed"]
    assert list(TYPICAL) == [*asked, "more epochs", "data source", "profile"]


@pytest.mark.parametrize("edit", TYPICAL)
def test_an_edit_reruns_what_depends_on_it_and_nothing_else(edit: str, finished: Any) -> None:
    with finished.edited(*TYPICAL[edit]["edit"]):
        assert finished.plan() == TYPICAL[edit].get("runs", {})


def test_an_edit_of_what_is_not_there_is_told(finished: Any) -> None:
    with pytest.raises(ValueError, match=r"tools/typical\.yaml"), finished.edited(TARGETS[0], "no", "yes"):
        pass


def test_the_page_tells_of_every_edit_the_kinds_of_jobs_that_the_tests_saw() -> None:
    """It was measured where everything is finished: more jobs, but of the same kinds, or of all figures'."""
    rows = dict(re.findall(r"^\| ([\w ]+) \| (?:.+?) \| (.+) \|$", PAGE, re.MULTILINE))
    for edit, told in TYPICAL.items():
        assert told["says"] in PAGE
        counts = re.findall(r"(\d+) ([a-z ]+?)(?:, |$)", rows[edit])
        kinds = [reruns.WORDS[rule] for rule in told.get("runs", {})]
        measured = [word for _, word in counts if word not in ("ledger of claims", "descriptions")]
        assert measured == kinds, edit
    assert rows["profile"] == "nothing"
