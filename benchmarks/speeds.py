"""`python -m benchmarks.speeds`: how long a core works for an image, for every model of every scale.

Writes `flexnet/study/speeds.json`, from which costs are estimated before anything has run. What is there
stays; what is added is as of the machine of the table, by how fast the reference runs here.
"""

import json
from pathlib import Path
from typing import Any

import torch

from benchmarks.memory import begin_as_jobs_do
from flexnet.files import atomic_path
from flexnet.study.cost import timed_models
from flexnet.study.here import study_here
from flexnet.study.speeds import REFERENCE, REFERENCE_KEY, SPEEDS, run_of, speed_key, speeds
from flexnet.training.cost import core_seconds_per_image
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun

ROOT = Path(__file__).resolve().parents[1]


def wanted() -> dict[str, dict[str, Any]]:
    """What is timed, by key: the reference first."""
    study, found = study_here(ROOT, ROOT), {REFERENCE_KEY: REFERENCE}
    for home, config in study.scales.items():
        for name in timed_models(study, home):
            key = speed_key(config, name)
            if key is not None:
                found[key] = run_of(config, name)
    return found


def seconds_here(row: dict[str, Any]) -> float:
    """Seconds that a core of this machine works for an image."""
    run = TrainingRun("cost", 1, row["network"], row["options"], Recipe.from_mapping(row["recipe"]))
    return core_seconds_per_image(run, torch.device("cpu"))


def main() -> None:
    """Time what is not in the table yet."""
    begin_as_jobs_do()
    torch.set_flush_denormal(True)
    torch.set_num_threads(1)
    found = dict(speeds())
    lacking = {key: row for key, row in wanted().items() if key not in found}
    if not lacking:
        return
    here = min(seconds_here(REFERENCE) for _ in range(5))
    factor = found.get(REFERENCE_KEY, here) / here
    for key, row in lacking.items():
        found[key] = float(f"{factor * seconds_here(row):.3g}")
        print(found[key], key, flush=True)
        with atomic_path(SPEEDS) as temporary:
            temporary.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
