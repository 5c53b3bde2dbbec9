"""Subsets: balanced or uniform as said, determined by the seed, disjoint where they must be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexnet.data.subsets import holdout_split, stratified_indices, uniform_indices
from flexnet.errors import ConfigError

LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 50))


def test_stratified_is_balanced_ascending_and_without_repetition() -> None:
    chosen = stratified_indices(LABELS, 7, 3)
    assert np.bincount(LABELS[chosen]).tolist() == [7] * 10
    assert (np.diff(chosen) > 0).all()


def test_stratified_depends_on_the_seed_alone() -> None:
    assert np.array_equal(stratified_indices(LABELS, 7, 3), stratified_indices(LABELS, 7, 3))
    assert not np.array_equal(stratified_indices(LABELS, 7, 3), stratified_indices(LABELS, 7, 4))


@given(st.integers(0, 2**63 - 1), st.integers(1, 49))
def test_smaller_subsets_lie_in_larger_ones(seed: int, size: int) -> None:
    small, large = stratified_indices(LABELS, size, seed), stratified_indices(LABELS, size + 1, seed)
    assert set(small) < set(large)


def test_all_images_of_each_class() -> None:
    assert np.array_equal(stratified_indices(LABELS, 50, 0), np.arange(500))


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (0, "at least 1 image per class; got 0"),
        (51, "at least 51 images of class 0; there are 50; ask for fewer"),
    ],
)
def test_stratified_refuses(count: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        stratified_indices(LABELS, count, 0)


def test_uniform_is_deterministic_and_not_balanced() -> None:
    chosen = uniform_indices(LABELS, 100, 5)
    assert np.array_equal(chosen, uniform_indices(LABELS, 100, 5))
    assert len(set(chosen.tolist())) == 100
    assert np.bincount(LABELS[chosen]).tolist() != [10] * 10


def test_uniform_reaches_every_image() -> None:
    drawn = np.concatenate([uniform_indices(LABELS, 100, seed) for seed in range(200)])
    counts = np.bincount(drawn, minlength=500)  # binomial: 40 expected, standard deviation 5.7
    assert counts.min() > 40 - 5 * 5.7
    assert counts.max() < 40 + 5 * 5.7


@pytest.mark.parametrize("count", [0, 501])
def test_uniform_refuses(count: int) -> None:
    with pytest.raises(ConfigError, match=f"1 to 500 images; got {count}"):
        uniform_indices(LABELS, count, 0)


def test_holdout_is_disjoint_complete_and_balanced() -> None:
    kept, held = holdout_split(LABELS, 5, 1)
    assert np.array_equal(np.sort(np.concatenate((kept, held))), np.arange(500))
    assert np.bincount(LABELS[held]).tolist() == [5] * 10


def test_holdout_leaves_something_to_train_on() -> None:
    with pytest.raises(ConfigError, match="fewer images per class than the smallest class has, 50; got 50"):
        holdout_split(LABELS, 50, 0)
