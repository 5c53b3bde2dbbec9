"""The configuration: laying scales over it, what is refused and how, and that all that is shipped works."""

import copy
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
import torch

from flexnet import config as settings
from flexnet.data.catalogue import DATASETS
from flexnet.data.shapes.objects import CLASSES as SHAPES
from flexnet.errors import ConfigError
from flexnet.families.fgsm import FgsmSettings
from flexnet.families.registry import family_of
from flexnet.files import canonical_json
from flexnet.networks.registry import build, expected_images
from flexnet.study.data import images_of
from flexnet.training.recipe import Recipe

ROOT = Path(__file__).parents[1]
SCHEMA = settings.read_yaml(ROOT / "workflow/schemas/config.schema.yaml")
FIGURES = settings.read_yaml(ROOT / "config/figures.yaml")
BASE = settings.read_yaml(ROOT / "config/config.yaml")
LAYERS: dict[str, Any] = {
    "paper": {},
    **{name: settings.read_yaml(path) for name, path in settings.scale_files(ROOT / "config/scales")},
}


def names(rows: Collection[str]) -> str:
    """The names of rows as a message lists them, for a pattern."""
    return re.escape(str(sorted(rows)))


def resolved(scale: str) -> settings.Config:
    return settings.resolve(settings.lay_over(BASE, LAYERS[scale]), scale)


def rows(section: str) -> list[Any]:
    """One test parameter for each scale and row of a section."""
    return [
        pytest.param(scale, row, id=f"{scale}-{name}")
        for scale in LAYERS
        for name, row in resolved(scale)[section].items()
    ]


# --- laying over -----------------------------------------------------------------------------------


def test_mappings_merge_and_everything_else_is_replaced() -> None:
    base = {"a": {"x": 1, "y": [1, 2, 3]}, "b": 5, "c": {"deep": {"k": 1}}}
    above = {"a": {"y": [9], "z": None}, "c": {"deep": {"l": 2}}, "d": {}}
    merged = {"a": {"x": 1, "y": [9], "z": None}, "b": 5, "c": {"deep": {"k": 1, "l": 2}}, "d": {}}
    assert settings.lay_over(base, above) == merged


@pytest.mark.parametrize(("base", "above"), [({"a": 1}, 2), (2, {"a": 1}), ({"a": 1}, None), ([1], [2])])
def test_what_is_no_pair_of_mappings_is_replaced(base: Any, above: Any) -> None:
    assert settings.lay_over({"k": base}, {"k": above}) == {"k": above}


def test_laying_over_changes_neither_side_and_shares_nothing() -> None:
    base: dict[str, Any] = {"a": {"x": [1]}, "b": [1]}
    above: dict[str, Any] = {"c": {"y": [2]}}
    merged = settings.lay_over(base, above)
    for part in (merged["a"]["x"], merged["b"], merged["c"]["y"]):
        part.append(0)
    assert (base, above) == ({"a": {"x": [1]}, "b": [1]}, {"c": {"y": [2]}})


# --- the schema ------------------------------------------------------------------------------------


def refused(layer: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        settings.check(settings.lay_over(BASE, layer), SCHEMA, "scale.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"devise": "cpu"}, "scale.yaml: top level: unknown key 'devise'; expected keys among ["),
        (
            {"models": {"vgg16-random": {"sedes": 1}}},
            "models.vgg16-random: unknown key 'sedes'; expected keys among"
            " ['at_test', 'checkpoint', 'dataset', 'like', 'network', 'options', 'recipe', 'seeds']",
        ),
        ({"recipes": {"vgg": {"epoch": 1, "rate": 2}}}, "recipes.vgg: unknown key 'epoch', 'rate'; expected"),
        ({"recipes": {"vgg": {1: 2, "rate": 2}}}, "recipes.vgg: unknown key 1, 'rate'; expected keys"),
        ({"threads": "all"}, "threads: expected a whole number; got 'all'"),
        (
            {"recipes": {"vgg": {"epochs": "many"}}},
            "recipes.vgg.epochs: expected a whole number; got 'many'",
        ),
        ({"device": "gpu"}, "(pattern ^(auto|cpu|mps|cuda(:[0-9]+)?)$); got 'gpu'"),
        ({"sources": {"x": {"title": "X"}}}, "sources.x: 'dataset' is a required property"),
        (
            {"sources": {"x": {"dataset": "shapes", "title": "X", "test": 10}}},
            "sources.x: 'train' is a required property",
        ),
        (["a"], "scale.yaml: top level: expected keys with values; got ['a']"),
        (
            {"models": {"VGG": {}}},
            "models: expected a name of lower-case letters and digits, joined by hyphens",
        ),
        ({"datasets": {"a/b": {"source": "cifar10"}}}, "datasets: expected a name of lower-case letters"),
        ({"models": {False: {}}}, "models: expected names as keys; got False; put the key in quotes"),
        ({"recipes": {"vgg": {"epochs": "1e3"}}}, "a whole number; got '1e3', which is text; write 1000"),
        ({"recipes": {"vgg": {"gamma": "0,5"}}}, "number or null; got '0,5', which is text; write 0.5"),
        (
            {"recipes": {"vgg": {"epochs": 10.0}}},
            "recipes.vgg.epochs: expected a whole number; got 10.0",
        ),
        (
            {"recipes": {"vgg": {"epochs": True}}},
            "recipes.vgg.epochs: expected a whole number; got True",
        ),
        ({"recipes": {"vgg": {"momentum": float("nan")}}}, "expected a finite number; got nan"),
        ({"recipes": {"vgg": {"momentum": float("inf")}}}, "expected a finite number; got inf"),
        (
            {"models": {"small-low": {"seeds": 0}}},
            "models.small-low.seeds: expected a number of at least 1; got 0",
        ),
        ({"datasets": None}, "datasets: expected keys with values; got None"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_what_was_expected(layer: Any, message: str) -> None:
    assert message in refused(layer)


def test_several_mistakes_come_in_one_message() -> None:
    message = refused({"threads": 0, "seed": -1, "devise": "cpu"})
    assert all(part in message for part in ("'devise'", "seed: expected", "threads: expected"))


@pytest.mark.parametrize("key", ["device", "seed", "sources", "download"])
def test_a_scale_may_not_change_what_all_scales_share(key: str) -> None:
    """Such a key would be ignored: images are prepared once, and machine settings are not per scale."""
    with pytest.raises(ConfigError, match=rf"^tiny.yaml: {key}: expected keys among .*; set it in config/"):
        settings.check_scale({"threads": 1, key: BASE[key]}, "tiny.yaml")


@pytest.mark.parametrize("name", ["paper.yaml", "data.yaml", "mine.yml", "My scale.yaml", "a.b.yaml"])
def test_a_file_that_cannot_name_a_scale_is_refused(name: str, tmp_path: Path) -> None:
    """One called paper would run with the papers' settings; one that ends in .yml would not be seen."""
    (tmp_path / name).write_text("threads: 1\n")
    with pytest.raises(ConfigError, match=rf"{re.escape(name)}: expected a .*; rename it"):
        list(settings.scale_files(tmp_path))


def test_hidden_files_are_no_scales(tmp_path: Path) -> None:
    for name in (".#demo.yaml", "demo.yaml", "demo.yaml~", "README.md"):
        (tmp_path / name).write_text("threads: 1\n")
    assert list(settings.scale_files(tmp_path)) == [("demo", tmp_path / "demo.yaml")]


@pytest.mark.parametrize(("text", "reason"), [("a: [", "while parsing"), (None, "No such file")])
def test_a_file_that_is_no_yaml_is_named(tmp_path: Path, text: str | None, reason: str) -> None:
    path = tmp_path / "scale.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=rf"scale\.yaml(, line 1)?: expected a YAML file; got: .*{reason}"):
        settings.read_yaml(path)


# --- names and inheritance -------------------------------------------------------------------------


def test_like_takes_everything_over_and_own_keys_win() -> None:
    layer = {
        "recipes": {"slow": {"like": "vgg-1000", "epochs": 300}},
        "models": {"one": {"like": "vgg16-random-1000", "recipe": "slow", "options": {"width": 0.5}}},
    }
    config = settings.resolve(settings.lay_over(BASE, layer))
    own = {"evaluate_every": 5, "score_training": True, "epochs": 300}
    assert config["recipes"]["slow"] == {**BASE["recipes"]["vgg"], **own}
    assert config["models"]["one"] == {
        "dataset": "cifar10-1000",
        "network": "vgg16",
        "recipe": "slow",
        "seeds": 10,
        "options": {"flexible": "single", "layer": {"scheme": "random"}, "width": 0.5},
    }


def test_null_takes_back_what_a_row_took_over() -> None:
    layer = {
        "models": {
            "plain": {"like": "small-flexible", "at_test": None, "options": {"layer": {"scheme": "conv"}}},
            "swept": {"like": "small-low", "at_test": {"sweep": None}, "options": {"layer": None}},
            "learned": {"like": "small-uniform", "options": {"layer": {"scheme": "learned", "value": None}}},
        }
    }
    config = settings.lay_over(BASE, layer)
    settings.check(config, SCHEMA, "scale.yaml")
    rows = settings.resolve(config)["models"]
    assert "at_test" not in rows["plain"]
    assert set(rows["swept"]["at_test"]) == {"audit"}
    assert rows["learned"]["options"]["layer"] == {"scheme": "learned", "value": None}
    for name in ("plain", "swept", "learned"):
        build(rows[name]["network"], **rows[name]["options"])


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            {"protocols": {"paper": {"fgsm": {"epsilons": [0, -0.1]}}}},
            "protocols.paper.fgsm.epsilons.1: expected a number of at least 0; got -0.1",
        ),
        (
            {"protocols": {"paper": {"fgsm": {"space": "pixels"}}}},
            "protocols.paper.fgsm.space: expected one of ['normalised', 'pixel']; got 'pixels'",
        ),
        (
            {"models": {"small-low": {"at_test": {"sweep": []}}}},
            "models.small-low.at_test.sweep: expected a list of thresholds, at least one; got []",
        ),
        ({"protocols": {"paper": {"fgsm": {"space": "Pixel"}}}}, "got 'Pixel'; did you mean 'pixel'?"),
        (
            {"protocols": {"paper": {"fsgm": {}}}},
            "protocols.paper: unknown key 'fsgm'; expected keys among ['audit', 'band', 'bandpass', ",
        ),
        (
            {"protocols": {"mild": {"like": "corected"}}},
            "protocols.mild.like: expected another row; got 'corected'; did you mean 'corrected'?",
        ),
        (
            {"models": {"small-low": {"at_test": {"swep": [0]}}}},
            "at_test.swep: expected a family that models tell something; got 'swep'; did you mean 'sweep'?",
        ),
        (
            {"models": {"small-low": {"at_test": {"audit": {"twin": "small-baselin"}}}}},
            "models.small-low.at_test.audit.twin: expected a row of models; got 'small-baselin'; did you",
        ),
        (
            {"models": {"small-low": {"at_test": {"audit": {"epsilom": 1}}}}},
            "models.small-low.at_test.audit: unknown key 'epsilom'",
        ),
        (
            {"protocols": {"release": {"pgd": {"surrogate": "surogate"}}}},
            "protocols.release.pgd.surrogate: expected a row of models; got 'surogate'; did you mean 'surr",
        ),
        (
            {"models": {"small-low": {"at_test": {"interventions": ["shuffled"]}}}},
            "models.small-low.at_test.interventions: expected a network whose layer stores thresholds",
        ),
    ],
)
def test_what_a_family_does_not_allow_is_named(layer: Any, message: str) -> None:
    config = settings.lay_over(BASE, layer)
    settings.check(config, SCHEMA, "scale.yaml")
    with pytest.raises(ConfigError) as caught:
        settings.resolve(config)
    assert message in str(caught.value)


def test_a_protocol_may_be_like_another() -> None:
    layer = {"protocols": {"mild": {"like": "corrected", "fgsm": {"draws": 2}}}}
    protocols = settings.resolve(settings.lay_over(BASE, layer))["protocols"]
    assert protocols["mild"]["fgsm"] == {**protocols["corrected"]["fgsm"], "draws": 2}
    assert protocols["mild"]["band"] == "interval"


def test_a_change_of_a_parent_reaches_its_children_and_no_one_else() -> None:
    config = settings.resolve(settings.lay_over(BASE, {"models": {"vgg16-baseline-1000": {"seeds": 4}}}))
    seeds = {name: row["seeds"] for name, row in config["models"].items()}
    assert {name for name, count in seeds.items() if count == 4} == {n for n in seeds if n.endswith("-1000")}
    assert settings.seeds_of(config, "vgg16-random-1000") == [1, 2, 3, 4]


def test_resolving_leaves_the_configuration_as_it_was() -> None:
    before = settings.lay_over({}, BASE)
    settings.resolve(BASE)
    assert before == BASE


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            {"models": {"one": {"like": "vgg61"}}},
            r"models.one.like: expected another row; got 'vgg61'; did you mean 'vgg16-[a-z]+'",
        ),
        (
            {"models": {"one": {"like": "one"}}},
            "models.one.like: expected rows that do not lead back; got one -> one",
        ),
        (
            {"recipes": {"a": {"like": "b"}, "b": {"like": "c"}, "c": {"like": "a"}}},
            "recipes.c.like: expected rows that do not lead back; got a -> b -> c -> a",
        ),
        (
            {"recipes": {"a": {"like": "b"}, "b": {"like": "c"}, "c": {"like": "b"}}},
            "recipes.c.like: expected rows that do not lead back; got a -> b -> c -> b",
        ),
        (
            {"models": {"vgg16-baseline": {"dataset": "cifar11"}}},
            "models.vgg16-baseline.dataset: expected a row of datasets; got 'cifar11'; .* 'cifar10'",
        ),
        (
            {"models": {"vgg16-random": {"recipe": "vg"}}},
            "models.vgg16-random.recipe: expected a row of recipes; got 'vg'; did you mean 'vgg'",
        ),
        (
            {"models": {"vgg16-random": {"network": "vgg61"}}},
            "models.vgg16-random.network: expected a network; got 'vgg61'; did you mean 'vgg16'",
        ),
        (
            {"datasets": {"cifar10": {"source": "shapes"}}},
            "datasets.cifar10.source: expected a row of sources; got 'shapes'; did you mean 'shapes[0-9]+'",
        ),
        (
            {"sources": {"cifar10": {"dataset": "cifar11"}}},
            "sources.cifar10.dataset: expected a dataset; got 'cifar11'; did you mean 'cifar10'",
        ),
        (
            {"models": {"one": {"dataset": "cifar10", "recipe": "vgg"}}},
            r"models.one: expected the keys \['network', 'seeds'\], here or in the row it is like",
        ),
        (
            {"models": {"one": {"network": "vgg16"}}},
            r"models.one: expected the keys \['dataset', 'recipe', 'seeds'\], here or",
        ),
        (
            {"models": {"vgg16-baselin": {"seeds": 1}}},
            "models.vgg16-baselin: expected the keys .*; did you mean 'vgg16-baseline'",
        ),
        (
            {"models": {"vgg16-random": {"recipe": "quux"}}},
            rf"models.vgg16-random.recipe: expected a row of recipes: one of {names(BASE['recipes'])}; got",
        ),
    ],
)
def test_a_name_that_refers_to_nothing_is_named(layer: dict[str, Any], message: str) -> None:
    config = settings.lay_over(BASE, layer)
    settings.check(config, SCHEMA, "scale.yaml")
    with pytest.raises(ConfigError, match="^scale.yaml: " + message):
        settings.resolve(config, "scale.yaml")


def test_every_dataset_of_the_catalogue_may_be_a_source() -> None:
    sources: dict[str, Any] = {f"s{i}": {"dataset": name, "title": name} for i, name in enumerate(DATASETS)}
    sources[f"s{list(DATASETS).index('cifar10g')}"]["splits"] = {"test": "contours"}
    found = settings.resolve(settings.lay_over(BASE, {"sources": sources}))["sources"]
    assert {row["dataset"] for name, row in found.items() if name in sources} == set(DATASETS)


@pytest.mark.parametrize("keys", [["series"], ["instead", "release"], ["instead", "corrected"]])
def test_a_figure_with_an_unknown_model_is_named(keys: list[str]) -> None:
    edit: dict[str, Any] = {"random": "vgg16-rnadom"}
    for key in reversed(keys):
        edit = {key: edit}
    figures = settings.lay_over(FIGURES, {"fig4d": edit})
    message = f"config/figures.yaml: fig4d.{'.'.join(keys)}.random: expected a row of models; got"
    with pytest.raises(ConfigError, match=f"^{message} 'vgg16-rnadom'; did you mean 'vgg16-random'"):
        settings.check_figures(figures, resolved("paper"))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            {"relase": {"flexible": "As released"}},
            r"relabelled: expected a protocol; got 'relase'; did you mean",
        ),
        ({"release": {"flexibel": "As released"}}, r"relabelled\.release: unknown key 'flexibel'"),
        (
            {"release": {"flexible": "{treshold}"}},
            r"relabelled\.release\.flexible: expected a field of labels",
        ),
    ],
)
def test_a_slip_in_what_a_legend_says_elsewhere_is_named(edit: dict[str, Any], message: str) -> None:
    figures = settings.lay_over(FIGURES, {"fig4d": {"relabelled": edit}})
    with pytest.raises(ConfigError, match=rf"fig4d\.{message}"):
        settings.check_figures(figures, resolved("paper"))


def test_a_figure_of_several_families_pairs_no_images() -> None:
    figures = settings.lay_over(FIGURES, {"layers": {"paired": "baseline"}})
    with pytest.raises(ConfigError, match=r"layers\.also: expected one family where networks are paired"):
        settings.check_figures(figures, resolved("paper"))


def test_a_protocol_replaces_series_of_its_own_figure_only() -> None:
    protocols = ("paper", "release", "corrected")
    names = {protocol: settings.series_of(FIGURES["fig4d"], protocol) for protocol in protocols}
    assert names["paper"] == names["corrected"] == FIGURES["fig4d"]["series"]
    assert names["release"] == {**names["paper"], "flexible": "vgg16-redrawn"}


# --- what is shipped -------------------------------------------------------------------------------


def test_the_shipped_scales_are_there() -> None:
    assert {"paper", "laptop", "demo"} <= set(LAYERS)


@pytest.mark.parametrize("scale", LAYERS)
def test_every_shipped_scale_is_accepted(scale: str) -> None:
    settings.check(settings.lay_over(BASE, LAYERS[scale]), SCHEMA, scale)
    settings.check_scale(LAYERS[scale], scale)
    settings.check_figures(FIGURES, resolved(scale))


@pytest.mark.parametrize("scale", sorted(set(LAYERS) - {"paper"}))
def test_a_reduced_scale_says_so_in_the_captions(scale: str) -> None:
    assert LAYERS[scale]["note"].strip().endswith(".")
    assert BASE["note"] == ""


def test_a_scale_says_whether_it_is_evidence() -> None:
    assert {scale: layer.get("evidence") for scale, layer in LAYERS.items() if scale != "paper"} == {
        "bf16": True,
        "laptop": True,
        "night": True,
        "demo": False,
    }
    assert BASE["evidence"] is True
    found = {scale: settings.is_evidence(resolved(scale), FIGURES) for scale in LAYERS}
    assert found == {"paper": True, "bf16": True, "laptop": True, "night": True, "demo": False}


def test_drawn_objects_are_never_evidence() -> None:
    layer = {"datasets": {"cifar10": {"source": "shapes32"}}}
    config = settings.resolve(settings.lay_over(BASE, layer))
    assert not settings.is_evidence(config, FIGURES)
    assert settings.is_evidence(config, {"table2": FIGURES["table2"]})
    assert not settings.is_evidence({**config, "evidence": False}, {"table2": FIGURES["table2"]})


def test_evidence_is_yes_or_no() -> None:
    with pytest.raises(ConfigError, match="evidence: expected true or false; got 'perhaps'"):
        settings.check({**BASE, "evidence": "perhaps"}, SCHEMA, "config")
    with pytest.raises(ConfigError, match="'evidence' is a required property"):
        settings.check({key: row for key, row in BASE.items() if key != "evidence"}, SCHEMA, "config")


def test_classes_are_those_of_the_data() -> None:
    assert settings.classes_of(resolved("paper"), "cifar10") == len(DATASETS["cifar10"].classes) == 10
    assert settings.classes_of(resolved("demo"), "cifar10") == len(SHAPES) == 10


# What captions say of a paper beside its numbers.
NO_NUMBERS = ("by the paper's categories", "another image than the paper's")


def test_captions_speak_of_papers_numbers_where_a_demonstration_leaves_them_out() -> None:
    """Outside its field {published}, no caption quotes a number of a paper or a mark that stands for one."""
    for name, figure in FIGURES.items():
        words = figure["caption"]
        for meant in ("the paper's three networks", "the paper's schemes", "push-pull paper", *NO_NUMBERS):
            words = words.replace(meant, "")
        for word in ("paper", "Paper", "diamond", "authors"):
            assert word not in words, name
        assert ("{published}" in figure["caption"]) == ("published" in figure)


def test_the_figures_fit_their_schema() -> None:
    schema = settings.read_yaml(ROOT / "workflow/schemas/figures.schema.yaml")
    settings.check(FIGURES, schema, "config/figures.yaml")
    figures = settings.lay_over(FIGURES, {"fig4b": {"family": "fgms"}})
    with pytest.raises(ConfigError, match="fig4b.family: expected a family; got 'fgms'; did you mean 'fgsm'"):
        settings.check_figures(figures, resolved("paper"))


def networks() -> list[Any]:
    """Network, options, channels and size of every model, each combination once."""
    found = {}
    for scale in LAYERS:
        config = resolved(scale)
        for name, row in config["models"].items():
            source = config["sources"][config["datasets"][row["dataset"]]["source"]]
            told = (row["network"], row.get("options", {}), *images_of(source)[:2])
            found.setdefault(canonical_json(told), pytest.param(*told, id=f"{scale}-{name}"))
    return list(found.values())


@pytest.mark.parametrize(("network", "options", "channels", "size"), networks())
def test_every_model_builds_for_the_images_of_its_dataset(
    network: str, options: dict[str, Any], channels: int, size: int
) -> None:
    assert expected_images(network, options)[:2] == (channels, size)
    with torch.device("meta"):
        built = build(network, **options).eval()
        assert built(torch.zeros(2, channels, size, size)).shape == (2, 10)


@pytest.mark.parametrize(("scale", "row"), rows("recipes"))
def test_every_recipe_is_accepted(scale: str, row: dict[str, Any]) -> None:
    recipe = Recipe.from_mapping(row)
    assert {name: getattr(recipe, name) for name in row} == row
    assert recipe.evaluates(recipe.epochs), scale


@pytest.mark.parametrize(("scale", "row"), rows("protocols"))
def test_every_protocol_is_accepted_and_measures_clean_accuracy(scale: str, row: dict[str, Any]) -> None:
    for name in ("fgsm", "interventions", "sweep"):
        attack = FgsmSettings.from_mapping(family_of(name).section(row))
        assert attack.epsilons[0] == 0, scale
        assert list(attack.epsilons) == sorted(attack.epsilons)


@pytest.mark.parametrize("place", ["series", "instead"])
def test_a_model_that_cannot_be_judged_where_its_figure_asks_is_named(place: str) -> None:
    """Networks of 32 pixels, before any job, on drawings of 224."""
    figures = copy.deepcopy(FIGURES)
    label = next(iter(figures["fig6"]["series"]))
    if place == "series":
        figures["fig6"]["series"][label] = "vgg16-baseline"
    else:
        figures["fig6"]["instead"] = {"corrected": {label: "vgg16-baseline"}}
    where = f"{place}.corrected.{label}" if place == "instead" else f"{place}.{label}"
    with pytest.raises(ConfigError, match=rf"fig6\.{where}: expected images of 3 x 32 x 32"):
        settings.check_figures(figures, resolved("paper"))
