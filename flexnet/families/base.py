"""What a family declares: conditions, measures, settings and how its jobs are cut. Nothing computes here."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypedDict

from flexnet.options.rules import Options
from flexnet.problems import Problem
from flexnet.tables.kinds import Kind, Value

# What is wrong with an entry of a model's `at_test`; the layer that replaces its convolutions, if one does.
AskedCheck: TypeAlias = Callable[[Any, Options | None], Iterator[Problem]]

# What a model is expected to be and what came, in words, if a figure's example cannot be one of its layer.
Pictured: TypeAlias = Callable[[Options | None], tuple[str, str] | None]


ANSWER = 0.2  # of a training step, of one answer about an image


@dataclass(frozen=True)
class Condition:
    """What was done to a model or its images before a row was counted; a column of the family's rows.

    Attributes:
        kind: of its values.
        plain: the value that a claim or a figure means when it does not speak of the condition; None if it
            must say which it means.
        repeat: whether rows that differ in it alone see one trained network in the same way, so that their
            mean within a training seed is what counts. Over any other condition nothing is ever averaged.
    """

    kind: Kind
    plain: Value | None = None
    repeat: bool = False


@dataclass(frozen=True, kw_only=True)
class Family:
    """One way of asking a model something.

    Attributes:
        name: of its module here, of the module that answers in `flexnet.evaluation`, of its section in a
            protocol, and of the folder of its rows.
        subject: "trained" models; "training", whose rows the training job writes; or the "modules" of
            networks as they are built, described for each figure.
        conditions: by the name of their column.
        measures: columns beside the counts.
        counts: whether images are counted as right or wrong; then the outcome of each is kept as well.
        key: what tells two rows of a family apart that has no model and seed.
        settings: rules of its section in a protocol; None if a protocol has no say.
        base: the section from which it takes what its own does not say.
        asked: rules of what a model row may say under `at_test.<name>`; None if that is nothing.
        asks: whether a model must say something there to be asked at all.
        seeds: whether a job does "one" training seed or "all" of a model (small networks, where starting
            Python takes longer than scoring).
        models: keys of its settings that name another model, which the job gets as well, of the same seeds.
            What a model row says to the family under such a key counts before them.
        work: training steps that cost as much as what its settings ask of an image, for estimates; None: as
            attacks of one step.
        told: from its section and the side of the images in pixels to what its job is told: with everything
            that the section leaves to tables, so that a job runs again when they change; None if it leaves
            nothing to them.
        files: files of the user's own that its section names; None if it can name none.
        pictured: from the layer of a model to what a figure's example of it needs, and what it is instead,
            where it does not fit; None if the family's figures have no example.
        images: whether a family that looks at modules also looks at the images that a network is scored on.
        mem_mb, runtime: what a job may need, in MB and in minutes.
    """

    name: str
    conditions: Mapping[str, Condition]
    subject: Literal["trained", "training", "modules"] = "trained"
    measures: Mapping[str, Kind] = field(default_factory=dict)
    counts: bool = True
    key: tuple[str, ...] = ()
    settings: type[Options] | None = None
    base: str | None = None
    asked: AskedCheck | None = None
    asks: bool = False
    seeds: Literal["one", "all"] = "one"
    models: tuple[str, ...] = ()
    work: Callable[[Mapping[str, Any]], float] | None = None
    told: Callable[[Mapping[str, Any], int], dict[str, Any]] | None = None
    files: Callable[[Mapping[str, Any]], list[str]] | None = None
    pictured: Pictured | None = None
    images: bool = False
    mem_mb: int = 8000
    runtime: int = 120

    def section(self, protocol: Mapping[str, Any]) -> dict[str, Any]:
        """What a protocol says to this family: its own section, over what it takes from its base.

        Args:
            protocol: the sections of a protocol by family.
        """
        if self.settings is None:
            return {}
        taken = protocol.get(self.base, {}) if self.base else {}
        known = self.settings.__dataclass_fields__
        own: dict[str, Any] = protocol.get(self.name, {})
        return {key: value for key, value in taken.items() if key in known} | own

    def named(self, section: Mapping[str, Any], asked: Any, model: str) -> dict[str, str]:
        """The other models of a job by the key that names them; a model is no other of itself.

        Args:
            section: what the protocol says.
            asked: what the model row says.
            model: which is asked.
        """
        told = {**section, **(asked if isinstance(asked, Mapping) else {})}
        return {key: told[key] for key in self.models if told.get(key) not in (None, model)}

    def applies(self, protocol: Mapping[str, Any]) -> bool:
        """Whether a protocol asks this family at all."""
        return self.settings is None or self.name in protocol


@dataclass(frozen=True, kw_only=True)
class Visiting(Family):
    """A family that judges models on other datasets than their own, which have the same classes.

    Attributes:
        judged_on: the key of its settings that names them: rows of `datasets` by what results call them. Its
            jobs are told a `JudgedOn` in the place of each, and under `classes` the names of the classes.
    """

    judged_on: str = "judged_on"


class JudgedOn(TypedDict):
    """What a job is told of a dataset that models are judged on.

    `arrays` is the file of its images, `subset` that of the choice among them, `title` what captions call it.
    """

    arrays: str
    subset: str
    title: str
