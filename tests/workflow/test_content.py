"""A source of other content than the official one: jobs are told, wrong words stop at once."""

import json
import re
import shlex
from typing import Any

import pytest

TITLE = "    title: CIFAR-10\n"


def commands(project: Any, stage: str, *targets: str) -> list[dict[str, Any]]:
    """Settings of the jobs of a stage, from the commands that a dry run prints, split as a shell does."""
    done = project.snakemake("--dry-run", "--printshellcmds", *targets)
    assert done.returncode == 0, done.stdout
    lines = re.findall(rf"^Shell command: .*{stage} --settings .*$", done.stdout, re.MULTILINE)
    words = [shlex.split(line) for line in lines]
    return [json.loads(line[line.index("--settings") + 1]) for line in words]


def test_other_content_reaches_the_job(project: Any) -> None:
    targets = ("figures/fig4c.pdf", "demo/figures/fig4c.pdf", "published/laptop/figures/fig4c.pdf")
    data = commands(project, 'stage.py" data', *targets)
    assert not any("content" in settings for settings in data)
    with project.edited("config/config.yaml", TITLE, TITLE + "    content: other\n"):
        data = commands(project, 'stage.py" data', *targets)
    asked = {(row["dataset"], row["split"]): row.get("content") for row in data}
    assert asked == {
        ("cifar10", "train"): "other",
        ("cifar10", "test"): "other",
        ("shapes", "train"): None,
        ("shapes", "test"): None,
    }


def test_each_subset_is_told_what_its_images_must_be(project: Any) -> None:
    chosen = commands(project, 'stage.py" subset', "figures/fig4c.pdf", "demo/figures/fig4c.pdf")
    expected = {json.dumps(settings["expects"], sort_keys=True) for settings in chosen}
    assert expected == {
        json.dumps(
            {
                "training": {"dataset": name, "split": "train"},
                "test": {"dataset": name, "split": "test"},
            },
            sort_keys=True,
        )
        for name in ("cifar10", "shapes")
    }


@pytest.mark.parametrize(
    ("place", "word", "message"),
    [
        (TITLE, "any", "sources.cifar10.content: expected one of ['official', 'other']; got 'any'"),
        ("    dataset: shapes\n", "other", "sources.shapes32.content: expected"),
    ],
)
def test_a_wrong_word_stops_before_any_job(place: str, word: str, message: str, project: Any) -> None:
    with project.edited("config/config.yaml", place, f"{place}    content: {word}\n"):
        done = project.snakemake("--dry-run", "demo/figures/fig4c.pdf")
    assert done.returncode != 0
    assert message in done.stdout
