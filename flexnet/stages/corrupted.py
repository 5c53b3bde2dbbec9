"""Stage `corrupted`: check a folder in the layout of CIFAR-10-C, and take one corruption out of it."""

from argparse import Namespace
from typing import Any

from flexnet.corruptions.folder import CorruptedSet, open_corrupted
from flexnet.corruptions.headers import require_array
from flexnet.corruptions.names import NAMES
from flexnet.corruptions.places import files_of
from flexnet.data.arrays import ImageArrays
from flexnet.data.content import content_digest
from flexnet.data.manifest import check_target, manifest_of, store
from flexnet.errors import ConfigError, DataError
from flexnet.problems import refuse, unknown_keys

KEYS = ("corruption", "severity", "classes")


def run(settings: dict[str, Any], files: Namespace) -> None:
    """Write the images of one corruption at one severity as an arrays file.

    Settings: `corruption`, `severity` (1 to 5) and `classes` (the names of the classes in the order of the
    labels). The whole set is checked, not only what is taken.

    Raises:
        ConfigError: if a setting is not allowed.
        DataError: if a file of the set is missing, pickled, damaged or does not fit, or a class has no name.
    """
    if unknown := sorted(set(settings) - set(KEYS)):
        refuse("--settings", [unknown_keys(unknown, KEYS)])
    check_target(files.output)
    for path in files_of(files.folder, NAMES):
        require_array(path)
    found = open_corrupted(files.folder)
    name, severity = settings["corruption"], settings["severity"]
    arrays = ImageArrays(found.images(name, severity), found.labels, _classes(settings["classes"], found))
    manifest = manifest_of(
        arrays,
        dataset=files.folder,
        split=f"{found.label_of(name)}-{severity}",
        source="corrupted",
        content="unknown",
        content_digest=content_digest(arrays),
    )
    store(files.output, arrays, manifest)


def _classes(given: object, found: CorruptedSet) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise ConfigError(f"classes: expected the names of the classes as a list; got {given!r}; correct it")
    if found.labels.max() >= len(given):
        raise DataError(
            f"{found.folder}: expected labels below {len(given)}, the number of classes; got "
            f"{found.labels.max()}; name every class"
        )
    return tuple(given)
