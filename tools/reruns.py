"""Print what makes jobs run again, as README shows it; the tests try every line on a finished project."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
WORDS = {
    "prepare_data": "data",
    "choose_subset": "choice of images",
    "train": "training",
    "evaluate": "evaluation",
    "collect_rows": "rows",
    "draw_figure": "figures",
}


def table(changes: dict[str, dict[str, Any]]) -> str:
    """The table as Markdown: a change, and what runs again."""
    lines = [f"| {change} | {runs_again(told)} |" for change, told in changes.items()]
    return "\n".join(["| change of | what runs again |", "| --- | --- |", *lines])


def runs_again(told: dict[str, Any]) -> str:
    """The kinds of jobs that run again, in words."""
    return ", ".join(WORDS[rule] for rule in told.get("runs", {})) or "nothing"


if __name__ == "__main__":
    print(table(yaml.safe_load((ROOT / "tests/workflow/reruns.yaml").read_text(encoding="utf-8"))))
