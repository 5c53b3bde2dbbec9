"""Two places: the checkout that holds the workflow, and the folder in which its user works.

They are the same after a plain clone. With `snakemake --directory`, or as a module of another workflow, they
are not: then rules, schemas, scripts, the package, and the defaults of all configuration come from the
checkout, while results, data and whatever the user has of his own are looked for in the working directory.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flexnet.config import scale_files
from flexnet.errors import ConfigError
from flexnet.study.labels import tables_below
from flexnet.writable import can_be_written

MADE = ("figures", "logs", "results")  # what the folder of a scale holds


@dataclass(frozen=True)
class Places:
    """Where files are looked for.

    Attributes:
        checkout: the folder that holds the workflow.
        here: the working directory.
        own_config: whether `config/` in the working directory is this workflow's. As a module without
            `config:` it is not: it belongs to the workflow around it.
        handed: whether another workflow hands over the configuration, in the place of `config/config.yaml`.
    """

    checkout: Path
    here: Path
    own_config: bool = True
    handed: bool = False

    @property
    def apart(self) -> bool:
        """Whether the user works in another folder than the checkout."""
        return self.here.resolve() != self.checkout.resolve()

    def require_writable(self) -> None:
        """Check that a run can keep its notes, which Snakemake makes first of all.

        Raises:
            ConfigError: naming the folder, and how to work in another.
        """
        if not can_be_written(self.here / ".snakemake"):
            workflow = shlex.quote(str(self.checkout / "Snakefile"))
            raise ConfigError(
                f"expected a working directory in which files can be made; got {self.here}, which may only be"
                f" read; work in a folder of your own: cd FOLDER && snakemake --snakefile {workflow}"
                " --directory . TARGET --cores 2"
            )

    def config_files(self) -> list[Path]:
        """The configuration, and the user's own that is laid over it if he has one elsewhere."""
        own = self.here / "config/config.yaml"
        found = [self.checkout / "config/config.yaml"]
        use_own = self.own_config and not self.handed and self.apart and own.is_file()
        return [*found, own] if use_own else found

    def figures_file(self) -> Path:
        """The registry of figures: the user's own if he has one, else the checkout's."""
        own = self.here / "config/figures.yaml"
        return own if self.own_config and own.is_file() else self.checkout / "config/figures.yaml"

    def scale_files(self) -> dict[str, Path]:
        """Scales by name; the user's own takes the place of the checkout's of the same name.

        Raises:
            ConfigError: if a file's name cannot be that of a scale.
        """
        found = dict(scale_files(self.checkout / "config/scales", self.shown))
        if self.own_config:
            found |= dict(scale_files(self.here / "config/scales", self.shown))
        return dict(sorted(found.items()))

    def require_free(self, name: str, source: str) -> None:
        """Check that no folder of the project is called like a scale, whose results lie in one of its name.

        Raises:
            ConfigError: naming where the scale comes from, and what the folder holds.
        """
        for place in dict.fromkeys((self.checkout, self.here)):
            folder = place / name
            others = sorted(path.name for path in folder.glob("[!.]*"))
            if folder.is_file() or (others and not {*others} & {*MADE}):
                held = f"{self.shown(folder)}, with {', '.join(others[:3])}" if others else self.shown(folder)
                raise ConfigError(
                    f"{source}: expected a name that no folder of the project has; there is {held};"
                    " choose another name for the scale"
                )

    def published(self, folder: str = "published") -> dict[str, Path]:
        """Folders with published rows, by the name of their scale: the user's own, else the checkout's.

        Args:
            folder: where the user's own lie below the working directory.
        """
        found: dict[str, Path] = {}
        for place in (self.checkout / "published", self.here / folder):
            for path in sorted(place.glob("*/")):
                if any(tables_below(path)):
                    found[path.name] = path
        return dict(sorted(found.items()))

    def shown(self, path: Path) -> str:
        """A path for a message or for Snakemake: relative to the working directory if it is below it."""
        return str(path.relative_to(self.here)) if path.is_relative_to(self.here) else str(path)


def job_variables(checkout: Path, environment: Mapping[str, str], python: Path) -> dict[str, str]:
    """Variables from which jobs know their Python and the scripts of this workflow, wherever they run."""
    path = environment.get("PATH", "")
    folder = str(python.parent)
    return {
        "PATH": path if path.split(":")[0] == folder else f"{folder}:{path}",
        "FLEXNET_SCRIPTS": str(checkout / "workflow/scripts"),
    }
