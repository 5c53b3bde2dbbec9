"""Print what figures of a scale are not made yet, the cheapest first: `workflow/scripts/missing.py paper`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from flexnet.errors import FlexnetError
from flexnet.study.cost import elsewhere
from flexnet.study.here import study_here
from flexnet.study.targets import everything

ROOT = Path(__file__).resolve().parents[2]


def missing(scale: str, here: Path) -> list[str]:
    """Targets of the figures that a scale consists of and that are not there; the cheapest first.

    Raises:
        ConfigError: if the configuration is wrong or there is no such scale.
    """
    study = study_here(ROOT, here)
    home = "" if scale == "paper" else f"{scale}/"
    costs = {
        target: elsewhere(study, home, [target.removeprefix(home)], cores=1)
        for target in everything(study, home)
        if not (here / target).is_file()
    }
    figures = [(seconds, target) for target, seconds in costs.items() if seconds is not None]
    return [target for _, target in sorted(figures)]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(
            "missing: expected the name of a scale, such as paper; python workflow/scripts/missing.py paper"
        )
    try:
        print(*missing(sys.argv[1], Path.cwd()), sep="\n")
    except FlexnetError as error:
        sys.exit(f"missing: {error}")
