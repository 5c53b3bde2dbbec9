"""Ask the database of OSV whether a locked dependency has a known weakness: `make advisories`.

Needs a network, so it is no part of `make test`. The exit status is 0 if there is none, 1 if there is one,
and 2 if the database could not be asked: then nothing is known.
"""

import json
import re
import sys
import urllib.request
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "requirements"
DATABASE = "https://api.osv.dev/v1/querybatch"
PAGE = "https://osv.dev/vulnerability/"
SECONDS = 30
LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


Package = tuple[str, str]  # name and version


def locked(folder: Path) -> list[Package]:
    """Every locked package; one that is locked at several versions, for each."""
    texts = [path.read_text(encoding="utf-8") for path in folder.glob("*.lock")]
    return sorted({(name, version) for text in texts for name, version in LOCKED.findall(text)})


def asked(packages: list[Package], database: str) -> dict[Package, list[str]]:
    """Names of the advisories of each package that has any.

    Raises:
        OSError: if the database cannot be reached.
        ValueError: if it does not answer as it should.
    """
    queries = [
        {"package": {"name": name, "ecosystem": "PyPI"}, "version": version} for name, version in packages
    ]
    request = urllib.request.Request(
        database, json.dumps({"queries": queries}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        results: Any = json.load(answer)
    try:
        found = [[str(each["id"]) for each in result.get("vulns", [])] for result in results["results"]]
        pairs = list(zip(packages, found, strict=True))
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"no list of results, one for each package ({error!r})") from error
    return {package: sorted(names) for package, names in pairs if names}


def main(folder: Path = FOLDER, database: str = DATABASE) -> int:
    """Print what is known; return the exit status."""
    packages = locked(folder)
    try:
        found = asked(packages, database)
    except (OSError, ValueError) as error:
        print(
            f"advisories: expected an answer from {database}; got: {error}\n"
            f"Nothing is known of the {len(packages)} locked packages; try again where there is a network."
        )
        return 2
    for (name, version), advisories in found.items():
        print(f"{name} {version}: {', '.join(PAGE + each for each in advisories)}")
    words = "have known weaknesses: update pyproject.toml or lock again (python tools/lock.py)"
    print(f"{len(found)} of {len(packages)} locked packages {words if found else 'have known weaknesses'}")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
