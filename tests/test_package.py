"""The package as somebody imports it: what it offers, what that costs, and the page about one's own code."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import flexnet
from flexnet.errors import ConfigError
from flexnet.layers.parameters import parameter_groups

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/code.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
# What only the workflow needs: reading datasets, tables, figures, running jobs.
WORKFLOW = ("jsonschema", "matplotlib", "pandas", "pyarrow", "snakemake", "torchvision")
LIBRARY = ("layers", "networks", "attacks", "audit", "corruptions", "training", "evaluation")


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_it_imports_nothing_that_is_heavy() -> None:
    heavy = "torch", "numpy", *WORKFLOW
    assert (
        run(f"import flexnet, sys; print(*(name for name in {heavy} if name in sys.modules))").split() == []
    )


def test_everything_that_it_offers_is_there() -> None:
    assert all(getattr(flexnet, name).__name__ == name for name in flexnet.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = flexnet.nothing


def test_layers_attacks_and_corruptions_need_nothing_of_the_workflow() -> None:
    blocked = "".join(f"sys.modules[{name!r}] = None; " for name in WORKFLOW)
    offered = "; ".join(f"flexnet.{name}" for name in flexnet.__all__)
    rooms = "; ".join(f"from flexnet.{room} import *" for room in LIBRARY)
    run(f"import sys; {blocked}import flexnet; {offered}; {rooms}")


def test_a_stage_of_the_study_says_what_it_lacks() -> None:
    code = "import sys; sys.modules['pyarrow'] = None; from flexnet.stages.command import main; "
    settings = '{"dataset": "cifar10", "split": "train"}'
    code += f"sys.exit(main(['data', '--settings', {settings!r}, '--output', 'x.safetensors']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert (
        'expected pyarrow, which belongs to the study; found none; type pip install ".[workflow]"'
        in done.stderr
    )


def test_the_page_runs_from_start_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    assert len(BLOCKS) >= 5
    for block in BLOCKS:
        exec(block, names)
    assert 0 <= names["rows"][-1]["accuracy"] <= 1
    assert (tmp_path / "mine.safetensors").is_file()


def test_a_saved_model_comes_back_as_it_was(tmp_path: Path) -> None:
    options = {"width": 0.25, "input_size": 12, "layer": {"scheme": "learned"}}
    model = flexnet.build("small", **options).eval()
    flexnet.save_model(tmp_path / "m.safetensors", model, "small", options, model="mine")
    again, said = flexnet.load_model(tmp_path / "m.safetensors")
    images = torch.rand(2, 1, 12, 12)
    assert torch.equal(again(images), model(images))
    assert said["model"] == "mine"


@pytest.mark.parametrize("options", [{"width": 0.5, "input_size": 12}, {"width": 0.25, "input_size": 12}])
def test_a_model_that_would_not_come_back_is_not_saved(options: dict[str, Any], tmp_path: Path) -> None:
    model = flexnet.build("small", width=0.25, input_size=12, layer={"scheme": "learned"})
    with pytest.raises(
        ConfigError, match=r"expected a model as 'small' with these options builds it; .* differ"
    ):
        flexnet.save_model(tmp_path / "m.safetensors", model, "small", options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_a_model_of_another_type_is_not_saved_before_it_is_converted(
    kind: torch.dtype, tmp_path: Path
) -> None:
    options = {"width": 0.25, "input_size": 12}
    model = flexnet.build("small", **options).to(kind)
    with pytest.raises(ConfigError, match=rf"in torch.float32, .*; got {kind}; convert .* with \.float\(\)"):
        flexnet.save_model(tmp_path / "m.safetensors", model, "small", options)
    assert list(tmp_path.iterdir()) == []
    flexnet.save_model(tmp_path / "m.safetensors", model.float(), "small", options)
    again, _ = flexnet.load_model(tmp_path / "m.safetensors")
    images = torch.rand(2, 1, 12, 12)
    assert torch.equal(again(images), model.eval()(images))


def test_groups_hold_every_parameter_once_and_thresholds_apart() -> None:
    model = flexnet.build("vgg16", width=0.05, flexible="all", layer={"scheme": "learned"})
    weights, thresholds = parameter_groups(model, weight_decay=0.006)
    assert (weights["weight_decay"], thresholds["weight_decay"]) == (0.006, 0.0)
    named = {name for name, _ in model.named_parameters() if name.endswith("threshold")}
    assert len(thresholds["params"]) == len(named) == 13
    assert len(weights["params"]) + 13 == len(list(model.parameters()))
    assert len(parameter_groups(nn.Linear(2, 2), weight_decay=0.1)) == 1
