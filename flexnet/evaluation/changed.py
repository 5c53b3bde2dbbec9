"""Judging one model on images to which something was done, whatever it was."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from torch import Tensor

from flexnet.evaluation.altered import SideBySide, answer_of, standing_by
from flexnet.evaluation.judging import scored_images
from flexnet.evaluation.subject import Job, Subject

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
    pixels, labels, name = scored_images(subject, job)
    asking = SideBySide([subject], purpose, min(batch, job.batch_size), int(labels.max()))
    places = range(len(pixels))

    def judge(change: Change, *named: str | float) -> Tensor:
        def alter(images: Tensor, own: Sequence[int]) -> Tensor:
            return change(images, own[0])

        words = tuple(map(str, named))
        (found,) = asking.judge_all(pixels, labels, places, alter, *words)
        job.progress(len(pixels))
        right = answer_of(found, {"change": " ".join(words)}, name).right
        assert right is not None
        return right

    with standing_by([subject], pixels, [name]):
        yield judge


def unchanged(images: Tensor, first: int) -> Tensor:
    """Images as they are."""
    return images
