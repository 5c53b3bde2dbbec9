"""How long one core works for one image of a training step, as it was measured once on one machine.

The table is for estimates before anything has run; `python -m benchmarks.speeds` measures what it lacks. How
fast another machine is, one of its networks tells; before long work those that will be trained are timed too.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from flexnet.files import canonical_json
from flexnet.training.recipe import Recipe

# One of the table, small and quick to time, by which another machine is compared with that of the table.
REFERENCE = {
    "network": "small",
    "options": {},
    "recipe": {"batch_size": 64, "epochs": 1, "learning_rate": 0.01},
}
MOST = 6  # networks that are timed before a run; of further ones the table's, or those of the same name
TIMED, PATIENCE = 80, 10.0  # images by which one is timed; seconds that they may take by the table, in all
REFERENCE_KEY = "reference"
_MEASURED: dict[str, float] = {}
SPEEDS = Path(__file__).with_name("speeds.json")


@cache
def speeds() -> Mapping[str, float]:
    """Seconds by key; empty if nothing was measured."""
    found: dict[str, float] = json.loads(SPEEDS.read_text(encoding="utf-8")) if SPEEDS.is_file() else {}
    return found


def known() -> Mapping[str, float]:
    """The table, and what was measured in this run, as of the machine of the table."""
    return {**speeds(), **_MEASURED}


def run_of(config: Mapping[str, Any], model: str) -> dict[str, Any]:
    """A model as the `cost` stage times it."""
    row = config["models"][model]
    recipe = config["recipes"][row["recipe"]]
    return {"network": row["network"], "options": row.get("options", {}), "recipe": recipe}


def to_time(models: Iterable[tuple[Mapping[str, Any], str]]) -> dict[str, dict[str, Any]]:
    """What is to be timed before a run, by key: the reference, what the table lacks, and what is soon timed.

    Two machines differ by more than one number: one may be much faster in bf16, and as fast in float32.

    Args:
        models: configuration of a scale, and name of a model, of each that will be trained.
    """
    found, left = {REFERENCE_KEY: REFERENCE}, PATIENCE
    for config, model in sorted(models, key=lambda each: speed_key(*each) in speeds()):
        key = speed_key(config, model)
        seconds = TIMED * speeds().get(key or "", 0.0)
        if key is not None and key not in found and len(found) <= MOST and seconds <= left:
            found[key] = run_of(config, model)
            left -= seconds
    return found


def learn(measured: Mapping[str, float]) -> float:
    """Take over what was timed here; return how much longer this machine takes than that of the table.

    Args:
        measured: seconds by key, the reference among them.
    """
    factor = measured[REFERENCE_KEY] / speeds()[REFERENCE_KEY]
    _MEASURED.update({key: seconds / factor for key, seconds in measured.items() if key != REFERENCE_KEY})
    return factor


def speed_key(config: Mapping[str, Any], model: str) -> str | None:
    """What of a model decides how long an image takes; None if it is not trained."""
    row = config["models"][model]
    if "recipe" not in row:
        return None
    recipe = Recipe.from_mapping(config["recipes"][row["recipe"]])
    costly = [recipe.batch_size, recipe.precision, recipe.augmentations()]
    costly += [recipe.adversarial] if recipe.adversarial else []
    return canonical_json([row["network"], _costly_options(row), *costly])


def _costly_options(row: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a network that decide how long an image takes; with any normalisation it takes as long."""
    return {name: value for name, value in row.get("options", {}).items() if name != "normalise"}


def seconds_per_image(config: Mapping[str, Any], model: str) -> float | None:
    """Seconds of a core for an image of a model; for one that is not in the table, those of its network.

    Of weights that are taken over those of the same network with the same options count, however it is
    trained. None where no network of that name is in the table.
    """
    key = speed_key(config, model)
    if key in known():
        return known()[key or ""]
    row = config["models"][model]
    for alike in ([row["network"], _costly_options(row)], [row["network"]]):
        begins = f"{canonical_json(alike)[:-1]},"
        if found := [seconds for other, seconds in known().items() if other.startswith(begins)]:
            return median(found)
    return None
