"""`python -m benchmarks.speeds`: how long a core works for an image, for every model of every scale.

Writes `flexnet/study/speeds.json`, from which costs are estimated before anything has run.
What is there stays.
"""

import json
from pathlib import Path

import torch

from flexnet.files import atomic_path
from flexnet.study.configuration import Given, load_figures, load_scales
from flexnet.study.places import Places
from flexnet.study.speeds import REFERENCE, REFERENCE_KEY, SPEEDS, run_of, speed_key, speeds
from flexnet.study.study import Study
from flexnet.training.cost import core_seconds_per_image
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun
from flexnet.yaml_files import read_yaml

ROOT = Path(__file__).resolve().parents[1]


def study() -> Study:
    """The study of this checkout."""
    places = Places(ROOT, ROOT)
    scales = load_scales(places, read_yaml(ROOT / "workflow/schemas/config.schema.yaml"), Given())
    figures = load_figures(places, read_yaml(ROOT / "workflow/schemas/figures.schema.yaml"), scales)
    return Study(scales, figures, {}, ROOT)


def main() -> None:
    """Time what is not in the table yet."""
    torch.set_flush_denormal(True)
    torch.set_num_threads(1)
    found = dict(speeds())
    wanted = {REFERENCE_KEY: REFERENCE}
    for config in study().scales.values():
        for name in config["models"]:
            key = speed_key(config, name)
            if key is not None:
                wanted[key] = run_of(config, name)
    for key, row in wanted.items():
        if key in found:
            continue
        recipe = Recipe.from_mapping(row["recipe"])
        run = TrainingRun("cost", 1, row["network"], row["options"], recipe)
        found[key] = float(f"{core_seconds_per_image(run, torch.device('cpu')):.3g}")
        print(found[key], key, flush=True)
        with atomic_path(SPEEDS) as temporary:
            temporary.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
