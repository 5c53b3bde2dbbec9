"""Rows of `models` by the rules of their network, its layers and what is done to it when it is scored."""

from collections.abc import Iterator, Mapping
from typing import Any

from flexnet.families.registry import families
from flexnet.networks.registry import network_problems, options_of
from flexnet.options.networks.base import NetworkOptions
from flexnet.options.rules import Options
from flexnet.problems import Problem, no_such_name
from flexnet.study.data import Images, images_of, source_problems


def model_problems(row: Mapping[str, Any], images: Images | None) -> Iterator[Problem]:
    """What is wrong with a row whose names all refer to something.

    Args:
        row: with everything that it took over from other rows.
        images: of its dataset, if they are known.
    """
    accepted, values = options_of(row["network"]), row.get("options", {})
    found = list(accepted.problems(values))
    yield from (problem.below("options") for problem in found)
    if found:
        return
    options = accepted.from_values(values)
    yield from _idle_layer(options)
    if images is not None:
        yield from _other_images(row, options, images)
    asked = _asked(row.get("at_test", {}), options.replaced())
    yield from (problem.below("at_test") for problem in asked)


def give_classes(config: Mapping[str, Any]) -> None:
    """Give networks as many logits as their dataset has classes, where their row does not say how many.

    Rows whose network has that number by default stay as they are, and so do the names of their jobs; so do
    those that refer to nothing, which are refused elsewhere.
    """
    for row in config["models"].values():
        dataset = config["datasets"].get(row.get("dataset"), {})
        source = config["sources"].get(dataset.get("source"))
        options = row.get("options", {})
        if source is None or "classes" in options or any(source_problems(source)):
            continue
        if "network" not in row or network_problems(row["network"]):
            continue
        classes = images_of(source).classes
        if classes != options_of(row["network"])().classes:
            row["options"] = {**options, "classes": classes}


def _asked(at_test: Mapping[str, Any], layer: Options | None) -> Iterator[Problem]:
    """What is wrong with what a row says to the families that ask it."""
    known = {name: family.asked for name, family in families().items() if family.asked}
    for name, value in at_test.items():
        if name in known:
            yield from (problem.below(name) for problem in known[name](value, layer))
        else:
            yield no_such_name("a family that models tell something", name, known).below(name)


def _idle_layer(options: NetworkOptions) -> Iterator[Problem]:
    """Options of a layer that the network does not have: it would be trained without a word."""
    if getattr(options, "layer", None) and options.replaced() is None:
        yield Problem(
            "these options have no effect: the network has no such layer; say where (flexible, c1, s2), "
            "or remove them (in a row that is like another: layer: null)",
            ("options", "layer"),
        )


def _other_images(row: Mapping[str, Any], options: NetworkOptions, images: Images) -> Iterator[Problem]:
    built_for, given = (options.channels, options.input_size), (images.channels, images.size)
    if built_for != given:
        yield Problem(
            f"expected images of {_shape(*built_for)}, as the network {row['network']!r} has by its options "
            f"channels and input_size; dataset {row['dataset']!r} has {_shape(*given)}; choose another, or "
            "set these options",
            ("dataset",),
        )
    if options.classes < images.classes:
        yield Problem(
            f"expected at least the {images.classes} classes of dataset {row['dataset']!r}; got "
            f"{options.classes}",
            ("options", "classes"),
        )


def _shape(channels: int, size: int) -> str:
    return f"{channels} x {size} x {size}"
