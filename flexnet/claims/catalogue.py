"""Loading a paper's claims and numbers from its data file; every paper has the same format."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from functools import cache
from importlib.resources import files
from math import isnan
from pathlib import Path
from typing import Any

from flexnet.claims.model import Cell, Claim, Comparison, Published, Rule, RuleChange, Window
from flexnet.claims.rules import check_keys
from flexnet.corruptions.names import GROUPINGS
from flexnet.errors import ConfigError
from flexnet.families.corruptions import FOLDS
from flexnet.families.registry import conditions
from flexnet.problems import no_such_name
from flexnet.tables.columns import MEASURES
from flexnet.yaml_files import parse_yaml, read_yaml

# Categories of corruptions of any paper: a claim that names one means that of its own.
CATEGORIES = sorted({"all", *(name for grouping in GROUPINGS.values() for name in grouping)})
NUMBERS = {"size", "margin", "chance", "value", "at", "above", "at_least", "up_to", "mean", "sem", "n"}
FILE_KEYS = {"paper", "title", "authors", "published", "rules_changed", "claims"}


def packaged_papers() -> list[str]:
    """Names of the papers whose claims come with the package."""
    entries = (Path(entry.name) for entry in files("flexnet.claims").iterdir())
    return sorted(entry.stem for entry in entries if entry.suffix == ".yaml")


def load_claims(paper: str | Path) -> tuple[Claim, ...]:
    """Load all claims of a paper.

    Args:
        paper: the name of a packaged paper, such as "flexible-layer", or the path of a YAML file.

    Raises:
        ConfigError: if the paper is unknown, a key is missing or unknown, a value of another kind than its
            key has, a rule's kind is unknown or does not heed one of its keys, or an id occurs twice.
    """
    document = _document(paper)
    entries = _listed(document["claims"], f"{paper}: claims")
    claims = tuple(_claim(entry, document["paper"]) for entry in entries)
    ids = [claim.id for claim in claims]
    repeated = sorted({name for name in ids if ids.count(name) > 1})
    if repeated:
        raise ConfigError(f"{paper}: expected every claim once; got {repeated} twice; rename or remove one")
    return claims


def packaged_claims() -> tuple[Claim, ...]:
    """The claims of all packaged papers, paper by paper; an id may occur in each of them.

    Raises:
        ConfigError: as `load_claims` and `require_own_figures`, or if a file calls its paper otherwise than
            itself: two papers of one name could have claims of one id.
    """
    found = {paper: load_claims(paper) for paper in packaged_papers()}
    for paper, claims in found.items():
        for other in {claim.paper for claim in claims} - {paper}:
            raise ConfigError(f"{paper}.yaml: expected paper: {paper}, as the file is called; got {other!r}")
    together = tuple(claim for claims in found.values() for claim in claims)
    require_own_figures(together)
    return together


def require_own_figures(claims: Sequence[Claim]) -> None:
    """Check that every paper is judged by figures of one folder, which is no other paper's.

    `fig1` and `pushpull/fig1` are two figures: a claim that names the wrong one would be judged by rows of
    other networks.

    Raises:
        ConfigError: naming the claim and its figure.
    """
    folders: dict[str, str] = {}
    papers: dict[str, str] = {}
    for claim in claims:
        folder = claim.figure.rpartition("/")[0]
        own, owner = folders.setdefault(claim.paper, folder), papers.setdefault(folder, claim.paper)
        if (own, owner) != (folder, claim.paper):
            among = f"in {own}/" if own else "in no folder"
            raise ConfigError(
                f"{claim.paper}: claim {claim.id}: expected a figure beside the paper's others, {among}, and"
                f" apart from those of other papers; got {claim.figure!r}, where {owner} has its own;"
                " name it by its path"
            )


def rule_changes(paper: str | Path) -> tuple[RuleChange, ...]:
    """How the rules of a paper's claims changed after they were first stated, in the order of the file.

    Raises:
        ConfigError: if the paper is unknown, or an entry has not the keys date, what and why.
    """
    entries = _document(paper).get("rules_changed", [])
    return tuple(RuleChange(**_checked(entry, RuleChange, f"{paper}: rules_changed")) for entry in entries)


def published(paper: str | Path, name: str) -> Published:
    """Look up a number of a paper by its name in the data file's `published` part.

    Raises:
        ConfigError: if the paper or the name is unknown.
    """
    numbers = _document(paper).get("published", {})
    if name not in numbers:
        raise ConfigError(f"{paper}: no published number {name!r}; known are {sorted(numbers)}; choose one")
    return Published(**_checked(numbers[name], Published, f"{paper}: {name}"))


def _document(paper: str | Path) -> dict[str, Any]:
    if isinstance(paper, str) and paper in packaged_papers():
        document = _packaged(paper)
    elif Path(paper).is_file():
        document = read_yaml(paper)
    else:
        raise ConfigError(f"unknown paper {str(paper)!r}; known are {packaged_papers()}; or give a YAML file")
    if (
        not isinstance(document, dict)
        or set(document) - FILE_KEYS
        or not {"paper", "claims"} <= set(document)
    ):
        found = sorted(document) if isinstance(document, dict) else type(document).__name__
        raise ConfigError(f"{paper}: expected the keys {sorted(FILE_KEYS)}; got {found}; correct the file")
    return document


@cache
def _packaged(paper: str) -> Any:
    """A packaged file is parsed once: a table asks for many of its numbers."""
    return parse_yaml((files("flexnet.claims") / f"{paper}.yaml").read_text(encoding="utf-8"), paper)


def _claim(entry: Mapping[str, Any], paper: str) -> Claim:
    where = f"{paper}: claim {_id(entry)}"
    values = {**_checked(entry, Claim, where, given=("paper",)), "paper": paper}
    if "rule" in values:
        values["rule"] = _rule(values["rule"], f"{where}: rule")
    return Claim(**values)


def _id(entry: Any) -> Any:
    return entry.get("id", "?") if isinstance(entry, Mapping) else "?"


def _rule(entry: Mapping[str, Any], where: str) -> Rule:
    values = _checked(entry, Rule, where)
    if values["direction"] not in ("greater", "less"):
        raise ConfigError(f"{where}: expected direction greater or less; got {values['direction']!r}")
    if "size" in values and "margin" in values:
        raise ConfigError(f"{where}: expected size or margin; got both; keep margin for a claim of no loss")
    if not isinstance(values.get("universal", False), bool):
        raise ConfigError(f"{where}: expected universal true or false; got {values['universal']!r}")
    if not 0 < values.get("chance", 0.5) < 1:
        raise ConfigError(f"{where}: expected chance between 0 and 1; got {values['chance']!r}")
    _check_conditions(values["over"], values.get("where", {}), where)
    if values.get("size", 0) < 0:
        raise ConfigError(f"{where}: expected size of at least 0; got {values['size']!r}; give its amount")
    pairs = _listed(values["compare"], f"{where}: compare")
    values["compare"] = tuple(_comparison(pair, values["over"], where) for pair in pairs)
    values["range"] = _windows(values, where)
    rule = Rule(**values)
    for comparison in rule.compare:
        _check_keys(rule, comparison, where)
    return rule


def _check_keys(rule: Rule, comparison: Comparison, where: str) -> None:
    """What the kind of a rule needs, and what it would not heed."""
    try:
        check_keys(rule, comparison)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def _check_conditions(over: Any, at: Any, where: str) -> None:
    """A mistyped condition would be one that nothing was ever measured along."""
    if not isinstance(at, Mapping):
        raise ConfigError(f"{where}: expected where to hold a value for each condition; got {at!r}")
    for name in (over, *at):
        if name not in conditions():
            raise ConfigError(f"{where}: {no_such_name('a condition', name, conditions())}")
    if over in at:
        raise ConfigError(f"{where}: expected over or where to name {over!r}; got both; keep one")


def _comparison(entry: Mapping[str, Any], over: str, where: str) -> Comparison:
    where = f"{where}: compare"
    values = _checked(entry, Comparison, where)
    if not {"against", "at", "cell", "than", "range"} & set(values):
        raise ConfigError(
            f"{where}: expected a key against, at, cell, than or range; got {sorted(values)}; add one"
        )
    for key in ("where", "than"):
        _check_conditions(over, values.get(key, {}), f"{where}: {key}")
    values["against"] = tuple(_listed(values.get("against", []), f"{where}: against"))
    if "cell" in values:
        values["cell"] = _cell(values["cell"], f"{where}: cell")
    for key, known in (("category", CATEGORIES), ("measure", (*FOLDS, *MEASURES))):
        if key in values and values[key] not in known:
            raise ConfigError(f"{where}: {key}: {no_such_name(f'a {key}', values[key], known)}")
    return Comparison(**{**values, "range": _windows(values, where)})


def _cell(entry: Mapping[str, Any], where: str) -> Cell:
    cell = Cell(**_checked(entry, Cell, where))
    if cell.n < 2 or not cell.sem >= 0:
        raise ConfigError(
            f"{where}: expected n of at least 2 and sem of at least 0; got {cell.n}, {cell.sem}"
        )
    return cell


def _windows(values: Mapping[str, Any], where: str) -> dict[str, Window]:
    ranges = values.get("range", {})
    if not isinstance(ranges, Mapping):
        raise ConfigError(f"{where}: expected range to hold a window for each protocol; got {ranges!r}")
    return {
        protocol: Window(**_checked(window, Window, f"{where}: range {protocol}"))
        for protocol, window in ranges.items()
    }


def _listed(entries: Any, where: str) -> list[Any]:
    """A list, as it is: the letters of a name that stands alone would be names of one letter."""
    if not isinstance(entries, list):
        raise ConfigError(f"{where}: expected a list; got {entries!r}; put it into brackets")
    return entries


def _checked(entry: Any, record: type, where: str, given: Sequence[str] = ()) -> dict[str, Any]:
    """The entry as keyword arguments of `record`, after a check of its keys and numbers.

    Args:
        entry: as it stands in the file.
        record: what it describes.
        where: it stands, in words.
        given: keys that are known otherwise.
    """
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{where}: expected keys with their values; got {entry!r}; correct the file")
    for name in NUMBERS & set(entry):
        sets = record is Published and isinstance(entry[name], Mapping)
        number = isinstance(entry[name], int | float) and not isinstance(entry[name], bool)
        if not sets and (not number or isnan(entry[name])):
            raise ConfigError(f"{where}: expected {name} to be a number; got {entry[name]!r}; correct it")
    known = {item.name: item for item in fields(record) if item.name not in given}
    needed = [
        name
        for name, item in known.items()
        if item.default is MISSING and item.default_factory is MISSING and name not in entry
    ]
    unknown = sorted(set(entry) - set(known))
    if needed or unknown:
        raise ConfigError(
            f"{where}: missing keys {needed}, unknown keys {unknown}; known are {sorted(known)}"
        )
    return dict(entry)
