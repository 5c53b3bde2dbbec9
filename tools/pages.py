"""What is made for pages of the documentation: tables, so that no number on a page is typed by hand."""

import csv
import inspect
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from importlib import import_module
from pathlib import Path
from typing import Any

import reruns
import yaml

from flexnet.claims.catalogue import packaged_claims
from flexnet.config import inherited
from flexnet.families.registry import families
from flexnet.networks.registry import networks, options_of
from flexnet.options.layer import kinds
from flexnet.options.rules import Options
from flexnet.training.recipe import Recipe

ROOT = Path(__file__).resolve().parents[1]
# What is no value of any option, so that every check says what it expects.
NOTHING = object()
VARIANTS = {"paper": "", "release": "release/", "corrected": "corrected/"}


def makers(folder: Path) -> dict[str, Callable[[], str]]:
    """What can be put on a page, by name; pictures are copied into the folder of the pages."""
    return {
        "reruns": lambda: reruns.table(_yaml("tests/workflow/reruns.yaml")),
        "figures": figures,
        "protocols": protocols,
        "claims": lambda: claims("laptop"),
        "claims_bf16": lambda: claims("bf16"),
        "claims_night": lambda: claims("night"),
        "claims_paper": lambda: claims("paper"),
        "scales": scales,
        "verdicts": lambda: _published("laptop", "claims.md").read_text(encoding="utf-8"),
        "published": lambda: published("laptop", folder),
        "published_bf16": lambda: published("bf16", folder),
        "published_night": lambda: published("night", folder),
        "published_paper": lambda: published("paper", folder),
        "schema": schema,
        "options": options,
    }


def _yaml(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table; what would end a cell is written so that it does not."""
    lines = [head, ("---",) * len(head), *rows]
    cells = ([" ".join(cell.split()).replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


# --- figures and results --------------------------------------------------------------------------------


def figures() -> str:
    """Every figure with what it shows and the images that it needs."""
    base = inherited(_yaml("config/config.yaml"))
    rows = [
        (f"`figures/{name}.pdf`", row.get("shows", ""), _data(base, row))
        for name, row in _yaml("config/figures.yaml").items()
    ]
    return _table(("target", "what it shows", "data"), rows)


def _data(base: Mapping[str, Any], figure: Mapping[str, Any]) -> str:
    """What captions call the images of a figure's series; a drawing of modules needs none."""
    family = families()[figure["family"]]
    if family.subject == "modules" and not family.images:
        return "none"
    models = [base["models"].get(model) for model in figure["series"].values()]
    rows = [base["datasets"][model["dataset"]] for model in models if model and "dataset" in model]
    return ", ".join(dict.fromkeys(base["sources"][row["source"]]["title"] for row in rows)) or "none"


def _ledger(scale: str) -> list[dict[str, str]]:
    path = ROOT / "published" / scale / "results/claims.csv"
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def scales() -> str:
    """Every comparison that was measured at several scales: effect and verdict at each of them."""
    names = sorted(path.parents[1].name for path in (ROOT / "published").glob("*/results/claims.csv"))
    found: dict[tuple[str, str, str, str], dict[str, str]] = {}
    for name in names:
        for row in _ledger(name):
            if row["n"] != "0":
                key = (row["paper"], row["id"], row["protocol"], row["comparison"])
                found.setdefault(key, {})[name] = _judgement(row)
    several = {key: told for key, told in found.items() if len(told) > 1}
    shown = [name for name in names if any(name in told for told in several.values())]
    rows = [
        (f"{claim}, {paper}", protocol, comparison, *(told.get(name, "") for name in shown))
        for (paper, claim, protocol, comparison), told in several.items()
    ]
    return _table(("claim", "protocol", "comparison", *shown), rows)


def _judgement(row: Mapping[str, str]) -> str:
    """Effect, interval if there is one, n and verdict of a line of a ledger."""
    if not row["measured_value"]:  # where no network rises above guessing
        return row["verdict"]
    effect, *ends = (_points(row[name]) for name in ("measured_value", "low", "high"))
    interval = f" ({' to '.join(ends)})" if all(ends) else ""
    return f"{effect}{interval}, n = {row['n']}: {row['verdict']}"


def _points(cell: str) -> str:
    """A number of a ledger with one decimal; zero has no sign."""
    return f"{round(float(cell), 1) + 0.0:.1f}" if cell else ""


def claims(scale: str) -> str:
    """The summary of every claim that was measured, under each protocol, from the ledger."""
    ledger = _ledger(scale)
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in ledger:
        if row["n"] != "0":
            words = found.setdefault((row["paper"], row["id"], row["statement"]), {})
            words[row["protocol"]] = row["summary"]
    asked = dict.fromkeys(row["protocol"] for row in ledger)
    protocols = [name for name in asked if any(name in words for words in found.values())]
    rows = [
        (f"{name}, {paper}", statement, *(words.get(protocol, "") for protocol in protocols))
        for (paper, name, statement), words in sorted(found.items(), key=lambda each: each[0][:2])
    ]
    return _table(("claim", "what the paper says", *protocols), rows)


def published(scale: str, folder: Path) -> str:
    """Every published figure as a picture with its caption, and of a table its numbers."""
    registry = _yaml("config/figures.yaml")
    parts = []
    for name in registry:
        shown = [
            (protocol, _published(scale, f"{variant}{name}.md")) for protocol, variant in VARIANTS.items()
        ]
        there = [(protocol, path) for protocol, path in shown if path.is_file()]
        if there:
            parts += [f"### {name}: {registry[name]['shows']}", _judged(name)]
            parts += [_figure(name, scale, protocol, path, folder) for protocol, path in there]
    return "\n\n".join(parts)


def _judged(figure: str) -> str:
    """The claims that are judged by the rows of a figure."""
    about = [f"* {claim.id}: {claim.title}" for claim in packaged_claims() if claim.figure == figure]
    return (
        "\n".join(["Judged by its rows:", "", *about])
        if about
        else "It is a control: no claim is judged by it."
    )


def _published(scale: str, name: str) -> Path:
    return ROOT / "published" / scale / "figures" / name


def _figure(name: str, scale: str, protocol: str, caption: Path, folder: Path) -> str:
    picture = caption.with_suffix(".png")
    place = Path("pictures") / scale / protocol / f"{name}.png"  # both papers have a fig5
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(picture, folder / place)
    text = caption.read_text(encoding="utf-8").strip()
    shown = f"![{name}, {protocol}]({place.as_posix()})"
    return f"#### {name}, {protocol} protocol\n\n{shown}\n\n{text}"


# --- configuration --------------------------------------------------------------------------------------


def protocols() -> str:
    """What the protocols say of the attack by one step, side by side."""
    said = inherited(_yaml("config/config.yaml"))["protocols"]
    keys = list(dict.fromkeys(key for protocol in said.values() for key in protocol.get("fgsm", {})))
    rows = [("band", *(str(said[name]["band"]) for name in said))]
    for key in keys:
        values = (said[name].get("fgsm", {}).get(key, "") for name in said)
        rows.append((f"fgsm: {key}", *map(_value, values)))
    return _table(("key", *said), rows)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value).lower()


def schema() -> str:
    """Every key of the two schemas, section by section."""
    configuration = _yaml("workflow/schemas/config.schema.yaml")["properties"]
    rows_of = {name: row.get("additionalProperties", {}) for name, row in configuration.items()}
    sections = {name: row["properties"] for name, row in rows_of.items() if "properties" in row}
    top = {name: row for name, row in configuration.items() if name not in sections}
    parts = ["### Top level", _keys(top)]
    for name, rows in sections.items():
        parts += [f"### Of a row of `{name}`", _keys(rows)]
    figure = _yaml("workflow/schemas/figures.schema.yaml")
    parts += ["### Of a row of `figures.yaml`", _keys(figure["additionalProperties"]["properties"])]
    return "\n\n".join(parts)


def _keys(rows: Mapping[str, Mapping[str, Any]]) -> str:
    return _table(
        ("key", "value", "meaning"),
        [(f"`{name}`", _allowed(row), row.get("description", "")) for name, row in rows.items()],
    )


def _allowed(row: Mapping[str, Any]) -> str:
    """What a schema allows, in words."""
    if "enum" in row:
        return " or ".join(f"`{value}`" for value in row["enum"])
    kinds = row.get("type", "any")
    kind = kinds if isinstance(kinds, str) else " or ".join(kinds)
    return f"{kind}, at least {row['minimum']}" if "minimum" in row else kind


def options() -> str:
    """Options of recipes, networks, layers and families, each from the class that checks it."""
    parts = []
    for title, kind, told in _classes():
        rows = list(_options(kind, told))
        parts += [f"### {title}", _table(("key", "value", "default", "meaning"), rows)]
    return "\n\n".join(parts)


def _classes() -> Iterator[tuple[str, type[Options], list[Any]]]:
    """A title, a class of options, and whose docstrings tell what they mean."""
    yield "Of a recipe", Recipe, [Recipe]
    for name in networks():
        network = getattr(import_module(f"flexnet.networks.{name}"), name)
        yield f"Of the network `{name}`", options_of(name), [network]
    for name in kinds():
        accepted = import_module(f"flexnet.options.layers.{name}").OPTIONS
        layer = import_module(f"flexnet.layers.{name}").LAYER
        yield f"Of the layer `{name}`", accepted, [*reversed(layer.__mro__)]
    for name, family in families().items():
        if family.settings:
            yield f"Of the family `{name}`, in a protocol", family.settings, [family.settings]


def _options(kind: type[Options], told: list[Any]) -> Iterator[tuple[str, ...]]:
    meanings = _meanings(told)
    for entry in fields(kind):
        default = "must be given" if entry.default is MISSING else f"`{_default(entry.default)}`"
        yield f"`{entry.name}`", expected(entry.metadata["check"]), default, meanings.get(entry.name, "")


def _default(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def expected(check: Callable[[Any], Iterator[Any]]) -> str:
    """What a check allows, in the words with which it refuses."""
    problem = next(iter(check(NOTHING)), None)
    if problem is None:
        return ""
    words = problem.text.partition("expected ")[2].partition("; got ")[0]
    return f"{words}, or null" if next(iter(check(None)), None) is None else words


def _meanings(told: list[Any]) -> dict[str, str]:
    """What docstrings say of arguments and attributes; the last one counts."""
    found: dict[str, str] = {}
    for text in (inspect.cleandoc(each.__doc__ or "") for each in told):
        for names, meaning in re.findall(r"^ {4}([\w, ]+): (.*(?:\n {5,}.*)*)", text, re.MULTILINE):
            found |= {name.strip(): " ".join(meaning.split()) for name in names.split(",")}
    return found


# --- the notebook ---------------------------------------------------------------------------------------


def notebook() -> str:
    """The example as a page: its texts, and its code as code."""
    cells = json.loads((ROOT / "examples/torchvision.ipynb").read_text(encoding="utf-8"))["cells"]
    texts = [("".join(cell["source"]), cell["cell_type"]) for cell in cells]
    parts = [f"```python\n{text}\n```" if kind == "code" else text for text, kind in texts]
    return "\n\n".join(parts) + "\n"


# --- the package ----------------------------------------------------------------------------------------


def rooms() -> list[str]:
    """The folders of the package."""
    return sorted(path.parent.name for path in (ROOT / "flexnet").glob("*/__init__.py"))


def api() -> dict[str, str]:
    """A page for every room of the package: its modules, whose docstrings MkDocs puts there."""
    return {room: _room(room) for room in rooms()}


def _room(room: str) -> str:
    folder = ROOT / "flexnet" / room
    about = inspect.getdoc(import_module(f"flexnet.{room}")) or ""
    names = sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in folder.rglob("*.py")
        if not path.name.startswith("_")
    )
    return "\n\n".join([f"# flexnet.{room}", about, *(f"::: {name}" for name in names)]) + "\n"
