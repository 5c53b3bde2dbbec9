"""The documentation: its links lead somewhere, and what its tables say is what the project does."""

import re
import sys
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from flexnet.training.recipe import Recipe

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

import environment
import pages

import docs

ROOT = Path(__file__).parents[1]
TEXTS = [*sorted((ROOT / "docs").glob("*.md")), *(ROOT / name for name in docs.BORROWED)]


def cells(table: str) -> list[list[str]]:
    """The cells of the rows of a Markdown table, without its head."""
    lines = [line for line in table.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def anchors(text: str) -> set[str]:
    """What links may name in a page."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


# --- links and marks --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_every_link_of_a_text_leads_somewhere_in_the_checkout(path: Path) -> None:
    prose = docs.FENCED.sub("", path.read_text(encoding="utf-8"))
    for target, anchor in re.findall(r"\]\(([^)\s#]*)(?:#([^)\s]*))?\)", prose):
        if re.match(r"[a-z]+:", target):
            continue
        there = path.parent / target if target else path
        assert there.is_file(), f"{path.name}: {target}"
        assert not anchor or anchor in anchors(there.read_text(encoding="utf-8")), f"{target}#{anchor}"


@pytest.mark.parametrize("path", [*TEXTS, ROOT / "README.md"], ids=lambda path: path.name)
def test_commands_can_be_pasted_into_any_shell(path: Path) -> None:
    """The shell of macOS takes a # behind a command for an argument, and [1,2] outside quotes for files."""
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    typed = [line for block in blocks for line in block.splitlines() if not line.startswith("#")]
    typed += [code for code in re.findall(r"`([^`\n]+)`", docs.FENCED.sub("", text)) if " --" in code]
    for line in typed:
        bare = re.sub(r"'[^']*'|\"[^\"]*\"", "", line)
        assert not re.search(r"\s#|[\[*?]", bare), line


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_every_link_of_a_page_leads_to_a_page(path: Path) -> None:
    """What no page shows is named without a link; the build of the documentation stops at another."""
    docs.with_links(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT)))


def test_links_are_turned_to_where_the_texts_lie_among_the_pages() -> None:
    text = (
        "[a](../config/README.md#the-study) [b](own.md) ![c](demo-fig4d.png) [d](https://example.org/x.md)\n"
        "```\n[e](../config/README.md)\n```\n"
    )
    turned = docs.with_links(text, "docs/code.md")
    assert turned == text.replace("[a](../config/README.md#", "[a](configuration.md#")
    assert docs.with_links("[own](../docs/own.md)", "config/README.md") == "[own](own.md)"


def test_a_link_to_what_is_no_page_stops_the_build() -> None:
    with pytest.raises(SystemExit, match=r"docs/own\.md: expected a link to a page; got '\.\./Makefile'"):
        docs.with_links("[make](../Makefile)", "docs/own.md")


def test_marks_and_makers_belong_to_each_other() -> None:
    prose = "".join(docs.FENCED.sub("", path.read_text(encoding="utf-8")) for path in TEXTS)
    assert sorted(docs.MADE.findall(prose)) == sorted(pages.makers(Path("nowhere")))
    with pytest.raises(SystemExit, match=r"page\.md: expected one of \['a'\]; got the mark 'b'"):
        docs.filled("<!-- made: b -->", {"a": str}, "page.md")
    assert docs.filled("x <!-- made: a -->", {"a": lambda: "y"}, "page.md") == "x y"


def test_the_menu_names_every_page_once() -> None:
    menu = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    named: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, str):
            named.append(node)
        else:
            for part in node.values() if isinstance(node, dict) else node:
                walk(part)

    walk(menu)
    texts = {path.relative_to(ROOT).as_posix() for path in TEXTS}
    expected = {str(docs.page_of(text)) for text in texts} | {f"api/{room}.md" for room in pages.rooms()}
    expected |= {"example.md"}  # the notebook
    assert sorted(named) == sorted(expected)


def test_the_generator_is_locked_and_in_no_other_environment() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    names = {re.split(r"[\[<>=]", line)[0] for line in groups["docs"]}

    def locked(path: Path) -> set[str]:
        return set(re.findall(r"^([\w.-]+)==", path.read_text(encoding="utf-8"), re.MULTILINE))

    assert len(names) > 1
    assert names <= locked(docs.LOCK)
    assert not names & set.union(*map(locked, environment.LOCKS.values()))


# --- tables -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scale", "protocols", "least"),
    [
        ("laptop", ("paper", "release", "corrected"), 21),
        ("paper", ("paper", "corrected"), 8),
        ("bf16", ("paper", "release", "corrected"), 3),
    ],
)
def test_the_claims_in_short_are_those_of_the_ledger(
    scale: str, protocols: tuple[str, ...], least: int
) -> None:
    ledger = pd.read_csv(ROOT / "published" / scale / "results/claims.csv", keep_default_na=False)
    measured = ledger[ledger["n"].astype(int) > 0]
    expected = {
        (f"{row.id}, {row.paper}", row.protocol): row.summary for row in measured.itertuples(index=False)
    }
    told = {
        (name, protocol): word
        for name, _, *words in cells(pages.claims(scale))
        for protocol, word in zip(protocols, words, strict=True)
        if word
    }
    assert len(expected) >= least
    assert told == expected


def test_comparisons_of_several_scales_stand_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = "paper,id,protocol,comparison,measured_value,low,high,n,verdict\n"
    ledgers = {
        "large": "a,C01,paper,x - y,1.26,0.96,1.54,10,reproduced\na,C02,paper,x - y,,,,2,at chance\n",
        "small": "a,C01,paper,x - y,-0.04,,,1,undecided\na,C01,release,x - y,3,2,4,5,reproduced\n"
        "a,C02,paper,x - y,9,8,10,3,reproduced\n",
        "other": "a,C01,paper,x - y,,,,0,not measured\n",
    }
    for scale, rows in ledgers.items():
        folder = tmp_path / "published" / scale / "results"
        folder.mkdir(parents=True)
        (folder / "claims.csv").write_text(head + rows)
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    assert pages.scales().splitlines()[0] == "| claim | protocol | comparison | large | small |"
    assert list(map(tuple, cells(pages.scales()))) == [
        ("C01, a", "paper", "x - y", "1.3 (1.0 to 1.5), n = 10: reproduced", "0.0, n = 1: undecided"),
        ("C02, a", "paper", "x - y", "at chance", "9.0 (8.0 to 10.0), n = 3: reproduced"),
    ]


def test_published_figures_are_shown_with_their_own_captions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = {
        "fig1": {"shows": "the layer"},
        "fig3": {"shows": "thresholds"},
        "fig4d": {"shows": "attacks"},
        "pushpull/fig3": {"shows": "networks"},
    }
    figures = tmp_path / "published/laptop/figures"
    for name in ("fig3", "fig4d", "corrected/fig4d", "pushpull/fig3"):
        (figures / name).parent.mkdir(parents=True, exist_ok=True)
        (figures / f"{name}.md").write_text(f"Caption of {name}.\n")
        (figures / f"{name}.png").write_bytes(name.encode())
    (tmp_path / "config").mkdir()
    (tmp_path / "config/figures.yaml").write_text(yaml.safe_dump(registry))
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    text = pages.published("laptop", tmp_path / "out")
    assert re.findall(r"^### (\S+): (\w+)", text, re.MULTILINE) == [
        ("fig3", "thresholds"),
        ("fig4d", "attacks"),
        ("pushpull/fig3", "networks"),
    ]
    shown = re.findall(r"!\[(\S+), (\w+)\]\((\S+)\)\n\n(.*)", text)
    assert [(name, protocol, caption) for name, protocol, _, caption in shown] == [
        ("fig3", "paper", "Caption of fig3."),
        ("fig4d", "paper", "Caption of fig4d."),
        ("fig4d", "corrected", "Caption of corrected/fig4d."),
        ("pushpull/fig3", "paper", "Caption of pushpull/fig3."),
    ]
    pictures = [(tmp_path / "out" / place).read_bytes() for *_, place, _ in shown]
    assert pictures == [b"fig3", b"fig4d", b"corrected/fig4d", b"pushpull/fig3"]
    assert "* C09: " in text.partition("### fig4d")[2]


def test_every_figure_is_listed_with_the_images_that_it_needs() -> None:
    rows = {target.strip("`"): (shows, data) for target, shows, data in cells(pages.figures())}
    registry = yaml.safe_load((ROOT / "config/figures.yaml").read_text(encoding="utf-8"))
    assert set(rows) == {f"figures/{name}.pdf" for name in registry}
    assert rows["figures/fig4d.pdf"] == (registry["fig4d"]["shows"], "CIFAR-10")
    assert rows["figures/fig1.pdf"][1] == "none"
    assert rows["figures/pushpull/fig6.pdf"][1] == "CIFAR-10"


def test_the_protocols_are_told_as_they_are_configured() -> None:
    said = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))["protocols"]
    rows = {key: values for key, *values in cells(pages.protocols())}
    assert rows["band"] == [said[name]["band"] for name in ("paper", "release", "corrected")]
    for key in ("space", "clamp", "loss", "counting"):
        expected = [said[name]["fgsm"][key] for name in ("paper", "release", "corrected")]
        assert rows[f"fgsm: {key}"] == expected
    assert rows["fgsm: draws"] == ["10", "10", "20"]


def test_every_key_of_the_schemas_is_told() -> None:
    told = set(re.findall(r"^\| `(\w+)` \|", pages.schema(), re.MULTILINE))
    keys: set[str] = set()
    for name in ("config", "figures"):
        document = yaml.safe_load((ROOT / f"workflow/schemas/{name}.schema.yaml").read_text(encoding="utf-8"))
        for row in [document, *document.get("properties", {}).values()]:
            for node in (row, row.get("additionalProperties") or {}):
                keys |= set(node.get("properties", {}))
    assert len(keys) > 60
    sections = ["sources", "datasets", "recipes", "models", "protocols"]
    assert keys - told <= set(sections)
    assert re.findall(r"^### Of a row of `(\w+)`", pages.schema(), re.MULTILINE) == sections
    assert (
        "| `data_mirror` | string or null | Folder of Parquet shards, one folder per dataset. |"
        in pages.schema()
    )


def test_every_option_is_told_with_what_is_allowed_and_what_it_means() -> None:
    text = pages.options()
    recipe = cells(text.partition("### Of a recipe")[2].partition("\n### ")[0])
    assert [row[0].strip("`") for row in recipe] == [entry.name for entry in fields(Recipe)]
    assert recipe[0] == [
        "`epochs`",
        "a whole number of at least 1",
        "`150`",
        "passes over the training images.",
    ]
    assert (
        "| `flexible` | one of ['none', 'single', 'all'] or a list of layer numbers from 1 to 13 | `none` |"
        in text
    )
    assert "| `step` | " in text
    empty = [row for row in cells(text) if len(row) == 4 and not all(row[:3])]
    assert empty == []
