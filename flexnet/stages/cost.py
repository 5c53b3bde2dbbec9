"""Stage `cost`: how fast this machine trains, measured by a few steps of the real thing."""

import json
from argparse import Namespace
from typing import Any

import torch

from flexnet.errors import ConfigError
from flexnet.stages._common import set_up_cpu
from flexnet.training.cost import core_seconds_per_image
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun


def run(settings: dict[str, Any], files: Namespace) -> None:
    """Print, as one JSON object, the seconds that a core works for an image of each run.

    Settings: `runs`, by any name: network, options and recipe of each.

    Raises:
        ConfigError: if `runs` is no mapping, or a network, an option or a key of a recipe is not allowed.
    """
    if not isinstance(settings["runs"], dict):
        raise ConfigError(f"runs: expected a mapping of runs by name; got {settings['runs']!r}; correct it")
    set_up_cpu(1)
    found = {}
    for name, row in settings["runs"].items():
        recipe = Recipe.from_mapping(row["recipe"])
        plan = TrainingRun("cost", 1, row["network"], row["options"], recipe)
        found[name] = core_seconds_per_image(plan, torch.device("cpu"))
    print(json.dumps(found))
