"""What must happen before Snakemake reads any workflow; every profile runs this file at that moment.

What is typed after `--config` and `--configfile` is checked: Snakemake answers a slip there with a traceback,
or with neither file nor line. Its cache gets another place where the home directory cannot be written. The
file is run by its path, so it imports nothing of this package, which may be another checkout's.
"""

import os
import re
import sys
from collections.abc import Iterator, MutableMapping, Sequence
from pathlib import Path

import yaml

ENTRIES, FILES = ("--config", "-C"), ("--configfile", "--configfiles")
KEY = re.compile(r"[a-zA-Z_][\w-]*\w")  # as Snakemake has it
# What a text raises that is no YAML, or whose values are none, such as the date 2024-02-30.
NO_YAML = (yaml.YAMLError, ValueError, TypeError, AttributeError, LookupError, RecursionError)
ORDER = "and targets before it: snakemake <target> --cores 2"


def check_command(words: Sequence[str]) -> None:
    """Check the words of a command.

    Raises:
        SystemExit: with one message, if Snakemake could not read them.
    """
    faults = [*map(_entry_fault, _values(words, ENTRIES)), *map(_file_fault, _values(words, FILES))]
    found = [fault for fault in faults if fault]
    if found:
        raise SystemExit("\n".join(f"flexnet: {fault}" for fault in found[:1]))


def _values(words: Sequence[str], options: Sequence[str]) -> Iterator[str]:
    """The words that Snakemake takes for values of an option: all up to the next option."""
    taken = False
    for word in words:
        name, sign, value = word.partition("=")
        if word.startswith("-"):
            taken = name in options
            if taken and sign:
                yield value
        elif taken:
            yield word


def _entry_fault(entry: str) -> str:
    key, sign, _ = entry.partition("=")
    if sign and KEY.fullmatch(key):
        return ""
    text = f"--config: expected entries key=value without spaces, such as device=cpu; got {entry!r}"
    return f"{text}; write them so, {ORDER} --config device=cpu threads=2"


def _file_fault(name: str) -> str:
    path = Path(name)
    example = f"write existing files, {ORDER} --configfile machine.yaml"
    if not path.is_file():
        return f"--configfile: expected a file; there is no file {name!r}; {example}"
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        return f"--configfile {name}: expected a YAML file; got: {error}"
    except NO_YAML as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        told = getattr(error, "problem", None) or error
        return (
            f"--configfile {name}{place}: expected a YAML file; got: {told}; correct it there or just above"
        )
    if not isinstance(found, dict):
        kind = "nothing" if found is None else type(found).__name__
        return f"--configfile {name}: expected keys with values, such as device: cpu; got {kind}"
    return ""


def place_cache(environment: MutableMapping[str, str], here: Path) -> None:
    """Send Snakemake's cache to `here` if it cannot be written below the home directory, where it lies."""
    cache = Path("~/.cache").expanduser()
    there = next(path for path in (cache, *cache.parents) if path.exists())
    usable = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    if not usable and not environment.get("XDG_CACHE_HOME"):
        environment["XDG_CACHE_HOME"] = str(here)


if __name__ == "__main__":
    place_cache(os.environ, Path(".snakemake/cache").absolute())
    check_command(sys.argv[1:])
