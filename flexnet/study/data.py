"""Sources and datasets of a configuration against the catalogue: names, splits, sizes and counts."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from flexnet.data.catalogue import DATASETS
from flexnet.data.shapes.objects import CLASSES
from flexnet.data.shapes.splits import DEFAULT_COUNTS, DEFAULTS, SHAPES
from flexnet.problems import Problem, no_such_name

SPLITS = ("train", "test")  # what training and scoring ask for
OWN = ("size", "channels", *SPLITS)  # keys of the embedded dataset


class Images(NamedTuple):
    """What is known of a source's images before they are read; `counts` are the most of each split."""

    channels: int
    size: int
    classes: int
    counts: Mapping[str, int]


def images_of(source: Mapping[str, Any]) -> Images:
    """What a row of `sources` will hold."""
    if source["dataset"] == SHAPES:
        channels, size = (source.get(key, DEFAULTS[key]) for key in ("channels", "size"))
        return Images(
            channels, size, len(CLASSES), {key: source.get(key, DEFAULT_COUNTS[key]) for key in SPLITS}
        )
    record = DATASETS[source["dataset"]]
    counts = {name: max(numbers) for name, numbers in record.splits.items()}
    return Images(record.channels, record.size, len(record.classes), counts)


def source_problems(source: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with a row of `sources`."""
    names = [*DATASETS, SHAPES]
    if source["dataset"] not in names:
        yield no_such_name("a dataset", source["dataset"], names).below("dataset")
    elif source["dataset"] != SHAPES:
        for key in OWN:
            if key in source:
                text = f"only the embedded dataset {SHAPES!r} has this key; real images are as they are"
                yield Problem(f"{text}; remove it", (key,))


def dataset_problems(row: Mapping[str, Any], images: Images) -> Iterator[Problem]:
    """What is wrong with a row of `datasets` whose source has such images."""
    missing = [split for split in SPLITS if split not in images.counts]
    if missing:
        text = f"expected a source with the splits train and test; this one has {sorted(images.counts)}"
        yield Problem(text, ("source",))
        return
    held = row.get("holdout_per_class") or 0
    if row.get("score") == "holdout" and not held:
        yield Problem("expected holdout_per_class as well, or nothing is scored; add it", ("score",))
    for key, split, taken in (
        ("per_class", "train", held),
        ("holdout_per_class", "train", 1),  # every class keeps an image
        ("test_per_class", "test", 0),
    ):
        most = images.counts[split] // images.classes - taken
        if (row.get(key) or 0) > most:
            yield Problem(
                f"expected at most {most:,} of each class: the source has {images.counts[split]:,} images of "
                f"{images.classes} classes to {split}; got {row[key]:,}",
                (key,),
            )
