"""Stage `evaluate`: one family asks one trained model, one seed or all of them, under one protocol."""

import json
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from flexnet.data.subset_file import read_subset
from flexnet.errors import DataError
from flexnet.evaluation.subject import Answer, Job, Subject
from flexnet.families.base import Family
from flexnet.families.registry import family_of
from flexnet.files import write_rows
from flexnet.networks.registry import expected_images
from flexnet.problems import refuse
from flexnet.progress import Progress
from flexnet.seeds import derive_seed
from flexnet.stages._common import choose_device, load_scored, set_up_cpu
from flexnet.tables.outcomes import outcomes_path, write_outcomes
from flexnet.training.batches import DeviceImages, digest_of
from flexnet.training.checkpoint import load_model
from flexnet.training.run import Run

# Images per forward pass; several epsilons of a batch share one. A CPU is fastest where they fit its cache.
BATCH, CPU_BATCH = 1000, 100


def run(settings: dict[str, Any], files: Namespace) -> None:
    """Write one row per seed and condition, and the outcome of each image beside them.

    Settings: `family`, `model`, `protocol`, `settings` (the family's section of the protocol) and `asked`
    (what the model row says to the family, None if nothing).

    Raises:
        ConfigError: if the family is unknown, or a setting is not allowed or does not fit the model.
        DataError: if weights or images are damaged, of another model, or do not fit each other.
        NumericalError: if what is counted is NaN or infinite.
    """
    family = family_of(settings["family"])
    if family.settings is not None:
        where = f"{family.name}, protocol {settings['protocol']}"
        refuse(where, family.settings.problems(settings["settings"]))
    set_up_cpu(files.threads)
    limit = settings["settings"].get("images")  # of a family that says so: the most images that it asks about
    subjects = list(_subjects(settings["model"], files, choose_device(), limit))
    answers = _ask_all(family, subjects, settings, files.log)
    rows = [row for row, _ in answers]
    right = [answer.right.cpu().numpy() for _, answer in answers if answer.right is not None]
    if right:
        write_outcomes(outcomes_path(files.output), np.stack(right), digest_of(subjects[0].scored))
    write_rows(files.output, list(rows[0]), rows)


def _subjects(name: str, files: Namespace, device: torch.device, limit: int | None) -> Iterator[Subject]:
    """The trained networks, all with the same images, each with the other networks of its own seed."""
    scored: DeviceImages | None = None
    numbers: list[int] = []
    others = _others(files)
    for place, path in enumerate(files.weights):
        model, metadata = _load(path, name, device)
        if scored is None:
            options = json.loads(metadata["options"])
            whole = load_scored(files, metadata["network"], options, device)
            scored, numbers = some_of(whole, limit), read_subset(files.subset)["scored"]
            numbers = [numbers[chosen] for chosen in some_numbers(len(numbers), limit)]
        named = {key: _other(key, paths[place], metadata, device) for key, paths in others.items()}
        yield Subject(model, Run.from_metadata(metadata), scored, named, numbers)


def _others(files: Namespace) -> dict[str, list[str]]:
    """Files of the other networks by their key, one for each of the networks that are asked."""
    found: dict[str, list[str]] = {}
    for entry in files.others or ():
        key, _, path = entry.partition("=")
        found.setdefault(key, []).append(path)
    for key, paths in found.items():
        if len(paths) != len(files.weights):
            raise DataError(
                f"--others {key}: expected a file for each of the {len(files.weights)} files of --weights; "
                f"got {len(paths)}; give them in the order of the seeds"
            )
    return found


def _other(key: str, path: str, asked: Mapping[str, str], device: torch.device) -> nn.Module:
    """Another network, which must take the same images and tell the same classes."""
    model, metadata = _load(path, None, device)
    found, expected = (
        expected_images(told["network"], json.loads(told["options"])) for told in (metadata, asked)
    )
    if found != expected:
        raise DataError(
            f"{path}: expected a network for images of (channels, size, classes) {expected}, as "
            f"{asked['model']} is; got {metadata['model']} for {found}; name another {key}"
        )
    return model


def some_of(scored: DeviceImages, limit: int | None) -> DeviceImages:
    """At most so many of the images, in their order: the same for every network, whatever their labels."""
    if limit is None or limit >= len(scored):
        return scored
    chosen = torch.tensor(some_numbers(len(scored), limit), device=scored.images.device)
    return DeviceImages(scored.images[chosen], scored.labels[chosen])


def some_numbers(number: int, limit: int | None) -> list[int]:
    """Places of at most so many of some images, in their order."""
    if limit is None or limit >= number:
        return list(range(number))
    generator = torch.Generator().manual_seed(derive_seed("some images", number))
    found: list[int] = torch.randperm(number, generator=generator)[:limit].sort().values.tolist()
    return found


def _load(path: str, name: str | None, device: torch.device) -> tuple[nn.Module, dict[str, str]]:
    model, metadata = load_model(path)
    if name is not None and metadata["model"] != name:
        raise DataError(
            f"{path}: expected weights of the model {name}; got those of {metadata['model']}; give its own"
        )
    # Convolutions prefer maps with their channels last in memory.
    return model.to(device, memory_format=torch.channels_last), metadata  # type: ignore[call-overload]


def _ask_all(
    family: Family, subjects: Sequence[Subject], settings: Mapping[str, Any], log: str | None
) -> list[tuple[dict[str, Any], Answer]]:
    """Rows of all subjects with their answers."""
    module = import_module(f"flexnet.evaluation.{family.name}")
    told = settings["settings"], settings["asked"]
    passes = module.passes(*told) if hasattr(module, "passes") else 1
    title = f"{settings['model']} {family.name} {settings['protocol']}"
    device = subjects[0].scored.images.device
    batch = CPU_BATCH if device.type == "cpu" else BATCH
    found: list[list[Answer]] = [[] for _ in subjects]
    total = passes * sum(len(subject.scored) for subject in subjects)
    with Progress(title, total, "images", log) as progress:
        job = Job(settings["protocol"], batch, progress.advance)
        for place, answer in _answers(module, subjects, told, job):
            _check(family, answer)
            found[place].append(answer)
    return [
        ({"model": run.model, "seed": run.seed, "protocol": job.protocol} | answer.row(), answer)
        for run, answers in zip((subject.run for subject in subjects), found, strict=True)
        for answer in answers
    ]


def _answers(
    module: ModuleType, subjects: Sequence[Subject], told: tuple[Any, Any], job: Job
) -> Iterator[tuple[int, Answer]]:
    """Answers with the place of the subject that gave them: one subject after the other, or side by side."""
    if hasattr(module, "evaluate_all"):
        yield from module.evaluate_all(subjects, *told, job)
        return
    for place, subject in enumerate(subjects):
        yield from ((place, answer) for answer in module.evaluate(subject, *told, job))


def _check(family: Family, answer: Answer) -> None:
    """An answer has the conditions and measures that its family declares and no others."""
    assert set(answer.conditions) == set(family.conditions), (family.name, dict(answer.conditions))
    assert set(answer.measures) == set(family.measures), (family.name, dict(answer.measures))
    assert (answer.right is not None) == family.counts, family.name
