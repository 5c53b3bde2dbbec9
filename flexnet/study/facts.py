"""The facts of rows that were published before runs told them: from the configuration of then."""

from collections.abc import Mapping
from typing import Any

from flexnet.config import series_of
from flexnet.data.shapes.splits import SHAPES
from flexnet.study.data import used_images
from flexnet.tables.facts import FigureFacts
from flexnet.training.recipe import Recipe


def facts_from_config(
    name: str, figure: Mapping[str, Any], protocol: str, config: Mapping[str, Any]
) -> FigureFacts:
    """What a configuration says of the runs behind a figure, as `flexnet.tables.facts` has it from them.

    Only for rows whose runs left no facts. Series whose model the configuration lacks are left out: nothing
    of them was run.

    Args:
        name: of the figure.
        figure: its row of the registry.
        protocol: of the rows.
        config: the configuration of then, whose rows have taken over what they are like.

    Raises:
        DataError: if it does not say what is needed.
    """
    models = series_of(figure, protocol)
    known = {series: model for series, model in models.items() if model in config["models"]}
    rules = config["protocols"].get(protocol, {})
    document = {
        "figure": name,
        "protocol": protocol,
        # Before a protocol said it itself, this was how it was shown.
        "band": rules.get("band", "interval" if protocol == "corrected" else "sem"),
        "space": rules.get("fgsm", {}).get("space"),
        "series": [_series(series, model, config) for series, model in known.items()],
    }
    return FigureFacts.from_document(document, f"configuration of {name}, {protocol} protocol")


def _series(series: str, model: str, config: Mapping[str, Any]) -> dict[str, Any]:
    row = config["models"][model]
    dataset = config["datasets"][row["dataset"]]
    source = config["sources"][dataset["source"]]
    used = used_images(dataset, source)
    generated = source["dataset"] == SHAPES
    return {
        "name": series,
        "model": model,
        "network": row["network"],
        "options": row.get("options", {}),
        "recipe": whole_recipe(config["recipes"][row["recipe"]]) if "recipe" in row else None,
        "title": source["title"],
        "content": "generated" if generated else source.get("content", "official"),
        "classes": used.classes,
        "training_images": used.training if "recipe" in row else None,
        "scored_images": used.scored,
        "seeds": list(range(1, int(row["seeds"]) + 1)),
    }


def whole_recipe(row: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe with everything that it leaves to its defaults, as weights files tell it."""
    return Recipe().told() | dict(row)
