"""Sources and datasets of a configuration against the catalogue: names, splits, roles, sizes and counts."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from flexnet.data.catalogue import DATASETS
from flexnet.data.roles import ROLES, TEST, TRAIN
from flexnet.data.shapes.objects import CLASSES
from flexnet.data.shapes.splits import DEFAULT_COUNTS, DEFAULTS, SHAPES
from flexnet.data.shapes.splits import SPLITS as RENDERINGS
from flexnet.problems import Problem, no_such_name, wrong


class Images(NamedTuple):
    """What is known of a source's images before they are read; `counts` are the most in each role."""

    channels: int
    size: int
    classes: int
    counts: Mapping[str, int]


class Used(NamedTuple):
    """Numbers of images that one seed of a dataset trains on and is scored on, and of classes."""

    training: int
    scored: int
    classes: int


def splits_of(source: Mapping[str, Any]) -> dict[str, str]:
    """The split of a source that plays each role: as its row says, or else as its dataset has it."""
    record = DATASETS.get(source["dataset"])
    usual = dict(zip(ROLES, ROLES, strict=True)) if record is None else record.roles
    given: Mapping[str, str] = source.get("splits", usual)
    return {role: given[role] for role in ROLES if role in given}


def images_of(source: Mapping[str, Any]) -> Images:
    """What a row of `sources` will hold."""
    splits = splits_of(source)
    if source["dataset"] == SHAPES:
        channels, size = (source.get(key, DEFAULTS[key]) for key in ("channels", "size"))
        usual = {role: DEFAULT_COUNTS.get(split, DEFAULT_COUNTS[TEST]) for role, split in splits.items()}
        return Images(channels, size, len(CLASSES), {role: source.get(role, usual[role]) for role in splits})
    record = DATASETS[source["dataset"]]
    counts = {role: max(record.splits[split]) for role, split in splits.items()}
    channels, size = source.get("channels", record.channels), source.get("size", record.size)
    return Images(channels, size, len(record.classes), counts)


def class_names(source: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the classes of a row of `sources`, in the order of its labels."""
    return CLASSES if source["dataset"] == SHAPES else DATASETS[source["dataset"]].classes


def used_images(dataset: Mapping[str, Any], source: Mapping[str, Any]) -> Used:
    """What a row of `datasets` uses of a row of `sources`, as far as that is known before it is read."""
    images = images_of(source)
    held = images.classes * (dataset.get("holdout_per_class") or 0)
    training = images.counts.get(TRAIN, 0) - held
    if dataset.get("per_class"):
        training = images.classes * dataset["per_class"]
    if dataset.get("score", TEST) == "holdout":
        return Used(training, held, images.classes)
    scored = images.counts[TEST]
    if dataset.get("test_per_class"):
        scored = images.classes * dataset["test_per_class"]
    return Used(training, scored, images.classes)


def source_problems(source: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with a row of `sources`."""
    names = [*DATASETS, SHAPES]
    if source["dataset"] not in names:
        yield no_such_name("a dataset", source["dataset"], names).below("dataset")
    elif source["dataset"] == SHAPES:
        yield from _split_problems(source, RENDERINGS)
        yield from _number_problems(source)
    else:
        yield from _split_problems(source, tuple(DATASETS[source["dataset"]].splits))
        for role in filter(source.__contains__, ROLES):
            text = f"only the embedded dataset {SHAPES!r} has this key; real images are as many as they are"
            yield Problem(f"{text}; remove it", (role,))


def _split_problems(source: Mapping[str, Any], known: tuple[str, ...]) -> Iterator[Problem]:
    """What is wrong with the splits that play roles."""
    splits = splits_of(source)
    if not splits:
        text = f"expected which split is scored, such as splits: {{{TEST}: {known[0]}}}; got none"
        yield Problem(f"{text}; add one of {list(known)}", ("splits",))
    for role, split in splits.items():
        if split not in known:
            yield no_such_name(f"a split of {source['dataset']}", split, known).below("splits", role)
    if len(set(splits.values())) < len(splits):
        text = "another split in each role, or models are scored on what they learned"
        yield wrong(text, splits).below("splits")


def _number_problems(source: Mapping[str, Any]) -> Iterator[Problem]:
    """Every split of the embedded dataset is drawn with a number of images, and no other number is there."""
    splits = splits_of(source)
    for role in ROLES:
        if role in splits and role not in source:
            yield Problem(
                f"expected how many images of the split {splits[role]!r} are drawn; add it", (role,)
            )
        if role in source and role not in splits:
            text = f"expected no number where no split plays the role; got {source[role]}; remove it"
            yield Problem(text, (role,))


def dataset_problems(row: Mapping[str, Any], images: Images) -> Iterator[Problem]:
    """What is wrong with a row of `datasets` whose source has such images."""
    if TEST not in images.counts:
        text = f"expected a source with a split that is scored; this one has {sorted(images.counts)} alone"
        yield Problem(f"{text}; say which in its row, as in splits: {{{TEST}: val}}", ("source",))
        return
    held = row.get("holdout_per_class") or 0
    if row.get("score") == "holdout" and not held:
        yield Problem("expected holdout_per_class as well, or nothing is scored; add it", ("score",))
    for key, role, taken in (
        ("per_class", TRAIN, held),
        ("holdout_per_class", TRAIN, 1),  # every class keeps an image
        ("test_per_class", TEST, 0),
    ):
        there = images.counts.get(role, 0)
        most = max(0, there // images.classes - taken)
        if (row.get(key) or 0) > most:
            yield Problem(
                f"expected at most {most:,} of each class: the source has {there:,} images of "
                f"{images.classes} classes to {role}; got {row[key]:,}",
                (key,),
            )


def training_problems(row: Mapping[str, Any], images: Images) -> Iterator[Problem]:
    """Why a model cannot be trained on the images of its dataset, if it cannot."""
    if TRAIN not in images.counts:
        text = (
            f"expected a dataset to train on; {row['dataset']!r} can only be judged on, as its source has no"
        )
        yield Problem(f"{text} split in the role {TRAIN!r}; choose another", ("dataset",))
