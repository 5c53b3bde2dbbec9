"""The example notebook, its code run from start to end as somebody would run it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).parents[1] / "examples/torchvision.ipynb"
CELLS: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
CODE = ["".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code"]
# What the cells leave behind.
ASKED = """
import json
kinds = {name: [type(layer).__name__ for layer in model.modules()] for name, model in networks.items()}
found = {
    "flexible": {name: names.count("FlexibleConv2d") for name, names in kinds.items()},
    "module": type(networks["flexible"].features).__module__,
    "right": [[name, epsilon, correct] for (name, epsilon), correct in right.items()],
    "verdicts": verdicts,
}
print(json.dumps(found))
"""


def test_it_is_kept_without_outputs_and_speaks_before_it_computes() -> None:
    document = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (document["nbformat"], document["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in CELLS}) == len(CELLS)
    kinds = [cell["cell_type"] for cell in CELLS]
    assert kinds == ["markdown", "code"] * len(CODE) + ["markdown"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in CELLS[1::2])


def test_it_runs_from_start_to_end_and_finds_something() -> None:
    """Two networks that differ in one layer learn, are attacked and judged."""
    program = "\n\n".join([*CODE, ASKED])
    done = subprocess.run([sys.executable, "-W", "error", "-"], input=program, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["flexible"] == {"plain": 0, "flexible": 1}
    assert found["module"].startswith("torchvision.")
    right = {(name, epsilon): correct for name, epsilon, correct in found["right"]}
    assert len(right) == 2 * 4
    for name in ("plain", "flexible"):
        assert right[name, 0.0] > 15  # of 100 images of ten classes
        assert right[name, 0.0] > right[name, 4 / 255]
    assert set(found["verdicts"]) == {"plain", "flexible"}
    assert set(found["verdicts"].values()) <= {"robust", "masked", "undecided"}
