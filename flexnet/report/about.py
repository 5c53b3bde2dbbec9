"""What made a page: the program, its commit, the machine."""

import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from flexnet import __version__

PACKAGES = ("torch", "numpy", "matplotlib", "snakemake")


def about(checkout: Path) -> dict[str, str]:
    """When a page was made, by what version and commit, with what and where.

    Args:
        checkout: the folder that holds the program.
    """
    return {
        "made": datetime.now(UTC).isoformat(" ", "minutes"),
        "flexnet": __version__,
        "commit": commit_of(checkout),
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
        "system": f"{platform.system()} {platform.machine()}",
    }


def commit_of(checkout: Path) -> str:
    """The commit of a checkout, and whether files differ from it; "not known" without git or its folder."""
    found = _git(checkout, "rev-parse", "HEAD")
    if not found:
        return "not known"
    changed = _git(checkout, "status", "--porcelain", "--untracked-files=no")
    return f"{found}, with changes" if changed else found


def _git(checkout: Path, *words: str) -> str:
    if not (checkout / ".git").exists():  # or the commit of a repository around it would be told
        return ""
    try:
        done = subprocess.run(["git", *words], cwd=checkout, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
