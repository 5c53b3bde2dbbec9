from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from flexnet.errors import ConfigError, DataError
from flexnet.evaluation.accuracy import correct_per_image


def count_correct(*arguments: Any, **options: Any) -> int:
    return int(correct_per_image(*arguments, **options).sum())


class Brightness(nn.Module):
    """Class 1 when the mean pixel exceeds one half."""

    def forward(self, images):
        mean = images.mean(dim=(1, 2, 3))
        return torch.stack((torch.full_like(mean, 0.5), mean), dim=1)


def grey(*values):
    return np.array(values, dtype=np.uint8).reshape(-1, 1, 1, 1) * np.ones((1, 1, 2, 2), dtype=np.uint8)


IMAGES = grey(0, 127, 128, 255, 200)
LABELS = np.array([0, 1, 1, 0, 1])


@pytest.mark.parametrize("batch_size", [1, 2, 3, 5, 100])
def test_outcomes_by_hand_whatever_the_batch(batch_size):
    # 127 / 255 lies below one half, 128 / 255 above.
    outcomes = correct_per_image(Brightness(), IMAGES, LABELS, batch_size=batch_size, device="cpu")
    assert outcomes.tolist() == [True, False, True, False, True]
    assert count_correct(Brightness(), IMAGES, LABELS, batch_size=batch_size, device="cpu") == 3


def test_tensors_and_read_only_arrays_are_taken():
    frozen = IMAGES.copy()
    frozen.setflags(write=False)
    assert count_correct(Brightness(), frozen, LABELS, batch_size=2, device="cpu") == 3
    tensors = torch.tensor(IMAGES), torch.tensor(LABELS)
    assert count_correct(Brightness(), *tensors, batch_size=2, device="cpu") == 3


def test_model_is_judged_in_eval_mode_and_left_as_it_came():
    dropping = nn.Sequential(nn.Dropout(1.0), Brightness())
    dropping[1].eval()
    assert count_correct(dropping, IMAGES, LABELS, batch_size=5, device="cpu") == 3
    assert [module.training for module in dropping] == [True, False]


class Lazy(nn.Module):
    """Makes what it multiplies with when it is first called."""

    window: Any = None

    def forward(self, images):
        self.window = torch.ones(2, 2) if self.window is None else self.window
        return torch.stack(((images * self.window).sum((1, 2, 3)), 4 - images.sum((1, 2, 3))), 1)


def test_a_model_can_be_attacked_and_trained_after_it_was_judged():
    model = nn.Sequential(nn.Conv2d(1, 1, 1), Lazy())
    count_correct(model, IMAGES, LABELS, batch_size=5, device="cpu")
    model(torch.rand(3, 1, 2, 2)).sum().backward()
    assert model[0].weight.grad is not None


@pytest.mark.parametrize("batch_size", [1, 5])
def test_a_model_whose_answers_hang_on_the_batch_is_refused(batch_size):
    model = nn.Sequential(nn.BatchNorm2d(1, track_running_stats=False), Brightness())
    with pytest.raises(ConfigError, match="evaluated model: .* its module '0' without"):
        count_correct(model, IMAGES, LABELS, batch_size=batch_size, device="cpu")


@pytest.mark.parametrize(
    ("images", "labels"),
    [(IMAGES / 255, LABELS), (IMAGES[0], LABELS), (IMAGES, LABELS[:4]), (IMAGES[:0], LABELS[:0])],
    ids=["float", "one image", "labels missing", "none"],
)
def test_other_arrays_are_refused(images, labels):
    with pytest.raises(
        DataError, match=r"expected uint8 images \(N, C, H, W\) and labels \(N,\) with N >= 1; got"
    ):
        count_correct(Brightness(), images, labels, batch_size=5, device="cpu")
