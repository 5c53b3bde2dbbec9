"""Where each part of the configuration comes from, and which part wins."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from flexnet.config import read_yaml, seeds_of
from flexnet.errors import ConfigError
from flexnet.families.registry import family_of
from flexnet.study.configuration import Given, given, load_figures, load_scales, machine_variables
from flexnet.study.places import Places

ROOT = Path(__file__).parents[2]
SCHEMA = read_yaml(ROOT / "workflow/schemas/config.schema.yaml")
FIGURES = read_yaml(ROOT / "workflow/schemas/figures.schema.yaml")


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content), encoding="utf-8")


def scales(here: Path, came: Given | None = None, own: bool = True, reset: bool = False) -> dict[str, Any]:
    return load_scales(Places(ROOT, here, own_config=own), SCHEMA, came or Given(), reset=reset)


def typed(*entries: str, config: Mapping[str, Any] | None = None, as_module: bool = False) -> Given:
    """What comes of these entries; Snakemake's own reading of them is text."""
    read = dict(entry.split("=", 1) for entry in entries)
    return given(read | dict(config or {}), entries, [], SCHEMA, as_module=as_module)


# --- files ------------------------------------------------------------------------------------------


def test_without_files_of_his_own_a_user_gets_those_of_the_checkout(tmp_path: Path) -> None:
    assert scales(tmp_path) == scales(ROOT)
    assert {"", "demo/", "laptop/"} <= set(scales(tmp_path))


def test_a_users_configuration_is_laid_over_that_of_the_checkout(tmp_path: Path) -> None:
    write(tmp_path / "config/config.yaml", {"recipes": {"vgg": {"epochs": 77}}})
    found = scales(tmp_path)
    assert found[""]["recipes"]["vgg"]["epochs"] == 77
    assert found[""]["recipes"]["vgg"]["momentum"] == 0.9
    assert found["demo/"]["recipes"]["vgg"]["epochs"] == scales(ROOT)["demo/"]["recipes"]["vgg"]["epochs"]


def test_a_users_scale_takes_the_place_of_one_of_the_same_name(tmp_path: Path) -> None:
    write(tmp_path / "config/scales/demo.yaml", {"note": "mine"})
    write(tmp_path / "config/scales/own.yaml", {"like": "demo", "threads": 3})
    found = scales(tmp_path)
    assert found["demo/"]["note"] == found["own/"]["note"] == "mine"
    assert found["demo/"]["recipes"] == found[""]["recipes"]
    assert found["own/"]["threads"] == 3
    assert "laptop/" in found


def test_a_module_without_configuration_does_not_take_that_of_the_workflow_around_it(tmp_path: Path) -> None:
    write(tmp_path / "config/config.yaml", {"samples": "other.tsv"})
    write(tmp_path / "config/figures.yaml", {"other": 1})
    write(tmp_path / "config/scales/other.yaml", {"samples": 1})
    assert scales(tmp_path, own=False) == scales(ROOT)
    places = Places(ROOT, tmp_path, own_config=False)
    assert load_figures(places, FIGURES, scales(ROOT)) == read_yaml(ROOT / "config/figures.yaml")


def test_a_users_registry_of_figures_takes_the_place_of_the_checkouts(tmp_path: Path) -> None:
    row = {"family": "worked", "network": "mine", "series": {"a": "vgg16-flexible"}, "caption": "."}
    write(tmp_path / "config/figures.yaml", {"fig1": row})
    assert load_figures(Places(ROOT, tmp_path), FIGURES, scales(ROOT)) == {"fig1": row}
    write(tmp_path / "config/scales/mine.yaml", {"everything_of": ["fig1", "fig4b"]})
    with pytest.raises(ConfigError, match=r"^scale mine: everything_of\.1: expected a figure; got 'fig4b'"):
        load_figures(Places(ROOT, tmp_path), FIGURES, scales(tmp_path))
    write(tmp_path / "config/scales/mine.yaml", {"everything_of": ["fig1"]})
    assert load_figures(Places(ROOT, tmp_path), FIGURES, scales(tmp_path)) == {"fig1": row}
    write(tmp_path / "config/figures.yaml", {"fig1": row | {"family": "none"}})
    with pytest.raises(ConfigError, match=r"^config/figures\.yaml, line 3: fig1\.family: expected a family"):
        load_figures(Places(ROOT, tmp_path), FIGURES, scales(ROOT))


@pytest.mark.parametrize(
    ("made", "refused"),
    [
        ({"fig4": ["baseline"]}, r"series_made: expected a figure; got 'fig4'"),
        (
            {"fig4b": ["baseline", "flexibel"]},
            r"series_made\.fig4b\.1: .*'flexibel'; did you mean 'flexible'",
        ),
        ({"fig6": ["flexible"]}, r"series_made\.fig6: expected 'baseline', with which all are compared"),
    ],
)
def test_a_scale_makes_series_that_there_are(
    made: dict[str, list[str]], refused: str, tmp_path: Path
) -> None:
    write(tmp_path / "config/scales/mine.yaml", {"series_made": made})
    with pytest.raises(ConfigError, match=f"^scale mine: {refused}"):
        load_figures(Places(ROOT, tmp_path), FIGURES, scales(tmp_path))


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}\n"])
def test_an_empty_file_is_no_scale(text: str, tmp_path: Path) -> None:
    """It would be the papers' study under the name of a short one."""
    path = tmp_path / "config/scales/demo.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    told = r"config/scales/demo\.yaml: expected what the scale changes; got nothing"
    with pytest.raises(ConfigError, match=told):
        scales(tmp_path)


@pytest.mark.parametrize("name", ["paper", "results", "published", "Upper", "a.b", "-a"])
def test_a_scale_cannot_have_a_name_that_means_something_else(name: str, tmp_path: Path) -> None:
    write(tmp_path / f"config/scales/{name}.yaml", {"note": ""})
    with pytest.raises(ConfigError, match=rf"^config/scales/{name}\.yaml: expected a name of lower-case"):
        scales(tmp_path)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.yaml", {"devise": "cpu"}, "config/config.yaml, line 1: top level: unknown key 'devise'"),
        ("config.yaml", ["a"], "config/config.yaml: expected a mapping of keys; got list"),
        ("scales/bad.yaml", {"seed": 1}, "config/scales/bad.yaml, line 1: seed: expected keys among"),
        ("scales/bad.yaml", {"like": "none"}, "config/scales/bad.yaml, line 1: like: expected another row"),
    ],
)
def test_a_mistake_is_named_with_the_users_file(
    file: str, content: object, message: str, tmp_path: Path
) -> None:
    write(tmp_path / "config" / file, content)
    with pytest.raises(ConfigError) as caught:
        scales(tmp_path)
    assert str(caught.value).startswith(message)


# --- what was typed ---------------------------------------------------------------------------------


def test_what_is_typed_wins_over_every_file(tmp_path: Path) -> None:
    write(tmp_path / "config/config.yaml", {"threads": 2})
    assert {config["threads"] for config in scales(tmp_path, typed("threads=8")).values()} == {8}
    assert scales(tmp_path, typed("download=no"))["laptop/"]["download"] is False
    assert scales(tmp_path, typed("data_mirror=2024_01"))["demo/"]["data_mirror"] == "2024_01"


def test_a_run_may_keep_to_some_seeds(tmp_path: Path) -> None:
    found = scales(tmp_path, typed("only_seeds=[2,4]"))["laptop/"]
    assert seeds_of(found, "small-baseline") == [2, 4]
    assert seeds_of(found, "vgg16-baseline-1000") == [2]
    assert seeds_of(scales(tmp_path)["laptop/"], "vgg16-baseline-1000") == [1, 2, 3]
    assert seeds_of(scales(tmp_path, typed("only_seeds=null"))["laptop/"], "vgg16-baseline-1000") == [1, 2, 3]
    with pytest.raises(
        ConfigError, match=r"^only_seeds: expected a seed of vgg16-baseline-1000 .* has 3; got \[4\]"
    ):
        seeds_of(scales(tmp_path, typed("only_seeds=[4]"))["laptop/"], "vgg16-baseline-1000")
    for entry in ("only_seeds=2", "only_seeds=[]", "only_seeds=[0]", "only_seeds=[2,2]", "only_seeds=[1.5]"):
        with pytest.raises(ConfigError, match=r"^--config:? only_seeds"):
            typed(entry)
    write(tmp_path / "config/scales/mine.yaml", {"only_seeds": [1]})
    with pytest.raises(ConfigError, match=r"mine\.yaml, line 1: only_seeds: expected keys among"):
        scales(tmp_path)


@pytest.mark.parametrize(
    "entry", ["seed=3", "note=mine", "recipes={vgg: {epochs: 3}}", "models={}", "protocols={}"]
)
def test_what_is_computed_cannot_be_typed_because_no_path_would_tell(entry: str) -> None:
    key = entry.partition("=")[0]
    with pytest.raises(ConfigError, match=rf"^--config: {key}: expected keys of this machine.*config/scales"):
        typed(entry)


def test_nor_laid_on_with_a_file(tmp_path: Path) -> None:
    path = ROOT / "config/scales/laptop.yaml"
    with pytest.raises(ConfigError, match=r"^--configfile .*laptop\.yaml: datasets, .*: expected keys of"):
        given(read_yaml(path), [], [path], SCHEMA, as_module=False)
    write(tmp_path / "machine.yaml", {"device": "cuda", "threads": 16})
    came = given({"device": "cuda", "threads": 16}, [], [tmp_path / "machine.yaml"], SCHEMA, as_module=False)
    assert scales(ROOT, came)["laptop/"]["threads"] == 16


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("devise=cpu", "--config: top level: unknown key 'devise'"),
        ("threads=0", "--config: threads: expected a number of at least 1; got 0"),
        ("device= cpu", "--config: device: expected auto (a GPU if there is one), cpu"),
        ("scales={demo: {}}", "--config scales.demo: expected a new name; got that of"),
        ("scales={paper: {}}", "--config scales.paper: expected a name of lower-case"),
        ("scales={a: 1}", "--config scales.a: expected a mapping of what the scale changes; got 1"),
        ("scales={a: {recipes: {vgg: {epohcs: 1}}}}", "--config scales.a: recipes.vgg: unknown key 'epohcs'"),
    ],
)
def test_a_mistake_is_named_as_typed(entry: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        scales(ROOT, typed(entry))
    assert str(caught.value).startswith(message)


def test_a_scale_can_be_named_on_the_spot() -> None:
    found = scales(ROOT, typed("scales={trial: {like: demo, recipes: {vgg: {epochs: 3}}}}", "threads=2"))
    assert found["trial/"]["recipes"]["vgg"] == found["demo/"]["recipes"]["vgg"] | {"epochs": 3}
    assert found["trial/"]["note"] == found["demo/"]["note"]
    assert found["trial/"]["threads"] == 2
    assert {home: config for home, config in found.items() if home != "trial/"} == scales(
        ROOT, typed("threads=2")
    )


def test_files_can_be_left_out() -> None:
    with pytest.raises(ConfigError, match="'seed' is a required property"):
        scales(ROOT, typed("threads=2"), reset=True)


# --- as a module ------------------------------------------------------------------------------------


def test_a_module_takes_what_it_is_handed_below_its_scales_and_what_is_typed_above(tmp_path: Path) -> None:
    handed = {"recipes": {"vgg": {"epochs": 77}}, "threads": 5}
    came = typed("download=no", config=handed, as_module=True)
    found = scales(tmp_path, came)
    assert found[""]["recipes"]["vgg"]["epochs"] == 77
    assert found["demo/"]["recipes"]["vgg"]["epochs"] == 8
    assert (found[""]["threads"], found["demo/"]["threads"]) == (5, 1)
    assert {config["download"] for config in found.values()} == {False}
    came = typed("threads=8", config=handed | {"threads": 8}, as_module=True)
    assert scales(tmp_path, came)["demo/"]["threads"] == 8


def test_what_a_module_is_handed_takes_the_place_of_a_users_file(tmp_path: Path) -> None:
    write(tmp_path / "config/config.yaml", {"samples": "other.tsv"})
    write(tmp_path / "config/scales/own.yaml", {"note": "own"})
    places = Places(ROOT, tmp_path, handed=True)
    found = load_scales(places, SCHEMA, typed(config={"seed": 5}, as_module=True))
    assert (found[""]["seed"], found["own/"]["note"]) == (5, "own")
    with pytest.raises(
        ConfigError, match="^the workflow around this one: seed: expected a whole number; got 'x'"
    ):
        load_scales(places, SCHEMA, typed(config={"seed": "x"}, as_module=True))


def test_a_module_leaves_alone_what_is_typed_for_the_workflow_around_it() -> None:
    assert given({}, ["samples=x", "threads=y"], [], SCHEMA, as_module=True) == Given()
    with pytest.raises(ConfigError, match="unknown key 'samples'"):
        scales(ROOT, typed("samples=x", as_module=True))


# --- jobs -------------------------------------------------------------------------------------------


def test_jobs_learn_of_the_machine_by_their_environment() -> None:
    config = scales(ROOT)[""]
    plain = machine_variables(config, Given())
    assert plain == {"FLEXNET_DEVICE": "auto", "FLEXNET_CHECKPOINT_SECONDS": "30", "FLEXNET_DOWNLOAD": "1"}
    none = typed("data_mirror=null", "download=off")
    found = machine_variables(scales(ROOT, none)[""], none)
    assert (found["FLEXNET_DATA_MIRROR"], found["FLEXNET_DOWNLOAD"]) == ("", "0")
    home = machine_variables(config | {"data_mirror": "~/images"}, Given())["FLEXNET_DATA_MIRROR"]
    assert home == str(Path.home() / "images")


def test_legends_name_other_networks_otherwise() -> None:
    """Under some protocols other networks stand in a figure; one label for two layers would mislead."""
    models = scales(ROOT)[""]["models"]
    found = 0
    for name, figure in load_figures(Places(ROOT, ROOT), FIGURES, scales(ROOT)).items():
        if family_of(figure["family"]).subject == "modules":  # schematics show what the layer is
            continue
        for protocol, others in figure.get("instead", {}).items():
            for series, other in others.items():
                both = [models[model]["options"] for model in (figure["series"][series], other)]
                if both[0] != both[1]:
                    label = figure["relabelled"][protocol][series]
                    assert label not in figure["labels"].values(), (name, series)
                    found += 1
    assert found >= 10
