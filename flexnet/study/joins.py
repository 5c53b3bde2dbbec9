"""What the jobs behind one figure are told: those that join its rows, and those that describe its modules.

A figure's series are told in the order of the registry: that of captions, legends, panels and tables.
"""

import json
from typing import Any

from flexnet.config import seeds_of
from flexnet.digest import code_digest, words_of
from flexnet.errors import ConfigError
from flexnet.families.base import Family
from flexnet.files import ordered_json
from flexnet.study.data import images_of
from flexnet.study.jobs import arrays_of, dataset_of, network_code, section_of, subset_of, weights_of
from flexnet.study.study import Study


def family_files(study: Study, home: str, protocol: str, figure: str) -> dict[str, list[str]]:
    """Files of rows of a figure, by series.

    Raises:
        ConfigError: as `_space_of`: before anything is trained for it.
    """
    _space_of(study, home, protocol, figure)
    parts = [_files_of(study, home, protocol, figure, family) for family in study.families(figure)]
    return {series: [path for part in parts for path in part[series]] for series in parts[0]}


def _files_of(study: Study, home: str, protocol: str, figure: str, family: Family) -> dict[str, list[str]]:
    """Files of the rows of one family, by series."""
    config, found = study.config(home), {}
    for series, model in study.series(home, figure, protocol).items():
        files = [rows_file(family, home, protocol, model, seed) for seed in seeds_of(config, model)]
        found[series] = list(dict.fromkeys(files))
    return found


def rows_file(family: Family, home: str, protocol: str, model: str, seed: int) -> str:
    """File of the rows of a family that holds those of one training seed."""
    if family.subject == "training":
        return weights_of(home, model, seed, "history.csv")
    job = "all" if family.seeds == "all" else f"seed{seed}"
    return f"{home}results/{family.name}/{protocol}/{model}/{job}.csv"


def collect_code(study: Study, figure: str) -> str:
    """Digest of the code that joins the rows of a figure."""
    found = [f"flexnet.families.{family.name}:FAMILY" for family in study.families(figure)]
    return code_digest("flexnet.stages.collect:run", *found)


def collect_settings(study: Study, home: str, protocol: str, figure: str) -> str:
    """Settings of the join of a figure's rows, in the order of the registry."""
    first, *others = study.families(figure)
    rules = study.config(home)["protocols"][protocol]
    runs = {
        name: [run_of(study, home, model, seed) for seed in seeds_of(study.config(home), model)]
        for name, model in study.series(home, figure, protocol).items()
    }
    also = {each.name: _placed_files(study, home, protocol, figure, each) for each in others}
    paired = {key: study.figures[figure][key] for key in ("paired",) if key in study.figures[figure]}
    return ordered_json(
        {
            "family": first.name,
            "figure": figure,
            "protocol": protocol,
            "series": _placed_files(study, home, protocol, figure, first),
            "band": rules.get("band", "interval"),
            "space": _space_of(study, home, protocol, figure),
            "runs": runs,
            **paired,
            **({"also": also} if also else {}),
        }
    )


def _placed_files(
    study: Study, home: str, protocol: str, figure: str, family: Family
) -> dict[str, list[str]]:
    files = _files_of(study, home, protocol, figure, family)
    return {name: list(map(study.placed, paths)) for name, paths in files.items()}


def _space_of(study: Study, home: str, protocol: str, figure: str) -> str | None:
    """Unit of epsilon of a figure's families, if any has one.

    Raises:
        ConfigError: if they have several, which one figure would show as one.
    """
    spaces = _spaces(study, home, protocol, figure)
    if len(set(spaces.values())) > 1:
        got = ", ".join(f"{family} in {space!r}" for family, space in spaces.items())
        others = [name for name in study.protocols if _agree(study, home, name, figure)]
        raise ConfigError(
            f"{home}{protocol}: expected the families of {figure} in one unit of epsilon; got {got}; "
            + (
                f"ask for it under {' or '.join(others)}, and say so by `protocols` of the figure"
                if others
                else "give their sections one space"
            )
        )
    return next(iter(spaces.values()), None)


def _spaces(study: Study, home: str, protocol: str, figure: str) -> dict[str, str]:
    """Unit of epsilon of each family of a figure that has one."""
    asked = [family.name for family in study.families(figure)]
    spaces = {family: section_of(study, home, family, protocol).get("space") for family in asked}
    return {family: space for family, space in spaces.items() if space}


def _agree(study: Study, home: str, protocol: str, figure: str) -> bool:
    """Whether a figure can be shown under a protocol."""
    shown = study.shown(home, figure, protocol)
    return shown and len(set(_spaces(study, home, protocol, figure).values())) <= 1


def run_of(study: Study, home: str, model: str, seed: int) -> dict[str, Any]:
    """Where a run says what it was: its files, and what captions call its images."""
    config, dataset = study.config(home), dataset_of(study, home, model)
    manifests = arrays_of(study, home, dataset, "json").values()
    return {
        "weights": study.placed(weights_of(home, model, seed)),
        "subset": study.placed(subset_of(home, dataset, seed)),
        "manifests": list(map(study.placed, manifests)),
        "title": config["sources"][config["datasets"][dataset]["source"]]["title"],
    }


def runs_behind(study: Study, home: str, protocol: str, figure: str) -> list[str]:
    """Files in which the runs behind a figure say what they were."""
    config, found = study.config(home), []
    for model in study.series(home, figure, protocol).values():
        dataset = dataset_of(study, home, model)
        for seed in seeds_of(config, model):
            found += [weights_of(home, model, seed), subset_of(home, dataset, seed)]
        found += arrays_of(study, home, dataset, "json").values()
    return list(dict.fromkeys(found))


def describe_settings(study: Study, home: str, protocol: str, figure: str) -> str:
    """Settings of the description of a schematic's networks, in the order of the registry."""
    described: dict[str, Any] = {}
    for series, model in study.series(home, figure, protocol).items():
        row = study.model(home, model)
        described[series] = {"network": row["network"], "options": row.get("options", {})}
        more = _described_more(study, home, protocol, figure, model)
        described[series] |= {"more": more} if more else {}
    row = study.figures[figure]
    example = {key: row[key] for key in ("example",) if key in row}
    family = study.family(figure).name
    return ordered_json(
        {"family": family, "figure": figure, "protocol": protocol, "series": described, **example}
    )


def _described_more(study: Study, home: str, protocol: str, figure: str, model: str) -> dict[str, Any]:
    """What a family is told of a schematic's network beside its options: tables, the image that it shows."""
    declared, config = study.family(figure), study.config(home)
    source = config["sources"][config["datasets"][dataset_of(study, home, model)]["source"]]
    more: dict[str, Any] = {}
    if declared.told is not None:
        section = config["protocols"].get(protocol, {}).get(declared.base, {})
        more["told"] = declared.told(section, images_of(source).size)
    if declared.images:
        more |= {"image": study.figures[figure].get("image", 0), "title": source["title"]}
    return more


def described_images(study: Study, home: str, protocol: str, figure: str) -> list[str]:
    """The file of the images that a schematic shows, if it shows any."""
    return _described(study, home, protocol, figure, "safetensors")


def described_manifests(study: Study, home: str, protocol: str, figure: str) -> list[str]:
    """What says which images these are: of images that were prepared again too."""
    return _described(study, home, protocol, figure, "json")


def _described(study: Study, home: str, protocol: str, figure: str, suffix: str) -> list[str]:
    if not study.family(figure).images:
        return []
    model = next(iter(study.series(home, figure, protocol).values()))
    return [arrays_of(study, home, dataset_of(study, home, model), suffix)["test"]]


def describe_code(study: Study, home: str, protocol: str, figure: str) -> str:
    """Digest of the code that describes a schematic's networks."""
    rows = [study.model(home, model) for model in study.series(home, figure, protocol).values()]
    networks = [start for row in rows for start in network_code(row["network"], row.get("options", {}))]
    family = f"flexnet.evaluation.{study.family(figure).name}:describe"
    words = [*words_of([[row["network"], row.get("options", {})] for row in rows])]
    if study.family(figure).told is not None:  # names of corruptions, for instance
        words = [*words, *words_of(json.loads(describe_settings(study, home, protocol, figure)))]
    return code_digest("flexnet.stages.describe:run", family, *networks, words=words)
