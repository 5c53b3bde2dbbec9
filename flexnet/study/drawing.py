"""What the jobs that draw figures and judge claims are told."""

from pathlib import Path
from typing import Any

from flexnet.config import classes_of, note_of
from flexnet.digest import code_digest, file_digest
from flexnet.figures.facts import datasets_of, reduced
from flexnet.figures.names import module_of
from flexnet.files import canonical_json, ordered_json
from flexnet.study.facts import facts_from_config
from flexnet.study.published import told_from
from flexnet.study.study import Study, scale_name
from flexnet.tables.facts import FigureFacts, facts_path
from flexnet.yaml_files import read_yaml


def words_of(study: Study, home: str, figure: str, protocol: str) -> dict[str, Any]:
    """The texts of a figure, which come from the configuration; what was run is told by the runs."""
    described = study.figures[figure]
    return {
        "scale": scale_name(home),
        "protocol": protocol,
        "series": list(study.series(home, figure, protocol)),
        "labels": described.get("labels", {}) | described.get("relabelled", {}).get(protocol, {}),
        "network": _network_of(study, home, figure, protocol),
        "note": note_of(study.config_of_rows(home, protocol, figure)),
        "published": described.get("published", ""),
        "evidence": study.evidence(home),
    }


def _network_of(study: Study, home: str, figure: str, protocol: str) -> str:
    """What captions call a figure's network. A schematic has no runs that say in what it is smaller."""
    network = str(study.figures[figure]["network"])
    if not study.is_schematic(figure):
        return network
    models = study.series(home, figure, protocol).values()
    return reduced(network, [study.model(home, model).get("options", {}) for model in models])


def figure_facts(study: Study, home: str, variant: str, figure: str) -> list[str]:
    """The file of what was run for a figure: none of a schematic, or of rows published without one."""
    if study.is_schematic(figure):
        return []
    path = str(facts_path(study.rows_file(home, study.variants[variant], figure)))
    return [path] if home not in study.published_rows or Path(path).is_file() else []


def figure_settings(study: Study, home: str, variant: str, figure: str) -> str:
    """Settings of one drawing, in the order of the registry."""
    protocol, row = study.variants[variant], study.figures[figure]
    words = words_of(study, home, figure, protocol)
    settings = {"figure": figure, "words": words, "caption": row["caption"]}
    if not study.is_schematic(figure) and not figure_facts(study, home, variant, figure):
        settings["runs"] = _runs(study, home, protocol, figure).document()
    return ordered_json(settings)


def figure_note(study: Study, home: str, variant: str, figure: str) -> str:
    """What readers of the report must know of a figure's rows."""
    return note_of(study.config_of_rows(home, study.variants[variant], figure))


def figure_rows(study: Study, home: str, variant: str, figure: str) -> str:
    """Rows that a figure shows."""
    return study.rows_file(home, study.variants[variant], figure)


def figure_code(script: Path, figure: str) -> str:
    """Digest of the code that draws one figure."""
    return file_digest(script) + code_digest(module_of(figure))


def ledger_rows(study: Study, home: str) -> list[str]:
    """Rows of every figure and protocol of everything; of published rows, those that there are."""
    return [
        study.rows_file(home, protocol, figure)
        for protocol in study.protocols
        for figure in study.figures
        if not study.is_schematic(figure)
        if (
            study.is_published(home, protocol, figure)
            if home in study.published_rows
            else study.in_everything(home, figure, protocol)
        )
    ]


def ledger_facts(study: Study, home: str) -> list[str]:
    """The files of what was run for these rows; published rows may have none."""
    paths = [str(facts_path(path)) for path in ledger_rows(study, home)]
    return [path for path in paths if home not in study.published_rows or Path(path).is_file()]


def ledger_settings(study: Study, home: str) -> str:
    """Canonical settings of the judgement of all claims."""
    config = study.config(home)
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
            "images": _images_without_facts(study, home),
            "classes": {figure: classes_of(config, dataset) for figure, dataset in datasets.items()},
        }
    )


def _images_without_facts(study: Study, home: str) -> dict[str, dict[str, str]]:
    """What captions call the images of rows that were published before runs told their facts."""
    found: dict[str, dict[str, str]] = {}
    for protocol in study.protocols if home in study.published_rows else ():
        for figure in study.figures:
            path = study.rows_file(home, protocol, figure)
            if not study.is_schematic(figure) and Path(path).is_file() and not facts_path(path).is_file():
                runs = _runs(study, home, protocol, figure)
                found.setdefault(protocol, {})[figure] = datasets_of(runs)
    return found


def _runs(study: Study, home: str, protocol: str, figure: str) -> FigureFacts:
    """What was run for rows that lie beside no facts, by the configuration that made them."""
    config = study.config_of_rows(home, protocol, figure)
    with told_from(study.published_rows.get(home, Path(home))):
        return facts_from_config(figure, study.figures[figure], protocol, config)


def claims_data(folder: Path) -> list[str]:
    """The papers' claims and numbers, which judge results and mark figures."""
    return [ordered_json(read_yaml(paper)) for paper in sorted(folder.glob("*.yaml"))]
