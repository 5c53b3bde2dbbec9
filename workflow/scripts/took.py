"""Set what was predicted beside what took place: `python workflow/scripts/took.py demo`.

For every finished job with a benchmark: core seconds as `snakemake targets` estimates them, as they were, and
by the clock. Where the machine does nothing else the clock is right. Cores are counted by samples, which miss
the last seconds of a job: they are right for jobs of minutes.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from flexnet.errors import FlexnetError
from flexnet.study.configuration import Given, load_figures, load_scales
from flexnet.study.places import Places
from flexnet.study.study import Study
from flexnet.study.took import compared, told
from flexnet.yaml_files import read_yaml

ROOT = Path(__file__).resolve().parents[2]


def main(scale: str) -> None:
    """Print the comparison for one scale.

    Raises:
        ConfigError: if the configuration is wrong, or nothing of the scale was made here.
    """
    places = Places(ROOT, Path.cwd())
    schemas = ROOT / "workflow/schemas"
    scales = load_scales(places, read_yaml(schemas / "config.schema.yaml"), Given())
    figures = load_figures(places, read_yaml(schemas / "figures.schema.yaml"), scales)
    home = "" if scale == "paper" else f"{scale}/"
    print(told(compared(Study(scales, figures, {}, places.here), home)))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("took: expected the name of a scale, such as demo; python workflow/scripts/took.py demo")
    try:
        main(sys.argv[1])
    except FlexnetError as error:
        sys.exit(f"took: {error}")
