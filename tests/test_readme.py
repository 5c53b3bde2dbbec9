"""What the README shows can be typed."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
import yaml

from flexnet.families.registry import families
from flexnet.layers import FlexibleConv2d

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CODE = (ROOT / "docs/code.md").read_text(encoding="utf-8")


def test_the_layer_example_runs_as_written() -> None:
    block = next(code for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "convert" in code)
    names: dict[str, Any] = {}
    exec(block, names)
    assert names["maps"].shape == (8, 64, 30, 30)  # type: ignore[attr-defined]
    converted = [module for module in names["twin"].modules() if isinstance(module, FlexibleConv2d)]
    assert [layer.out_channels for layer in converted] == [8]
    assert names["twin"](torch.rand(2, 3, 32, 32)).shape == (2, 10)


def test_every_scheme_that_the_page_about_code_names_exists() -> None:
    sentence = re.search(r"Schemes: (.*?)\. The rule", CODE, re.DOTALL)
    assert sentence is not None
    for scheme in re.findall(r"`(\w+)`", sentence[1]):
        value = 0.1 if scheme == "uniform" else None
        layer = FlexibleConv2d(1, 2, 3, input_size=5, scheme=scheme, value=value)
        assert layer(torch.rand(1, 1, 5, 5)).shape == (1, 2, 3, 3)


def test_the_readme_is_one_screen_and_every_link_of_it_leads_somewhere() -> None:
    assert len(README.splitlines()) < 90
    links = re.findall(r"\]\(([^)\s]+)\)", README)
    assert len(links) > 15
    assert [link for link in links if not (ROOT / link).is_file()] == []
    pages = {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} - {"docs/keys.md"}
    assert pages <= set(links)


def test_the_configuration_guide_explains_every_key_of_the_schema() -> None:
    guide = (ROOT / "config/README.md").read_text(encoding="utf-8")
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8"))
    keys: set[str] = set()

    def walk(node: object) -> None:
        if isinstance(node, dict):
            keys.update(node.get("properties", {}))
            for value in node.values():
                walk(value)

    walk(schema)
    for family in families().values():
        keys |= {entry.name for entry in fields(family.settings)} if family.settings else set()
    keys -= {"paper", "release", "corrected"}
    assert len(keys) > 40
    assert [key for key in sorted(keys) if f"`{key}`" not in guide] == []
