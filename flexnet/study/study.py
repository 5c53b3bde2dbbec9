"""The study: configuration of every scale, figures, published rows. What jobs are told is worked out from it.

Paths say everything. Their first part is the home of a scale: none for the scale of the papers, `laptop/`,
`demo/` or another file of config/scales/, and `published/<scale>/` for the rows of finished runs that are
kept with the code. Figures carry their protocol: none for the paper's, `release/`, `corrected/` and so on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from flexnet.config import Config, is_evidence, note_of, series_of
from flexnet.errors import ConfigError
from flexnet.families.base import Family
from flexnet.families.registry import families_of, family_of
from flexnet.study import published
from flexnet.study.labels import table_of

PAPER = "paper"  # the scale of the papers and the protocol of their text; neither shows in a path


@dataclass(frozen=True, eq=False)
class Study:
    """What a run of the workflow is about.

    Attributes:
        scales: resolved configuration of each scale by the home of its results: "", "demo/", ...
        figures: the registry of figures.
        published_rows: folder of the rows of each published home: "published/laptop/", ...
        here: the working directory.
        placed: a path as jobs find it; of a module with a prefix, below that.
    """

    scales: Mapping[str, Config]
    figures: Mapping[str, Config]
    published_rows: Mapping[str, Path]
    here: Path
    placed: Callable[[str], str] = str

    @property
    def base(self) -> Config:
        """Configuration of the scale of the papers, which holds what is the same for all."""
        return self.scales[""]

    @cached_property
    def variants(self) -> dict[str, str]:
        """Protocols by the part of a figure's path that names them."""
        names = dict.fromkeys(name for config in self.scales.values() for name in config["protocols"])
        return {"" if name == PAPER else f"{name}/": name for name in names}

    @property
    def protocols(self) -> list[str]:
        """Names of all protocols."""
        return list(self.variants.values())

    def config(self, home: str) -> Config:
        """Today's configuration of the scale that a home belongs to.

        Raises:
            ConfigError: if no scale has this name.
        """
        known = self._today(home)
        if known is None:
            name = scale_name(home)
            raise ConfigError(f"{home}: expected a scale of that name; write config/scales/{name}.yaml")
        return known

    def _today(self, home: str) -> Config | None:
        name = scale_name(home)
        return self.scales.get("" if name == PAPER else f"{name}/")

    def config_of_rows(self, home: str, protocol: str, figure: str) -> Config:
        """Configuration with which the rows of a figure are made, or were made if they are published.

        Raises:
            ConfigError: if nothing tells.
        """
        if home not in self.published_rows:
            return self.config(home)
        today = self._today(home)
        # What is published is no share of today's run.
        whole = None if today is None else {**today, "only_seeds": None}
        return published.config_of(self.published_rows[home], protocol, figure, whole)

    def note(self, home: str) -> str:
        """What readers must know of the rows of a home."""
        if home not in self.published_rows:
            return note_of(self.config(home))
        return " ".join(published.notes_of(self.published_rows[home], self._today(home)))

    def evidence(self, home: str) -> bool:
        """Whether the rows of a home may be judged; never those of a scale that is unknown here."""
        today = self._today(home)
        return today is not None and is_evidence(today, self.figures)

    def rows_file(self, home: str, protocol: str, figure: str) -> str:
        """Rows of a figure: made here, or published, by the user or with the code."""
        table = table_of(protocol, figure)
        folder = self.published_rows.get(home)
        if folder is not None and not folder.is_relative_to(self.here):
            return str(folder / table)
        return home + table

    def is_published(self, home: str, protocol: str, figure: str) -> bool:
        """Whether rows of a figure are published."""
        return (self.published_rows[home] / table_of(protocol, figure)).is_file()

    def family(self, figure: str) -> Family:
        """The family whose rows a figure shows."""
        return family_of(self.figures[figure]["family"])

    def families(self, figure: str) -> list[Family]:
        """All families whose rows a figure shows, the first of which says what kind of figure it is."""
        return families_of(self.figures[figure])

    def is_schematic(self, figure: str) -> bool:
        """Whether a figure shows modules and no results: no claim is judged by it."""
        return self.family(figure).subject == "modules"

    def series(self, home: str, figure: str, protocol: str) -> dict[str, str]:
        """Series of a figure under a protocol, in the order of the registry: label to model.

        Those that the scale makes; of published rows all, for they say themselves which there are. A scale of
        the checkout may name none of a user's own figure: then all are made.
        """
        found = series_of(self.figures[figure], protocol)
        if home in self.published_rows:
            return found
        made = self.config(home).get("series_made", {}).get(figure, ())
        return {name: model for name, model in found.items() if name in made} or found

    def shown(self, home: str, figure: str, protocol: str) -> bool:
        """Whether a figure is shown under a protocol."""
        if self.is_schematic(figure):
            return protocol == PAPER
        if protocol not in self.figures[figure].get("protocols", [protocol]):
            return False
        sections = self.config(home)["protocols"].get(protocol)
        return sections is not None and all(family.applies(sections) for family in self.families(figure))

    def is_part(self, home: str, figure: str, protocol: str) -> bool:
        """Whether a figure is part of everything: not if the registry leaves it out there.

        Nor if it needs weights that are taken over from a file, which not everybody has: who has it asks for
        the figure by its name.
        """
        if scale_name(home) in self.figures[figure].get("left_out", ()):
            return False
        models = self.config(home)["models"]
        imported = any("checkpoint" in models[name] for name in self.series(home, figure, protocol).values())
        return self.shown(home, figure, protocol) and not imported

    def is_named(self, home: str, figure: str) -> bool:
        """Whether a figure is one that a scale consists of: one that it names, or any where it names none."""
        return figure in self.config(home).get("everything_of", [figure])

    def in_everything(self, home: str, figure: str, protocol: str) -> bool:
        """Whether a figure is made under a protocol when everything of a scale is asked for.

        A scale may name some figures. It may name some protocols; a figure that none of them shows is made
        under the first that does.
        """
        if not (self.is_named(home, figure) and self.is_part(home, figure, protocol)):
            return False
        named = self.config(home).get("everything_under") or self.protocols
        showing = [name for name in self.protocols if self.is_part(home, figure, name)]
        return protocol in ([name for name in showing if name in named] or showing[:1])

    def model(self, home: str, model: str) -> dict[str, Any]:
        """The configured row of a model."""
        row: dict[str, Any] = self.config(home)["models"][model]
        return row


@cache
def scale_name(home: str) -> str:
    """Name of the scale whose files live in a home."""
    return Path(home).name or PAPER
