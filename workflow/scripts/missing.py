"""Print what figures of a scale are not made yet, the cheapest first: `workflow/scripts/missing.py paper`."""

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from flexnet.errors import FlexnetError
from flexnet.study.cost import elsewhere
from flexnet.study.here import study_here
from flexnet.study.targets import everything, figure_at

ROOT = Path(__file__).resolve().parents[2]


def missing(scale: str, here: Path) -> list[str]:
    """Targets of the figures that a scale consists of and that are not there; the cheapest first.

    Raises:
        ConfigError: if the configuration is wrong or there is no such scale.
    """
    study = study_here(ROOT, here)
    home = "" if scale == "paper" else f"{scale}/"
    names = [target.removeprefix(home) for target in everything(study, home) if not (here / target).is_file()]
    costs = {name: elsewhere(study, home, [name], cores=1) for name in names if figure_at(study, name)}
    # What it costs is not known of networks of one's own: these come last.
    return [home + name for name, _ in sorted(costs.items(), key=lambda pair: (pair[1] or math.inf, pair[0]))]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(
            "missing: expected the name of a scale, such as paper; python workflow/scripts/missing.py paper"
        )
    try:
        print(*missing(sys.argv[1], Path.cwd()), sep="\n")
    except FlexnetError as error:
        sys.exit(f"missing: {error}")
