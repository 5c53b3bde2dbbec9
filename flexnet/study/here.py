"""The study of a checkout and a working directory, for scripts that no workflow started."""

from pathlib import Path

from flexnet.study.configuration import Given, load_figures, load_scales
from flexnet.study.places import Places
from flexnet.study.study import Study
from flexnet.yaml_files import read_yaml


def study_here(root: Path, here: Path) -> Study:
    """The study whose files lie in a checkout and a working directory; without published rows.

    Raises:
        ConfigError: if the configuration is wrong.
    """
    places, schemas = Places(root, here), root / "workflow/schemas"
    scales = load_scales(places, read_yaml(schemas / "config.schema.yaml"), Given())
    figures = load_figures(places, read_yaml(schemas / "figures.schema.yaml"), scales)
    return Study(scales, figures, {}, here)
