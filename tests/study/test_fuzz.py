"""A configuration with any slip in it either plans or is refused by a message that names the key.

Slips are drawn at random with fixed seeds: in what the files hold, in their text, and in what is typed.
What a dry run asks of the study is asked here, in this process, of one figure of each family.
"""

import copy
import datetime
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from flexnet import config as settings
from flexnet.errors import ConfigError
from flexnet.study import drawing, jobs, joins, listing, targets
from flexnet.study.configuration import Given, given, load_scales, machine_variables, read_mapping
from flexnet.study.figures import places as places_of_models
from flexnet.study.places import Places
from flexnet.study.study import Study

ROOT = Path(__file__).parents[2]
MAIN, SCALE, FIGURES = "config/config.yaml", "config/scales/tiny.yaml", "config/figures.yaml"
SCHEMAS = {
    name: settings.read_yaml(ROOT / f"workflow/schemas/{name}.schema.yaml") for name in ("config", "figures")
}
Files = dict[str, Any]
SPECIAL = ("fig6", "table3", "pushpull/table1")  # paired, of several families, of weights from elsewhere
HELD, TEXT, TYPED = 360, 120, 120  # slips of each kind
DEEP: list[Any] = []
for _ in range(50):
    DEEP = [DEEP]
# Of every type that YAML makes, of names that mean something elsewhere, and at the edge of what numbers hold.
VALUES: list[Any] = [
    *(None, True, False, -1, 0, 1, 10**18, 10**30, 10**400, 0.5, 1e-300, 1e308),
    *(float("nan"), float("inf"), -float("inf"), "", " ", "x", "\x00", "é", "a\nb", "a" * 5000),
    *(
        "../../etc/passwd",
        "/",
        ".",
        "..",
        "{seed}",
        "{0}",
        "{a.b}",
        "{train_images!r:>{width}}",
        "[",
        "(a+)+$",
    ),
    *("none", "1e3", "cifar10", "shapes", "vgg16", "vgg16-flexible", "learned", "normal(1e999,1)", "paper"),
    *("no.such.module", "a..b", "__import__", "fgsm", "fig4d"),
    *(
        [],
        {},
        [None],
        [[]],
        [{}],
        {"a": 1},
        {1: 2},
        {None: 1},
        {(1, 2): 3},
        [1, 1],
        [1, "a"],
        [1e308, -1e308],
    ),
    *(datetime.date(2024, 1, 1), b"abc", {"a", "b"}, DEEP),
    *(
        {"kind": "x"},
        {"kind": None},
        {"kind": ["x"]},
        {"kind": "pushpull"},
        {"kind": "lowpass", "size": 10**9},
    ),
    *(
        {"kind": "pgd"},
        [{"kind": "crop", "padding": 10**9}],
        [{"kind": []}],
        {"like": None},
        {"scheme": "learned"},
    ),
]
KEYS: list[Any] = [
    1,
    None,
    True,
    1.5,
    (1, 2),
    datetime.date(2024, 1, 1),
    "",
    "a/b",
    "..",
    "{x}",
    "x",
    "like",
    "kind",
]
KEYS += ["dataset", "options", "layer", "recipe", "checkpoint", "at_test", "splits", "folder", "fgsm", "also"]
BITS = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "- ",
    "&a ",
    "*a",
    "!!python/object:os.system ",
    "!!set ",
    "!!timestamp x",
]
BITS += [
    "? ",
    "|",
    "'",
    '"',
    "#",
    "<<: *a\n",
    "---\n",
    "\x00",
    "\x80",
    "é",
    "\t",
    "0x",
    ".nan",
    "~",
    "2024-02-30",
]
BITS += ["&x [*x]", "1:30", "\n", "9" * 400, "9" * 5000]
ENTRIES = [
    *("device=cpu", "threads=8", "checkpoint_seconds=3", "image_memory=1e9", "data_mirror=/a", "download=no"),
    "scales={trial: {like: demo, recipes: {vgg: {epochs: 3}}}}",
    "scales={a: {protocols: {paper: {fgsm: {epsilons: [0, 0.1]}}}, note: x, evidence: true, threads: 2}}",
]


# --- what is spoilt ---------------------------------------------------------------------------------


@cache
def shipped() -> Files:
    """The shipped configuration with one figure of each family, and a scale that changes some of it."""
    main, figures = settings.read_yaml(ROOT / MAIN), settings.read_yaml(ROOT / FIGURES)
    by_models = sorted(figures, key=lambda name: -len(figures[name]["series"]))
    chosen = {*{figures[name]["family"]: name for name in by_models}.values(), *SPECIAL}
    chosen |= {other for name in chosen for other in figures[name].get("beside", ())}
    kept = {name: figure for name, figure in figures.items() if name in chosen}
    shown = {
        model
        for figure in kept.values()
        for named in places_of_models(figure).values()
        for model in named.values()
    }
    sections = [
        part
        for protocol in main["protocols"].values()
        for part in protocol.values()
        if isinstance(part, dict)
    ]
    judged = {dataset for part in sections for dataset in part.get("judged_on", {}).values()}
    shown |= {part[key] for part in sections for key in ("surrogate", "twin") if part.get(key)}
    models = _like(main["models"], shown)
    models = _like(main["models"], {*models, *_named(models, "at_test", main["models"])})
    main["models"] = models
    main["recipes"] = _like(main["recipes"], _named(models, "recipe", main["recipes"]))
    main["datasets"] = {
        key: row
        for key, row in main["datasets"].items()
        if key in judged | _named(models, "dataset", main["datasets"])
    }
    main["sources"] = {
        key: row
        for key, row in main["sources"].items()
        if key in _named(main["datasets"], "source", main["sources"])
    }
    scale = {
        "threads": 1,
        "note": "Small.",
        "everything_under": ["paper"],
        "recipes": {"vgg": {"epochs": 2}},
        "models": {"vgg16-baseline": {"seeds": 1, "options": {"width": 0.125}}, "vgg16-random": {"seeds": 2}},
        "protocols": {"paper": {"fgsm": {"epsilons": [0, 0.1]}}},
    }
    return {MAIN: main, SCALE: scale, FIGURES: kept}


def _named(rows: Mapping[str, Any], key: str, known: Mapping[str, Any]) -> set[str]:
    """Everything below a key of some rows that is the name of a row."""
    found = {
        name for row in rows.values() for _, name in _paths(row.get(key), (key,)) if isinstance(name, str)
    }
    return found & known.keys()


def _like(rows: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    """Some rows, and all that they are like."""
    while more := {rows[name]["like"] for name in names if rows[name].get("like")} - names:
        names = names | more
    return {name: row for name, row in rows.items() if name in names}


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Everything in a value, with the keys that lead there."""
    if path:
        yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from _paths(part, (*path, key))


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


# --- how it is spoilt -------------------------------------------------------------------------------


def held_slip(chance: random.Random) -> tuple[Files, set[str]]:
    """The files with one slip in what they hold, and the names one of which a message must say."""
    files = copy.deepcopy(shipped())
    file = chance.choice([MAIN, MAIN, FIGURES, SCALE])
    paths = [path for path, _ in _paths(files[file])]
    path, other = chance.choice(paths), chance.choice(paths)
    while len(path) > 1 and chance.random() < 0.3:
        path = path[:-1]
    holder, key, part = _at(files[file], path[:-1]), path[-1], _at(files[file], path)
    names = words(path)
    how = chance.choice(["set"] * 6 + ["remove", "rename", "add", "exchange", "copy"])
    if how == "set":
        holder[key] = copy.deepcopy(chance.choice(VALUES))
    elif how == "remove":
        del holder[key]
    elif how == "rename" and isinstance(holder, dict):
        new = chance.choice([*KEYS, f"{key}s", str(key)[:-1] or "y", str(key).upper()])
        holder[new] = holder.pop(key)
        names |= words([new])
    elif how == "add" and isinstance(part, dict):
        new = chance.choice(KEYS)
        part[new] = copy.deepcopy(chance.choice(VALUES))
        names |= words([new])
    elif how == "add" and isinstance(part, list):
        part.append(copy.deepcopy(chance.choice(VALUES)))
    elif how == "copy":
        holder[key] = copy.deepcopy(_at(shipped()[file], other))
    elif how == "exchange" and path[: len(other)] != other and other[: len(path)] != path:
        _at(files[file], other[:-1])[other[-1]], holder[key] = part, _at(files[file], other)
        names |= words(other)
    return files, names


def words(keys: Iterable[Any]) -> set[str]:
    """Keys as messages say them."""
    return {word for key in keys for word in (str(key), repr(key))}


def text_slip(chance: random.Random) -> tuple[str, str]:
    """A file and its text with one or two slips of the hand."""
    file = chance.choice([MAIN, SCALE, FIGURES])
    text = _texts()[file]
    for _ in range(chance.choice([1, 1, 2])):
        place = chance.randrange(len(text))
        how = chance.choice(["insert", "remove", "line"])
        if how == "insert":
            text = text[:place] + chance.choice(BITS) + text[place:]
        elif how == "remove":
            text = text[:place] + text[place + chance.choice([1, 2, 5]) :]
        else:
            lines = text.splitlines(keepends=True)
            lines.insert(chance.randrange(len(lines)), lines.pop(chance.randrange(len(lines))))
            text = "".join(lines)
    return file, text


@cache
def _texts() -> dict[str, str]:
    return {file: yaml.safe_dump(held, sort_keys=False, width=100) for file, held in shipped().items()}


def typed_slip(chance: random.Random) -> list[str]:
    """Entries behind --config with slips of the hand."""
    entries = []
    for _ in range(chance.choice([1, 1, 2])):
        entry = chance.choice(ENTRIES)
        for _ in range(chance.choice([1, 1, 2, 3])):
            place = chance.randrange(len(entry) + 1)
            if chance.random() < 0.7:
                entry = entry[:place] + chance.choice(BITS) + entry[place:]
            else:
                entry = entry[:place] + entry[place + chance.choice([1, 2, 5]) :]
        entries.append(entry)
    return entries


# --- what a dry run asks ----------------------------------------------------------------------------


def load(files: Files) -> Study:
    """Check the files as `load_scales` and `load_figures` do; what is as it was shipped is checked once."""
    scales = {home: dict(config) for home, config in _scales().items()}
    if files[MAIN] != shipped()[MAIN]:
        scales = dict.fromkeys(scales, settings.load(files[MAIN], SCHEMAS["config"], _parts(files)))
    elif files[SCALE] != shipped()[SCALE]:
        scales["tiny/"] = _scale(files)
    figures, registry = files[FIGURES], [settings.Part(FIGURES, files[FIGURES])]
    settings.check(figures, SCHEMAS["figures"], FIGURES, registry)
    settings.check_figures(figures, scales[""], FIGURES, scales, registry)
    return Study(scales, figures, {}, ROOT)


def _parts(files: Files) -> list[settings.Part]:
    return [settings.Part(MAIN, files[MAIN]), settings.Part("--config", {})]


def _scale(files: Files) -> settings.Config:
    parts = [*_parts(files), settings.Part(SCALE, files[SCALE])]
    settings.check_scale(files[SCALE], SCALE)
    return settings.load(settings.lay_over(files[MAIN], files[SCALE]), SCHEMAS["config"], parts)


@cache
def _scales() -> dict[str, settings.Config]:
    main = settings.load(shipped()[MAIN], SCHEMAS["config"], _parts(shipped()))
    return {"": main, "tiny/": _scale(shipped())}


def plan(study: Study, home: str) -> int:
    """Ask everything that a plan of a home asks; the number of jobs' settings that were told."""
    machine_variables(study.base, Given())
    assert jobs.all_splits(study) and jobs.models_with(study, "recipe") is not None
    told = [
        *targets.everything(study, home),
        drawing.ledger_settings(study, home),
        *drawing.ledger_rows(study, home),
    ]
    models: set[str] = set()
    asked: set[tuple[str, str, str]] = set()
    for variant, protocol in study.variants.items():
        for figure in (name for name in study.figures if study.shown(home, name, protocol)):
            if study.is_schematic(figure):
                told.append(joins.describe_settings(study, home, protocol, figure))
            else:
                told.append(joins.collect_settings(study, home, protocol, figure))
                shown = {*study.series(home, figure, protocol).values()}
                models |= shown
                families = [family.name for family in study.families(figure) if family.subject == "trained"]
                asked |= {(family, protocol, model) for family in families for model in shown}
            told.append(drawing.figure_settings(study, home, variant, figure))
    for family, protocol, model in asked:
        told.append(jobs.evaluate_settings(study, home, family, protocol, model))
        told += jobs.own_files(study, home, family, protocol)
        told += jobs.visited_choices(study, home, family, protocol)
        jobs.other_models(study, home, family, protocol, model, "all")
    for model in models:
        row, dataset = study.model(home, model), jobs.dataset_of(study, home, model)
        jobs.network_code(row["network"], row.get("options", {}))
        jobs.arrays_of(study, home, dataset)
        told.append(jobs.subset_settings(study, home, dataset, "1"))
        told += [jobs.train_settings(study, home, model, "1")] if "recipe" in row else []
    return len(told)


def outcome(ask: Callable[[], object]) -> str | None:
    """None if all is well, or the message of a refusal; any other error passes through."""
    try:
        ask()
    except ConfigError as error:
        return str(error)
    return None


def plan_all(files: Files) -> None:
    """Check the files, and plan the scale that has what all of them say."""
    plan(load(files), "tiny/")


def plan_file(path: Path, file: str) -> None:
    plan_all({**shipped(), file: read_mapping(path, file)})


# --- what comes of it -------------------------------------------------------------------------------


def test_what_is_shipped_plans() -> None:
    study = load(shipped())
    figures = settings.read_yaml(ROOT / FIGURES).values()
    families = {name for figure in figures for name in (figure["family"], *figure.get("also", ()))}
    assert {family.name for name in study.figures for family in study.families(name)} == families
    assert plan(study, "") > 100
    assert plan(study, "tiny/") > 100
    assert listing.listing(study, 2)


def test_enough_slips_are_tried() -> None:
    assert HELD + TEXT + TYPED >= 500


def test_a_slip_in_what_the_files_hold_plans_or_is_named() -> None:
    planned = 0
    for number in range(HELD):
        files, names = held_slip(random.Random(f"held {number}"))
        message = outcome(partial(plan_all, files))
        planned += message is None
        assert message is None or any(name in message for name in names), (number, names, message)
    assert HELD // 10 < planned < HELD // 2  # neither is everything refused nor everything taken


def test_a_slip_in_the_text_of_a_file_plans_or_is_named(tmp_path: Path) -> None:
    planned = 0
    for number in range(TEXT):
        file, text = text_slip(random.Random(f"text {number}"))
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        message = outcome(
            lambda path=path, file=file: plan_all({**shipped(), file: read_mapping(path, file)})
        )
        planned += message is None
        told = (MAIN, SCALE, FIGURES, "judged_on")
        assert message is None or any(words in message for words in told), (number, message)
    assert TEXT // 10 < planned < TEXT * 2 // 3


@pytest.mark.parametrize("as_module", [False, True])
def test_a_slip_in_what_is_typed_is_taken_or_named(as_module: bool) -> None:
    taken = 0
    for number in range(TYPED // 2):
        entries = typed_slip(random.Random(f"typed {as_module} {number}"))
        message = outcome(partial(take, entries, as_module))
        taken += message is None
        keys = words(entry.partition("=")[0] for entry in entries) | {"config"}
        assert message is None or any(key in message for key in keys), (number, entries, message)
    assert 0 < taken < TYPED // 2


def take(entries: list[str], as_module: bool) -> None:
    """Read what is typed, and load the configuration with it if it says anything."""
    read = dict(entry.split("=", 1) for entry in entries if "=" in entry)
    came = given(read, entries, [], SCHEMAS["config"], as_module=as_module)
    if came.wins or came.scales:
        load_scales(Places(ROOT, ROOT), SCHEMAS["config"], came)
