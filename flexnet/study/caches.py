"""Where programs keep their caches if the home directory cannot be written."""

from collections.abc import Mapping
from pathlib import Path

from flexnet.writable import can_be_written

CACHES = {"XDG_CACHE_HOME": "", "MPLCONFIGDIR": "matplotlib", "TRITON_CACHE_DIR": "triton"}


def cache_variables(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Variables that send caches below `folder`; none if the home directory can be written.

    Those that the user has set himself stay as they are.
    """
    if can_be_written(Path(environment.get("HOME") or "/") / ".cache"):
        return {}
    return {key: str(folder / name) for key, name in CACHES.items() if not environment.get(key)}
