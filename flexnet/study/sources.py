"""Whether the datasets of a run can be had, asked before anything else is done.

What is looked for here the `data` stage looks for again and reads; this only spares its user a run that
cannot succeed.
"""

import os
import shlex
import socket
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.request import getproxies

from flexnet.data.catalogue import DATASETS, Dataset, Unavailable
from flexnet.data.layouts import find_shards
from flexnet.data.shapes.splits import SHAPES
from flexnet.errors import DataError
from flexnet.study.configuration import VARIABLES

# Where torchvision downloads each of its datasets from.
HOSTS = {
    "CIFAR10": ("www.cs.toronto.edu", 443),
    "FashionMNIST": ("fashion-mnist.s3-website.eu-central-1.amazonaws.com", 80),
    "MNIST": ("ossci-datasets.s3.amazonaws.com", 443),
    "Imagenette": ("s3.amazonaws.com", 443),
}
SECONDS = 5.0  # so long at most to find out whether a host answers
FOLDERS = {
    "data_mirror": "a folder of Parquet shards",
    "torchvision_root": "a folder that torchvision filled",
}
NAMED = tuple(VARIABLES[key] for key in FOLDERS)


def answers(host: str, port: int) -> bool:
    """Whether a host takes a connection; behind a proxy that is not found out, and taken for granted."""
    if getproxies():
        return True
    found: list[bool] = []

    def ask() -> None:
        try:
            socket.create_connection((host, port), SECONDS).close()
            found.append(True)
        except OSError:
            pass

    asking = threading.Thread(target=ask, daemon=True)  # a name that is looked up in vain can take minutes
    asking.start()
    asking.join(SECONDS)
    return bool(found)


def may_download(environment: Mapping[str, str]) -> bool:
    """Whether jobs may download."""
    return environment.get("FLEXNET_DOWNLOAD", "1").lower() not in ("0", "false", "no")


def why_missing(
    record: Dataset,
    split: str,
    environment: Mapping[str, str],
    downloads: Path,
    reach: Callable[[str, int], bool] = answers,
) -> list[str]:
    """Why no source has a split, a line for each source that was tried; nothing if one has it.

    Args:
        record: the dataset.
        split: of it.
        environment: of the jobs, which names the folders.
        downloads: where its earlier downloads are kept.
        reach: whether a host answers.
    """
    places = {key: environment.get(VARIABLES[key]) or "" for key in FOLDERS}
    lines = []
    for key, look in (("data_mirror", _mirror), ("torchvision_root", _torchvision)):
        fault = look(Path(places[key]).expanduser(), record, split) if places[key] else "none named"
        if not fault:
            return []
        lines.append(f"{FOLDERS[key]} ({key}): {fault}")
    fault = _download(record, split, environment, downloads, list(filter(None, places.values())), reach)
    return [*lines, f"the official download: {fault}"] if fault else []


def _mirror(folder: Path, record: Dataset, split: str) -> str:
    if not folder.is_dir():
        return f"there is no folder {folder}"
    try:
        find_shards(folder, record, split)
    except Unavailable as error:
        return str(error)
    return ""


def _torchvision(root: Path, record: Dataset, split: str) -> str:
    if not root.is_dir():
        return f"there is no folder {root}"
    if record.torchvision is None:
        return f"torchvision does not offer {record.name}"
    folder = root / record.folder
    return "" if folder.is_dir() and any(folder.iterdir()) else f"nothing in {folder}"


def _download(
    record: Dataset,
    split: str,
    environment: Mapping[str, str],
    downloads: Path,
    named: Sequence[str],
    reach: Callable[[str, int], bool],
) -> str:
    absent = [place for place in named if not Path(place).expanduser().is_dir()]
    if record.torchvision is None:
        return f"there is none of {record.name}"
    if not may_download(environment):
        return "not allowed (download=no)"
    if absent:
        return f"not tried, because there is no folder {absent[0]}"
    if not _torchvision(downloads, record, split):
        return ""
    host, port = HOSTS[record.torchvision]
    return "" if reach(host, port) else f"{host} does not answer; is there a network?"


def missing(
    sources: Mapping[str, Any],
    wanted: Iterable[tuple[str, str]],
    environment: Mapping[str, str] = os.environ,
    reach: Callable[[str, int], bool] = answers,
) -> dict[str, list[str]]:
    """The splits that are wanted and cannot be had, as `cifar10/train`, each with what was tried.

    Args:
        sources: the rows of the configuration.
        wanted: pairs of a source and a split.
        environment: of the jobs.
        reach: whether a host answers; each is asked once.
    """
    answered: dict[tuple[str, int], bool] = {}

    def once(host: str, port: int) -> bool:
        if (host, port) not in answered:
            answered[host, port] = reach(host, port)
        return answered[host, port]

    found = {}
    for source, split in wanted:
        name = sources[source]["dataset"]
        if name == SHAPES:
            continue
        try:
            lines = why_missing(DATASETS[name], split, environment, Path("data") / source / "downloads", once)
        except DataError as error:
            lines = [str(error)]
        if lines:
            found[f"{name}/{split}"] = lines
    return found


def missing_words(found: Mapping[str, Sequence[str]], command: Sequence[str], instead: str) -> str:
    """One message about all splits that cannot be had.

    Args:
        found: what `missing` returns.
        command: the words that were typed.
        instead: a command that needs no such data.
    """
    tried: dict[tuple[str, ...], list[str]] = {}
    for split, lines in found.items():
        dataset = split.rpartition("/")[0]
        told = tuple(line.replace(split, dataset) for line in lines)
        tried.setdefault(told, []).append(split)
    parts = []
    for lines, splits in tried.items():
        parts += [
            f"expected {', '.join(splits)}; found in none of these places:",
            *(f"  {line}" for line in lines),
        ]
    advice = [
        "Name a folder that holds it:",
        f"  {shlex.join(with_entry(command, 'data_mirror=/path/to/parquet'))}",
        f"(or torchvision_root=/path; the variables {' and '.join(NAMED)} do the same),",
        "or connect to the network. What needs no such data:",
        f"  {instead}",
    ]
    return "\n".join([*parts, *advice])


def with_entry(command: Sequence[str], entry: str) -> list[str]:
    """A command with one more entry behind its `--config`, which may stand there once alone."""
    key = entry.partition("=")[0]
    words = [word for word in command if not word.startswith(f"{key}=")]
    if "--config" not in words:
        return [*words, "--config", entry]
    place = words.index("--config") + 1
    return [*words[:place], entry, *words[place:]]
