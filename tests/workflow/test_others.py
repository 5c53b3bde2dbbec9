"""Networks whose gradient others follow (surrogates, twins): what they judge hangs on their training."""

from collections.abc import Callable
from typing import Any

import pytest

# In the place of the real stages: what is made holds what the job was told.
STUB = """\
import sys
from pathlib import Path

stage, words = sys.argv[1], sys.argv[2:]
made = [Path(words[words.index(key) + 1]) for key in ("--output", "--history") if key in words]
if stage == "train":
    made.append(Path(words[words.index("--weights") + 1]))
beside = {"data": ".json", "evaluate": ".outcomes.safetensors"}
if stage in beside:
    made.append(made[0].with_suffix(beside[stage]))
for path in made:
    path.write_text(" ".join(words))
"""


@pytest.fixture(scope="module")
def stubbed(new_project: Callable[[], Any]) -> Any:
    project = new_project()
    (project.folder / "workflow/scripts/stage.py").write_text(STUB)
    return project


@pytest.mark.parametrize(
    ("table", "seeds"),
    [
        ("demo/results/pgd/paper/vgg16-baseline/seed1.csv", 1),
        ("demo/results/audit/paper/vgg16-flexible/all.csv", 2),
    ],
    ids=["PGD through a surrogate", "the audit's other networks"],
)
def test_what_was_judged_by_a_network_is_judged_again_once_that_is_trained_again(
    table: str, seeds: int, stubbed: Any
) -> None:
    stubbed.make(table, "--config", "device=cpu")
    assert stubbed.plan(table, "--config", "device=cpu") == {}
    with stubbed.edited(
        "config/scales/demo.yaml", "  surrogate:\n    epochs: 8\n", "  surrogate:\n    epochs: 9\n"
    ):
        assert stubbed.plan(table, "--config", "device=cpu") == {"train": seeds, "evaluate": 1}
