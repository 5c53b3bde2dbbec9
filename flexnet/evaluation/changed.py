"""Judging a model on images to which something was done, whatever it was."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import torch
from torch import Tensor

from flexnet.attacks.checks import broken_images, check_logits
from flexnet.attacks.precision import full_precision
from flexnet.evaluation.accuracy import check_judged, on_device
from flexnet.evaluation.judging import as_it_came, require_declared
from flexnet.evaluation.outcomes import BROKEN, RIGHT, judge_logits
from flexnet.evaluation.subject import Job, Subject
from flexnet.inputs import trusted_inputs
from flexnet.layers.randomness import set_generator
from flexnet.layers.tracing import evaluation_mode
from flexnet.seeds import derive_seed
from flexnet.training.batches import to_unit
from flexnet.training.streamed import parts

# A batch (n, C, H, W) in uint8, the place of its first image -> what the model sees, in uint8 or in [0, 1].
Change: TypeAlias = Callable[[Tensor, int], Tensor]
# A change, and words and numbers that name it -> whether the model is right about each image, bool, (N,).
Judge: TypeAlias = Callable[..., Tensor]


@contextmanager
def judging(subject: Subject, purpose: str, batch: int, job: Job) -> Iterator[Judge]:
    """Within this context a function judges the subject's model on its images after a change.

    Masks of a stochastic model are drawn by purpose, training seed, name of the change and place of the
    batch, so they are the same for all networks of a seed.

    Args:
        subject: who is asked, about which images.
        purpose: name of the family.
        batch: images that share a mask.
        job: circumstances; told of every image that was judged.

    Raises:
        ConfigError: if the model cannot be judged, or draws in secret.
        DataError: if images and labels have another type or shape.
        NumericalError: by the function, if a logit is NaN or infinite.
    """
    pixels, labels = on_device(subject.scored.images, subject.scored.labels, subject.scored.images.device)
    name = f"{check_judged(subject.model, pixels, subject.name)}, protocol {job.protocol}"
    require_declared(subject.model, pixels, name)
    size, highest = min(batch, job.batch_size), int(labels.max())
    seed = derive_seed(subject.run.run_seed, purpose, subject.run.seed, "mask")

    def judge(change: Change, *named: str | float) -> Tensor:
        found = []
        batches = zip(parts(pixels, size), parts(labels, size), strict=True)
        for place, (images, truth) in enumerate(batches):
            seen = to_unit(change(images, place * size))
            mask = derive_seed(seed, *map(str, named), place)
            set_generator(subject.model, torch.Generator(seen.device).manual_seed(mask))
            with torch.inference_mode():
                logits = check_logits(subject.model(seen), len(seen), highest, name)
            found.append(judge_logits(logits, truth)[0])
        job.progress(len(pixels))
        return _right(torch.cat(found), f"{name}, {' '.join(map(str, named))}")

    with (
        evaluation_mode(subject.model),
        as_it_came(subject.model),
        full_precision(pixels.device),
        trusted_inputs(),
    ):
        yield judge


def unchanged(images: Tensor, first: int) -> Tensor:
    """Images as they are."""
    return images


def _right(outcomes: Tensor, name: str) -> Tensor:
    broken = int((outcomes == BROKEN).sum())
    if broken:
        raise broken_images("finite logits", broken, len(outcomes), name)
    return outcomes == RIGHT
