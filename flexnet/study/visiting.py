"""Datasets on which models are judged that were trained on another one: which they are, and that they fit.

A family that is `Visiting` names them in its section of a protocol. They have the classes of the model's own
dataset, in the same order, and images of the same size and channels, which their sources see to; grey images
are shown to networks of colour images in all their channels.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flexnet.data.roles import TEST
from flexnet.errors import ConfigError
from flexnet.families.base import Family, JudgedOn, Visiting
from flexnet.families.registry import families, families_of
from flexnet.problems import Problem, no_such_name, refuse
from flexnet.study.data import class_names, images_of, splits_of

Rows = Mapping[str, Any]


def visited(family: Family, section: Rows) -> dict[str, str]:
    """The datasets that a section names, by what results call them; none of a family that visits none."""
    return dict(section[family.judged_on]) if isinstance(family, Visiting) else {}


def told(
    family: Visiting, section: Rows, config: Rows, own: str, files: Callable[[str], tuple[str, str]]
) -> dict[str, Any]:
    """A section as a job is told it: with the files of the datasets, and the classes that they must have.

    Args:
        family: whose section it is.
        section: of a protocol.
        config: of the scale.
        own: the dataset of the model.
        files: a dataset -> the file of its images, and that of the choice among them.

    Raises:
        ConfigError: if a dataset does not fit the model's own.
    """
    found: dict[str, JudgedOn] = {}
    for name, dataset in visited(family, section).items():
        where = f"{family.name}: {family.judged_on}.{name}"
        refuse(where, unlike(_source(config, dataset), _source(config, own), dataset, own))
        arrays, subset = files(dataset)
        found[name] = {"arrays": arrays, "subset": subset, "title": _source(config, dataset)["title"]}
    classes = list(class_names(_source(config, own)))
    return {**section, family.judged_on: found, "classes": classes}


def unlike(source: Rows, own: Rows, dataset: str, of_model: str) -> Iterator[Problem]:
    """Why models of one dataset cannot be judged on another, if they cannot."""
    theirs, ours = class_names(source), class_names(own)
    if theirs != ours:
        text = f"expected the classes of {of_model!r} in their order, {', '.join(ours)}; {dataset!r} has"
        yield Problem(f"{text} {', '.join(theirs)}; name another dataset")
    there, here = images_of(source), images_of(own)
    if there.size != here.size or there.channels not in (1, here.channels):
        yield Problem(
            f"expected images of {here.channels} x {here.size} x {here.size}, as {of_model!r} has; got those"
            f" of {dataset!r}, {there.channels} x {there.size} x {there.size}; give its source that size and"
            " these channels"
        )


def visit_problems(config: Rows) -> Iterator[Problem]:
    """Names in sections of protocols that are no dataset on whose test images a model can be judged."""
    visiting = [family for family in families().values() if isinstance(family, Visiting)]
    for protocol, sections in config["protocols"].items():
        for family in visiting:
            named = sections.get(family.name, {}).get(family.judged_on)
            for name, dataset in named.items() if isinstance(named, Mapping) else ():
                keys = "protocols", protocol, family.name, family.judged_on, str(name)
                yield from (problem.below(*keys) for problem in _unscored(dataset, config))


def series_problems(figure: Rows, config: Rows) -> Iterator[Problem]:
    """Series of a figure whose models cannot be judged on the datasets that its families name."""
    for family in families_of(figure):
        for protocol, sections in config["protocols"].items():
            if isinstance(family, Visiting) and family.name in sections:
                instead = figure.get("instead", {}).get(protocol, {})
                for label, model in {**figure["series"], **instead}.items():
                    keys = ("instead", protocol, label) if label in instead else ("series", label)
                    problems = _unfit(family, sections[family.name], config, model)
                    yield from (problem.below(*keys) for problem in problems)


def _unfit(family: Visiting, section: Rows, config: Rows, model: str) -> Iterator[Problem]:
    own = config["models"][model]["dataset"]
    for dataset in visited(family, section).values():
        yield from unlike(_source(config, dataset), _source(config, own), dataset, own)


def _unscored(dataset: Any, config: Rows) -> Iterator[Problem]:
    if not isinstance(dataset, str) or dataset not in config["datasets"]:
        yield no_such_name("a row of datasets", dataset, config["datasets"])
        return
    row = config["datasets"][dataset]
    source = config["sources"].get(row.get("source"))
    if source is not None and (TEST not in splits_of(source) or row.get("score", TEST) != TEST):
        yield Problem(f"expected a dataset with test images that are scored; {dataset!r} has none")


def _source(config: Rows, dataset: str) -> Rows:
    if dataset not in config["datasets"]:
        raise ConfigError(f"{dataset}: expected a row of datasets; there is none; add it")
    source: Rows = config["sources"][config["datasets"][dataset]["source"]]
    return source
