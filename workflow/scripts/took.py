"""Set what was predicted beside what took place: `python workflow/scripts/took.py demo`.

For every finished job with a benchmark: core seconds as `snakemake targets` estimates them, as they were, and
by the clock. Where the machine does nothing else the clock is right. Cores are counted by samples, which miss
the last seconds of a job: they are right for jobs of minutes.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from flexnet.errors import FlexnetError
from flexnet.study.here import study_here
from flexnet.study.took import compared, told

ROOT = Path(__file__).resolve().parents[2]


def main(scale: str) -> None:
    """Print the comparison for one scale.

    Raises:
        ConfigError: if the configuration is wrong, or nothing of the scale was made here.
    """
    home = "" if scale == "paper" else f"{scale}/"
    print(told(compared(study_here(ROOT, Path.cwd()), home)))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("took: expected the name of a scale, such as demo; python workflow/scripts/took.py demo")
    try:
        main(sys.argv[1])
    except FlexnetError as error:
        sys.exit(f"took: {error}")
