import pytest
import torch

from flexnet.evaluation.counting import count_all, count_dropping_last, shuffle_seed


def test_count_all():
    correct, n = count_all(torch.tensor([[True, False, True], [False, False, True]]))
    assert (correct.tolist(), n) == ([2, 1], 3)


@pytest.mark.parametrize(
    ("number", "dropped", "denominator"), [(300, 3, 300), (250, 3, 300), (201, 3, 300), (7, 1, 100)]
)
def test_perfect_model_loses_one_image_per_batch(number, dropped, denominator):
    correct, n = count_dropping_last(torch.ones(number, dtype=torch.bool), batch=100, seed=0)
    assert (correct.item(), n) == (number - dropped, denominator)


def test_dropped_images_are_the_last_of_the_shuffled_batches():
    outcomes = torch.zeros(6, dtype=torch.bool)
    order = torch.randperm(6, generator=torch.Generator().manual_seed(4)).tolist()
    for place, image in enumerate(order):
        outcomes[:] = False
        outcomes[image] = True
        correct, n = count_dropping_last(outcomes, batch=3, seed=4)
        assert (correct.item(), n) == (int(place not in (2, 5)), 6)


def test_repeats_shuffle_differently():
    seeds = {shuffle_seed(0, draw) for draw in range(10)} | {shuffle_seed(1, 0)}
    assert len(seeds) == 11
    outcomes = torch.arange(1000) < 500
    counts = {count_dropping_last(outcomes, batch=100, seed=seed)[0].item() for seed in seeds}
    assert len(counts) > 1
    assert all(490 <= count <= 500 for count in counts)
