"""What `docs/own.md` says, done: a layer, a network and weights of one's own in the whole study."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import yaml
from torch import Tensor

PAGE = (Path(__file__).parents[2] / "docs/own.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE, re.DOTALL)
YAML = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
SCALE = """\
threads: 1
note: Made by a test.
datasets:
  cifar10: { source: shapes32, per_class: 20, test_per_class: 10 }
recipes:
  vgg: { epochs: 2, batch_size: 50, learning_rate: 0.02 }
models:
  vgg16-baseline: { seeds: 1, options: { width: 0.125, dropout: 0.125 } }
  plain-divisive: { seeds: 1 }
protocols:
  paper: { fgsm: { epsilons: [0, 0.1], draws: 2 } }
"""
FIGURE = "tiny/figures/fig4d.pdf"
NETWORK = "tiny/results/fgsm/paper/plain-divisive/seed1.csv"
IMPORTED = [f"tiny/results/fgsm/paper/plain-theirs/seed{seed}.csv" for seed in (1, 2)]


def add_rows(project: Any) -> None:
    """The rows of the page where the page says that they belong."""
    models = "".join(block for block in YAML if "series:" not in block)
    path = project.folder / "config/config.yaml"
    path.write_text(path.read_text().replace("\nmodels:\n", f"\nmodels:\n{models}", 1))
    series = yaml.safe_load(next(block for block in YAML if "series:" in block))
    path = project.folder / "config/figures.yaml"
    figures = yaml.safe_load(path.read_text())
    assert list(figures["fig4d"]["series"].items()) == list(series["series"].items())[:-1]
    figures["fig4d"] |= series
    path.write_text(yaml.safe_dump(figures, sort_keys=False))


@pytest.fixture(scope="module")
def finished(new_project: Callable[[], Any]) -> Any:
    """A copy in which all that the page shows was made."""
    project = new_project()
    (project.folder / "config/scales/tiny.yaml").write_text(SCALE)
    for name, text in PYTHON:
        (project.folder / name).write_text(text)
    add_rows(project)
    counts = project.make(NETWORK, "--config", "device=cpu")
    assert counts == {"prepare_data": 2, "choose_subset": 1, "train": 1, "evaluate": 1}
    write_weights(project.folder)
    made = project.make(FIGURE, *IMPORTED, "--config", "device=cpu")
    assert made["train"] == 4  # one seed of the four networks of the figure
    assert made["import_weights"] == 2
    return project


def write_weights(folder: Path) -> None:
    """Files as another program would write them: names of its own, in a parallel network."""
    (folder / "weights").mkdir()
    for seed in (1, 2):
        torch.manual_seed(seed)
        torch.save({"epoch": 90, "state_dict": foreign_weights()}, folder / f"weights/plain{seed}.pth")


def foreign_weights() -> dict[str, Tensor]:
    names: dict[str, Any] = {}
    exec(dict(PYTHON)["mynetwork.py"], names)
    network = names["plain"](classes=10, channels=3, input_size=32, width=24)
    return {f"module.{name}": tensor for name, tensor in network.state_dict().items()}


def test_the_page_shows_files_and_rows() -> None:
    assert [name for name, _ in PYTHON] == ["mylayers.py", "mynetwork.py"]
    assert len(YAML) == 4


def test_the_layer_stands_in_the_figure_with_its_own_numbers(finished: Any) -> None:
    table = pd.read_csv(finished.folder / "tiny/figures/fig4d.csv")
    assert set(table["series"]) == {"baseline", "flexible", "random", "divisive"}
    assert "Divisive" in (finished.folder / "tiny/figures/fig4d.md").read_text()
    weights = finished.folder / "tiny/results/models/vgg16-divisive/seed1.safetensors"
    names = finished.run(
        "-c",
        "from flexnet.training import load_model; import sys; "
        "model, said = load_model(sys.argv[1], trust=True); "
        "print(type(model.features[3]).__name__, model.features[3].sigma, said['options'])",
        str(weights),
    ).stdout
    assert names.startswith("DivisiveConv2d 0.5"), names


def test_weights_from_elsewhere_are_scored_as_trained_ones(finished: Any) -> None:
    for seed, path in enumerate(IMPORTED, 1):
        rows = pd.read_csv(finished.folder / path)
        history = pd.read_csv(finished.folder / f"tiny/results/models/plain-theirs/seed{seed}.history.csv")
        assert history[["epoch", "split", "n"]].to_numpy().tolist() == [[90, "test", 100]]
        clean = rows.loc[rows["epsilon"] == 0, "correct"]
        assert clean.to_list() == history["correct"].to_list()


@pytest.mark.parametrize(
    ("file", "old", "new", "again"),
    [
        ("mylayers.py", "        responses = super", "        # A comment.\n        responses = super", {}),
        ("mylayers.py", ".mean(1, keepdim=True)", ".amax(1, keepdim=True)", {"train": 2, "evaluate": 2}),
        ("mynetwork.py", "stride=2", "stride=3", {"train": 1, "import_weights": 2, "evaluate": 3}),
        (
            "flexnet/layers/gates.py",
            "return torch.sigmoid(argument)",
            "return -torch.sigmoid(argument)",
            # Two flexible networks, and the file that may ask for a layer without saying which.
            {"train": 3, "import_weights": 2, "evaluate": 5},
        ),
    ],
)
def test_what_runs_again_after_an_edit(
    file: str, old: str, new: str, again: dict[str, int], finished: Any
) -> None:
    with finished.edited(file, old, new):
        found = finished.plan(FIGURE, NETWORK, *IMPORTED)
    computed = {
        rule: count for rule, count in found.items() if rule in ("train", "import_weights", "evaluate")
    }
    assert {rule: computed.get(rule, 0) for rule in again} == again
    assert again or not computed


def test_what_files_of_ones_own_build_by_name_decides_as_well(finished: Any) -> None:
    named = "convolution(layer, channels", 'convolution(layer or {"kind": "pushpull"}, channels'
    edit = "return -enlarge(self.weight", "return enlarge(self.weight"
    with finished.edited("flexnet/layers/pushpull.py", *edit):
        assert finished.plan(NETWORK, *IMPORTED) == {}
    code = "from flexnet.study.jobs import training_code as code; print(code('mynetwork.plain', {}, {}))"
    with finished.edited("mynetwork.py", *named):
        before = finished.run("-c", code).stdout
        with finished.edited("flexnet/layers/pushpull.py", *edit):
            assert finished.run("-c", code).stdout != before


def test_other_weights_are_imported_again_and_scored_again(finished: Any) -> None:
    path = finished.folder / "weights/plain2.pth"
    kept = path.read_bytes()
    try:
        torch.manual_seed(7)
        torch.save(foreign_weights(), path)
        found = finished.plan(*IMPORTED)
        assert found["import_weights"] == found["evaluate"] == 1
    finally:
        path.write_bytes(kept)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            "config/config.yaml",
            "kind: mylayers.DivisiveConv2d, s",
            "kind: mylayers.DivisivConv2d, s",
            "did you mean",
        ),
        (
            "config/config.yaml",
            "network: mynetwork.plain\n    recipe",
            "network: mynetworks.plain\n    recipe",
            "mynetworks.py",
        ),
        (
            "config/config.yaml",
            "network: mynetwork.plain\n    seeds",
            "network: mynetwork.plain\n    recipe: vgg\n    seeds",
            "got both",
        ),
        (
            "config/config.yaml",
            "weights/plain{seed}.pth",
            "weights/plain1.pth",
            "for the 2 seeds of the model",
        ),
        ("config/config.yaml", "weights/plain{seed}", "weights/other{seed}", ".pth below /"),
    ],
)
def test_what_is_not_there_is_named(file: str, old: str, new: str, message: str, finished: Any) -> None:
    with finished.edited(file, old, new):
        done = finished.snakemake("--dry-run", FIGURE, *IMPORTED)
    assert done.returncode != 0
    assert message in done.stdout, done.stdout


def test_a_layer_that_draws_in_secret_is_refused(finished: Any) -> None:
    noise = "responses = super().forward(images) + torch.rand(1)"
    target = "tiny/results/fgsm/paper/plain-divisive/seed1.csv"
    with finished.edited("mylayers.py", "responses = super().forward(images)", noise):
        done = finished.snakemake(target, "--config", "device=cpu")
    assert done.returncode != 0
    assert "let a layer that draws say stochastic = True" in done.stdout, done.stdout


def test_facts_say_where_weights_come_from(finished: Any) -> None:
    said = finished.run(
        "-c",
        "import sys; from flexnet.weights import read_metadata as of; print(of(sys.argv[1])['checkpoint'])",
        str(finished.folder / "tiny/results/models/plain-theirs/seed2.safetensors"),
    ).stdout
    assert json.loads(said)["file"] == "weights/plain2.pth"
    assert len(json.loads(said)["sha256"]) == 64
