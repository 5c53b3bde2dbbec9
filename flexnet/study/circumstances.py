"""What decides the rows of networks beside their training seeds, to be compared between two runs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from flexnet.config import Config
from flexnet.families.base import Family
from flexnet.study.visiting import visited

# What a model's row says of its training, as it is.
TRAINED_BY = ("network", "options", "checkpoint", "dataset")


def circumstances(
    config: Config, protocol: str, models: Iterable[str], asking: Sequence[Family]
) -> dict[str, Any]:
    """How models are trained and judged, and on which images, with the other models that take part in it.

    Args:
        config: of a scale, as `inherited` gives it.
        protocol: by which they are judged.
        models: their names; those that the configuration lacks are left out.
        asking: the families that judge them.

    Returns:
        What is told under the name of a part; the same in two configurations if the rows must be the same.
    """
    sections = config["protocols"].get(protocol, {})
    found: dict[str, Any] = {"the study's seed": config.get("seed")}
    found |= {f"the rules of {family.name}": family.section(sections) for family in asking}
    taking_part = dict.fromkeys(name for name in models if name in config["models"])
    others = {other for name in taking_part for other in _others(config, sections, name, asking)}
    for name in (*taking_part, *sorted(others)):
        found |= {f"{name}: {part}": value for part, value in _of_model(config, name, asking).items()}
    datasets = {config["models"][name]["dataset"] for name in (*taking_part, *others)}
    asked = [family for family in asking if family.applies(sections)]
    datasets |= {each for family in asked for each in visited(family, family.section(sections)).values()}
    for name in sorted(datasets):
        row = config["datasets"][name]
        found |= {f"the dataset {name}": row, f"the images of {name}": config["sources"][row["source"]]}
    return found


def changed(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Names of the parts of two circumstances that differ, sorted."""
    return sorted(part for part in {*then, *now} if then.get(part) != now.get(part))


def _others(
    config: Config, sections: Mapping[str, Any], model: str, asking: Sequence[Family]
) -> Iterator[str]:
    """Other models that take part when a model is judged, such as the surrogate of an attack."""
    row = config["models"][model]
    for family in asking:
        asked = row.get("at_test", {}).get(family.name)
        yield from family.named(family.section(sections), asked, model).values()


def _of_model(config: Config, name: str, asking: Sequence[Family]) -> dict[str, Any]:
    row = config["models"][name]
    asked = row.get("at_test", {})
    found = {part: row.get(part) or None for part in TRAINED_BY}
    recipe = {"recipe": config["recipes"][row["recipe"]]} if "recipe" in row else {}
    at_test = {f"at_test of {family.name}": asked[family.name] for family in asking if family.name in asked}
    return {**found, **recipe, **at_test}
