import pytest
import torch

from flexnet.evaluation.counting import full_batches, kept_images, shuffle_seed


@pytest.mark.parametrize(
    ("number", "dropped", "denominator"), [(300, 3, 300), (250, 3, 300), (201, 3, 300), (7, 1, 100)]
)
def test_perfect_model_loses_one_image_per_batch(number, dropped, denominator):
    assert int(kept_images(number, batch=100, seed=0).sum()) == number - dropped
    assert full_batches(number, 100) == denominator


def test_dropped_images_are_the_last_of_the_shuffled_batches():
    order = torch.randperm(6, generator=torch.Generator().manual_seed(4))
    kept = kept_images(6, batch=3, seed=4)
    assert kept[order].tolist() == [True, True, False, True, True, False]


def test_repeats_shuffle_differently():
    seeds = {shuffle_seed(0, draw) for draw in range(10)} | {shuffle_seed(1, 0)}
    assert len(seeds) == 11
    right = torch.arange(1000) < 500
    counts = {int((right & kept_images(1000, batch=100, seed=seed)).sum()) for seed in seeds}
    assert len(counts) > 1
    assert all(490 <= count <= 500 for count in counts)
