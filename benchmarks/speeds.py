"""`python -m benchmarks.speeds`: how long a core works for an image, for every model of every scale.

Writes `flexnet/study/speeds.json`, from which costs are estimated before anything has run. What is there
stays; what is added is as of the machine of the table, by how fast a row of the table with the same precision
runs here, of the same network if there is one: a machine may be much faster in bf16 and as fast in float32.
"""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch

from benchmarks.memory import begin_as_jobs_do
from flexnet.files import atomic_path, canonical_json
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


def kin_of(key: str, known: Mapping[str, float], timed: Collection[str]) -> str:
    """The row of the table beside which another one is timed: of its precision, if it can of its network."""
    network, _, _, precision, *_ = json.loads(key)
    alike = [json.loads(other) for other in timed if other in known and other != REFERENCE_KEY]
    alike = [other for other in alike if other[3] == precision]
    same = [other for other in alike if other[0] == network]
    return canonical_json((same or alike)[0]) if alike else REFERENCE_KEY


def main() -> None:
    """Time what is not in the table yet."""
    begin_as_jobs_do()
    torch.set_flush_denormal(True)
    torch.set_num_threads(1)
    found = dict(speeds())
    rows = wanted()
    here: dict[str, float] = {}
    for key, row in rows.items():
        if key in found:
            continue
        kin = REFERENCE_KEY if key == REFERENCE_KEY else kin_of(key, found, rows)
        here[kin] = here.get(kin) or min(seconds_here(rows[kin]) for _ in range(5))
        found[key] = float(f"{found.get(kin, here[kin]) / here[kin] * seconds_here(row):.3g}")
        print(found[key], key, flush=True)
        with atomic_path(SPEEDS) as temporary:
            temporary.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
