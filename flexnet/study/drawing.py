"""What the jobs that draw figures and judge claims are told."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flexnet.config import Config, classes_of
from flexnet.data.catalogue import DATASETS
from flexnet.digest import code_digest, file_digest
from flexnet.files import canonical_json, ordered_json
from flexnet.study.study import Study, scale_name
from flexnet.yaml_files import read_yaml


def training_images(config: Config, dataset: str) -> int:
    """Number of training images of a configured dataset."""
    row = config["datasets"][dataset]
    source = config["sources"][row["source"]]
    if row.get("per_class"):
        return int(row["per_class"] * classes_of(config, dataset))
    if "train" in source:
        return int(source["train"])
    return max(DATASETS[source["dataset"]].splits["train"])


def reductions_of(model: Mapping[str, Any]) -> str:
    """What a caption must say of a network that is smaller than the paper's."""
    options = model.get("options", {})
    factors = [
        f"{options[key]:g} of its {word}"
        for key, word in (("width", "width"), ("dropout", "dropout rates"))
        if options.get(key, 1) != 1
    ]
    return f" (with {' and '.join(factors)})" if factors else ""


def uniform_thresholds(config: Config, models: Mapping[str, str]) -> dict[str, float]:
    """The one threshold that each series' model was trained with, of those that have one."""
    layers = {
        series: config["models"][model].get("options", {}).get("layer", {})
        for series, model in models.items()
    }
    return {series: layer["value"] for series, layer in layers.items() if layer.get("scheme") == "uniform"}


def title_of(study: Study, home: str, source: Mapping[str, Any]) -> str:
    """What a caption calls a source, and that its content is not the official one where it may not be.

    Published rows were made with the configuration of then: what is allowed today says nothing of them.
    """
    doubt = " (content not the official one, or not known to be)"
    other = home in study.scales and source.get("content") == "other"
    return str(source["title"]) + (doubt if other else "")


def facts_of(study: Study, home: str, figure: str, protocol: str) -> dict[str, Any]:
    """What caption and legend must know beside the table."""
    config = study.settings_of_rows(home, protocol, figure)
    described = study.figures[figure]
    models = study.series(figure, protocol)
    model = config["models"][next(iter(models.values()))]
    source = config["sources"][config["datasets"][model["dataset"]]["source"]]
    return {
        "scale": scale_name(home),
        "protocol": protocol,
        "dataset": title_of(study, home, source),
        "series": list(models),
        "labels": described.get("labels", {}),
        "thresholds": uniform_thresholds(config, models),
        "classes": classes_of(config, model["dataset"]),
        "train_images": training_images(config, model["dataset"]),
        "epochs": config["recipes"][model["recipe"]]["epochs"],
        "network": described["network"] + reductions_of(model),
        "note": config["note"].strip(),
        "published": described.get("published", ""),
        "evidence": study.evidence(home),
    }


def figure_settings(study: Study, home: str, variant: str, figure: str) -> str:
    """Settings of one drawing, in the order of the registry."""
    facts = facts_of(study, home, figure, study.variants[variant])
    return ordered_json({"figure": figure, "facts": facts, "caption": study.figures[figure]["caption"]})


def figure_note(study: Study, home: str, variant: str, figure: str) -> str:
    """What readers of the report must know of a figure's rows."""
    config = study.settings_of_rows(home, study.variants[variant], figure)
    return str(config["note"]).strip()


def figure_rows(study: Study, home: str, variant: str, figure: str) -> str:
    """Rows that a figure shows."""
    return study.rows_file(home, study.variants[variant], figure)


def figure_code(script: Path, figure: str) -> str:
    """Digest of the code that draws one figure."""
    return file_digest(script) + code_digest(f"flexnet.figures.{figure}")


def ledger_rows(study: Study, home: str) -> list[str]:
    """Rows of every figure and protocol; of published rows, those that there are."""
    return [
        study.rows_file(home, protocol, figure)
        for protocol in study.protocols
        for figure in study.figures
        if not study.is_schematic(figure)
        if (
            study.is_published(home, protocol, figure)
            if home in study.published_rows
            else study.shown(home, figure, protocol)
        )
    ]


def ledger_settings(study: Study, home: str) -> str:
    """Canonical settings of the judgement of all claims."""
    config = study.settings(home)
    datasets = {
        name: config["models"][next(iter(figure["series"].values()))]["dataset"]
        for name, figure in study.figures.items()
    }
    return canonical_json(
        {
            "scale": scale_name(home),
            "protocols": study.protocols,
            "note": study.note(home),
            "evidence": study.evidence(home),
            "classes": {figure: classes_of(config, dataset) for figure, dataset in datasets.items()},
        }
    )


def claims_data(folder: Path) -> list[str]:
    """The papers' claims and numbers, which judge results and mark figures."""
    return [ordered_json(read_yaml(paper)) for paper in sorted(folder.glob("*.yaml"))]
