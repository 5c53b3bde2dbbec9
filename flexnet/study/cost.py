"""What the cost notice is told about training runs."""

from collections.abc import Mapping, Sequence
from typing import Any

from flexnet.study.data import used_images
from flexnet.study.study import Study
from flexnet.study.targets import figure_at


def kept(study: Study, home: str, targets: Sequence[str]) -> list[str]:
    """Those of some targets of the papers' scale that published rows give at once, as targets there."""
    shown = {target: figure_at(study, target) for target in targets}
    return [f"{home}{name}" for name, found in shown.items() if found and study.is_published(home, *found)]


def training_plan(study: Study, home: str, models: Mapping[str, int]) -> list[dict[str, Any]]:
    """What the training runs of some models are made of at a scale, for the `cost` stage.

    Args:
        study: the study.
        home: of the scale.
        models: how many runs of each are pending at the scale of the papers; another scale runs all seeds.
    """
    config = study.config(home)
    plan = []
    for model, count in models.items():
        row = config["models"][model]
        if "recipe" not in row:  # imported
            continue
        data = config["datasets"][row["dataset"]]
        used = used_images(data, config["sources"][data["source"]])
        plan.append(
            {
                "network": row["network"],
                "options": row.get("options", {}),
                "recipe": config["recipes"][row["recipe"]],
                "training": used.training,
                "scored": used.scored,
                "count": count if home == "" else row["seeds"],
            }
        )
    return plan
