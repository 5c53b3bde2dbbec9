"""What each job is told: its settings and its inputs.

Settings that identify a computation are canonical: the order of their keys means nothing.
"""

import os
from collections.abc import Iterable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from flexnet.config import seeds_of
from flexnet.corruptions.headers import require_array
from flexnet.data.catalogue import DATASETS
from flexnet.data.roles import TEST, TRAIN
from flexnet.data.shapes.splits import SHAPES
from flexnet.digest import code_digest, words_of
from flexnet.errors import ConfigError, DataError
from flexnet.families.base import Visiting
from flexnet.families.registry import families, family_of
from flexnet.files import canonical_json
from flexnet.networks.registry import networks, options_of
from flexnet.options.checkpoint import CheckpointOptions
from flexnet.options.layer import UNSAID, kind_of, kinds
from flexnet.own import files_behind, is_dotted
from flexnet.reading import script_part
from flexnet.study import visiting
from flexnet.study.configuration import VARIABLES
from flexnet.study.data import images_of, splits_of
from flexnet.study.study import Study
from flexnet.training.recipe import Recipe

ARGUMENTS = {"training": TRAIN, "test": TEST}  # the role of the images behind each argument of a job
RESHAPED = ("size", "channels")  # keys of a source that change its images


def data_settings(study: Study, source: str, split: str) -> str:
    """Canonical settings of one split of a source.

    Raises:
        ConfigError: if the split plays no role there.
    """
    row = study.base["sources"][source]
    options = {key: row[key] for key in RESHAPED if key in row}
    role = role_of(study, source, split)
    if role in row:
        options["n"] = row[role]
    content = {key: row[key] for key in ("content",) if key in row}
    return canonical_json({"dataset": row["dataset"], "split": split, "options": options, **content})


def role_of(study: Study, source: str, split: str) -> str:
    """The role that a split plays in a source.

    Raises:
        ConfigError: if it plays none.
    """
    splits = splits_of(study.base["sources"][source])
    for role, name in splits.items():
        if name == split:
            return role
    raise ConfigError(
        f"data/{source}/{split}: expected a split of sources.{source} that plays a role, among"
        f" {list(splits.values())}; correct the path, or name it under `splits` in that row"
    )


def all_splits(study: Study) -> set[str]:
    """Every split that plays a role in a source."""
    return {split for row in study.base["sources"].values() for split in splits_of(row).values()}


def data_code(study: Study, source: str, split: str) -> str:
    """Digest of what decides the bytes of a split: the code that draws it, or its official content.

    Official images are recognised by their content, so it does not matter by what code they were read.
    """
    row = study.base["sources"][source]
    if row["dataset"] == SHAPES:
        return code_digest("flexnet.data.shapes.splits:generate_split")
    if row.get("content", "official") != "official":
        return code_digest("flexnet.stages.data:run", words=[row["dataset"]])
    content = dict(DATASETS[row["dataset"]].contents.get(split, {}))
    if not any(key in row for key in RESHAPED):
        return canonical_json(content)
    return canonical_json({"content": content, "code": code_digest("flexnet.data.reshape:reshape")})


def subset_settings(study: Study, home: str, dataset: str, seed: str) -> str:
    """Canonical settings of one seed's choice of images."""
    row = study.config(home)["datasets"][dataset]
    source = study.base["sources"][row["source"]]
    splits = splits_of(source)
    return canonical_json(
        {
            "row": row,
            "seed": int(seed),
            "run_seed": study.base["seed"],
            "expects": {
                argument: {"dataset": source["dataset"], "split": splits[role]}
                for argument, role in ARGUMENTS.items()
                if role in splits
            },
        }
    )


def train_settings(study: Study, home: str, model: str, seed: str) -> str:
    """Canonical settings of one training run, with the digest of the code that it runs."""
    row = study.model(home, model)
    recipe = study.config(home)["recipes"][row["recipe"]]
    return canonical_json(
        {
            "model": model,
            "seed": int(seed),
            "network": row["network"],
            "options": row.get("options", {}),
            "recipe": recipe,
            "run_seed": study.base["seed"],
            "code": _trained_code(study, home, model),
        }
    )


@cache
def _trained_code(study: Study, home: str, model: str) -> str:
    """Digest of the code that trains a model, worked out once for all its seeds."""
    row = study.model(home, model)
    recipe = study.config(home)["recipes"][row["recipe"]]
    return training_code(row["network"], row.get("options", {}), recipe)


def models_with(study: Study, key: str) -> set[str]:
    """Models whose weights come by this key of their row: `recipe` or `checkpoint`; the same at each scale.

    Raises:
        ConfigError: if a scale trains a model that another imports, so that one path would mean two things.
    """
    rows = [(name, row) for config in study.scales.values() for name, row in config["models"].items()]
    found = {name for name, row in rows if key in row}
    mixed = sorted(found & {name for name, row in rows if key not in row})
    if mixed:
        raise ConfigError(
            f"models.{mixed[0]}: expected a recipe at all scales or a checkpoint at all; got both; give the "
            "imported one a name of its own"
        )
    return found


def import_settings(study: Study, home: str, model: str, seed: str) -> str:
    """Canonical settings of one import of foreign weights, with the digest of the code that it runs."""
    row = study.model(home, model)
    code = code_digest(
        "flexnet.stages.import_weights:run",
        *network_code(row["network"], row.get("options", {})),
        words=words_of([row["network"], row.get("options", {})]),
    )
    return canonical_json(
        {
            "model": model,
            "seed": int(seed),
            "network": row["network"],
            "options": row.get("options", {}),
            "checkpoint": row["checkpoint"],
            "run_seed": study.base["seed"],
            "code": code,
        }
    )


def checkpoint_of(study: Study, home: str, model: str, seed: str) -> str:
    """The foreign file of one seed: in the working directory, or else in the data mirror."""
    file = CheckpointOptions(**study.model(home, model)["checkpoint"]).file_of(seed)
    mirror = os.environ.get(VARIABLES["data_mirror"])  # what the configuration says is in the environment
    places = [study.here, *([Path(mirror).expanduser()] if mirror else [])]
    found = next((place / file for place in places if (place / file).is_file()), None)
    if found is None:
        looked = " or ".join(map(str, places))
        raise ConfigError(
            f"{home}{model}, seed {seed}: expected its weights in {file} below {looked}; found none; put the"
            " file there, or set data_mirror to the folder that holds it"
        )
    return str(found)


def network_code(network: str, options: Mapping[str, Any]) -> list[str | Path]:
    """What builds a network and its layers, for `code_digest`: definitions, and files of the user's own."""
    layer = options_of(network).from_values(options).replaced()
    kind = None if layer is None else kind_of(options.get("layer") or {})
    own = [path for name in (network, kind) if is_dotted(name) for path in files_behind(str(name))]
    starts = [] if is_dotted(network) else [_network_start(network)]
    starts += [] if kind is None or is_dotted(kind) else [_layer_start(kind)]
    return [*dict.fromkeys([*starts, *_named_in(own)]), *own]


def _network_start(network: str) -> str:
    return f"flexnet.networks.{network}:{network}"


def _layer_start(kind: str) -> str:
    return f"flexnet.layers.{kind}:LAYER"


def _named_in(files: Iterable[Path]) -> list[str]:
    """What files of the user's own may build of this package by its name, or without a name."""
    parts = [script_part(path) for path in files]
    words = {word for part in parts for word in part.words}
    if any(("flexnet.layers.registry", "convolution") in part.uses for part in parts):
        words.add(UNSAID)
    built = [*map(_network_start, words & {*networks()}), *map(_layer_start, words & {*kinds()})]
    return sorted(built)


def training_code(network: str, options: Mapping[str, Any], recipe: Mapping[str, Any]) -> str:
    """Digest of the code that trains a network by a recipe, which may be silent about what is by default."""
    words = words_of([network, options, vars(Recipe.from_mapping(recipe))])
    return code_digest("flexnet.stages.train:run", *network_code(network, options), words=words)


def section_of(study: Study, home: str, family: str, protocol: str) -> dict[str, Any]:
    """What a protocol says to a family.

    Raises:
        ConfigError: if it does not ask this family.
    """
    declared, sections = family_of(family), study.config(home)["protocols"].get(protocol, {})
    if not declared.applies(sections):
        raise ConfigError(
            f"{home}{protocol}: expected a protocol that asks {family}; got one without a section for it;"
            f" ask for another, or add protocols.{protocol}.{family} to the configuration"
        )
    return declared.section(sections)


def told_section(study: Study, home: str, family: str, protocol: str, model: str) -> dict[str, Any]:
    """What a protocol says to a family, with what that means for a model's images."""
    section, declared = section_of(study, home, family, protocol), family_of(family)
    config, own = study.config(home), dataset_of(study, home, model)
    if isinstance(declared, Visiting):
        return visiting.told(declared, section, config, own, partial(_placed_scored, study, home))
    if declared.told is None:
        return section
    source = config["sources"][config["datasets"][own]["source"]]
    return declared.told(section, images_of(source).size)


def visited_images(study: Study, home: str, family: str, protocol: str) -> list[str]:
    """Files of images of the other datasets that a job judges on."""
    return [_scored_of(study, home, dataset)[0] for dataset in _visited(study, home, family, protocol)]


def visited_choices(study: Study, home: str, family: str, protocol: str) -> list[str]:
    """What says which images of other datasets a job judges on: manifests, and choices among the images."""
    datasets = _visited(study, home, family, protocol)
    manifests = [arrays_of(study, home, dataset, "json")["test"] for dataset in datasets]
    return [*manifests, *(_scored_of(study, home, dataset)[1] for dataset in datasets)]


def _visited(study: Study, home: str, family: str, protocol: str) -> list[str]:
    found = visiting.visited(family_of(family), section_of(study, home, family, protocol))
    return list(dict.fromkeys(found.values()))


def _scored_of(study: Study, home: str, dataset: str) -> tuple[str, str]:
    """Images of a dataset and the choice among them; those that are scored are the same for all seeds."""
    return arrays_of(study, home, dataset)["test"], subset_of(home, dataset, 1)


def _placed_scored(study: Study, home: str, dataset: str) -> tuple[str, str]:
    images, choice = _scored_of(study, home, dataset)
    return study.placed(images), study.placed(choice)


def own_files(study: Study, home: str, family: str, protocol: str) -> list[str]:
    """Files of the user's own that a protocol's section of a family names.

    Raises:
        ConfigError: if one is missing, cut, or no array.
    """
    declared = family_of(family)
    if declared.files is None:
        return []
    try:
        found = declared.files(section_of(study, home, family, protocol))
        for path in found:
            require_array(path)
        return found
    except DataError as error:
        raise ConfigError(f"{home}{protocol}: protocols.{protocol}.{family}: {error}") from error


def evaluate_settings(study: Study, home: str, family: str, protocol: str, model: str) -> str:
    """Canonical settings of one evaluation of a trained model."""
    return canonical_json(
        {
            "family": family,
            "model": model,
            "protocol": protocol,
            "settings": told_section(study, home, family, protocol, model),
            "asked": asked_of(study, home, family, model),
        }
    )


def evaluate_code(study: Study, home: str, family: str, protocol: str, model: str) -> str:
    """Digest of the code that an evaluation runs, that of the other networks that it asks for included."""
    section = told_section(study, home, family, protocol, model)
    others = named_models(study, home, family, protocol, model).values()
    rows = [study.model(home, name) for name in (model, *others)]
    told = [[row["network"], row.get("options", {})] for row in rows]
    networks = dict.fromkeys(start for network, options in told for start in network_code(network, options))
    starts = "flexnet.stages.evaluate:run", f"flexnet.evaluation.{family}:evaluate"
    return code_digest(*starts, *networks, words=words_of([told, section]))


def dataset_of(study: Study, home: str, model: str) -> str:
    """Name of the dataset of a model."""
    return str(study.model(home, model)["dataset"])


def arrays_of(study: Study, home: str, dataset: str, suffix: str = "safetensors") -> dict[str, str]:
    """Files of the splits of a dataset, by the name of a job's argument; one that is only judged has one."""
    config = study.config(home)
    source = config["datasets"][dataset]["source"]
    splits = splits_of(config["sources"][source])
    return {
        argument: f"data/{source}/{splits[role]}.{suffix}"
        for argument, role in ARGUMENTS.items()
        if role in splits
    }


def subset_of(home: str, dataset: str, seed: int | str) -> str:
    """File that says which images a seed trains on and is scored on."""
    return f"{home}results/subsets/{dataset}/seed{seed}.json"


def weights_of(home: str, model: str, seed: int | str, suffix: str = "safetensors") -> str:
    """A file of a trained network."""
    return f"{home}results/models/{model}/seed{seed}.{suffix}"


def seeds_in(study: Study, home: str, model: str, seeds: str) -> list[int]:
    """Seeds of an evaluation: `seed3`, or `all`."""
    if seeds == "all":
        return seeds_of(study.config(home), model)
    return [int(seeds.removeprefix("seed"))]


def named_models(study: Study, home: str, family: str, protocol: str, model: str) -> dict[str, str]:
    """The other models of an evaluation by the key that names them."""
    section, asked = section_of(study, home, family, protocol), asked_of(study, home, family, model)
    return family_of(family).named(section, asked, model)


def other_models(
    study: Study, home: str, family: str, protocol: str, model: str, seeds: str
) -> dict[str, list[str]]:
    """Weights of the other models of an evaluation by the key that names them, one for each of its seeds."""
    named = named_models(study, home, family, protocol, model)
    chosen = seeds_in(study, home, model, seeds)
    return {key: [weights_of(home, other, seed) for seed in chosen] for key, other in named.items()}


def other_histories(study: Study, home: str, family: str, protocol: str, model: str, seeds: str) -> list[str]:
    """Histories of the other models of an evaluation: that they were trained again is told by these."""
    named = named_models(study, home, family, protocol, model)
    chosen = seeds_in(study, home, model, seeds)
    return [weights_of(home, other, seed, "history.csv") for other in named.values() for seed in chosen]


def asked_of(study: Study, home: str, family: str, model: str) -> Any:
    """What a model row says to a family; None if nothing."""
    return study.model(home, model).get("at_test", {}).get(family)


def asking_families() -> list[str]:
    """Names of the families whose jobs ask trained models."""
    return [name for name, family in families().items() if family.subject == "trained"]
