"""Choosing images: class-balanced subsets, uniform subsets and held-out sets, all from a seed."""

import numpy as np
from numpy.typing import NDArray

from flexnet.errors import ConfigError

Indices = NDArray[np.int64]


def stratified_indices(labels: NDArray[np.int64], per_class: int, seed: int) -> Indices:
    """Draw the same number of images of every class, without replacement.

    For one seed a smaller subset is contained in a larger one. The Flexible Layer paper's small
    training sets (Fig. 4C) have 100 images of each class.

    Args:
        labels: shape (N,).
        per_class: images of each class, at least 1.
        seed: non-negative integer.

    Returns:
        ascending indices, shape (per_class * number of classes present,).

    Raises:
        ConfigError: if `per_class` is below 1 or a class has fewer images.
    """
    if per_class < 1:
        raise ConfigError(f"expected at least 1 image per class; got {per_class}; raise it")
    generator = np.random.default_rng(seed)
    chosen = [_draw(labels, int(label), per_class, generator) for label in np.unique(labels)]
    return np.sort(np.concatenate(chosen)) if chosen else np.empty(0, dtype=np.int64)


def uniform_indices(labels: NDArray[np.int64], count: int, seed: int) -> Indices:
    """Draw images uniformly, whatever their class, without replacement: the authors' released code.

    Args:
        labels: shape (N,).
        count: number of images, from 1 to N.
        seed: non-negative integer.

    Returns:
        ascending indices, shape (count,).

    Raises:
        ConfigError: if `count` is not between 1 and the number of images.
    """
    if not 1 <= count <= len(labels):
        raise ConfigError(f"expected a subset of 1 to {len(labels)} images; got {count}; change the number")
    return np.sort(np.random.default_rng(seed).permutation(len(labels))[:count]).astype(np.int64)


def holdout_split(labels: NDArray[np.int64], per_class: int, seed: int) -> tuple[Indices, Indices]:
    """Set aside a class-balanced part for choices that must not see the test set.

    Args:
        labels: shape (N,).
        per_class: images of each class to set aside; every class must keep at least one.
        seed: non-negative integer.

    Returns:
        (training indices, held-out indices), both ascending; together they are all indices.

    Raises:
        ConfigError: if a class would keep no image.
    """
    fewest = min(np.unique(labels, return_counts=True)[1], default=0)
    if per_class >= fewest:
        raise ConfigError(
            f"expected to hold out fewer images per class than the smallest class has, {fewest}; "
            f"got {per_class}; lower it"
        )
    held = stratified_indices(labels, per_class, seed)
    return np.setdiff1d(np.arange(len(labels)), held), held


def _draw(labels: NDArray[np.int64], label: int, count: int, generator: np.random.Generator) -> Indices:
    members = np.flatnonzero(labels == label)
    if len(members) < count:
        raise ConfigError(
            f"expected at least {count} images of class {label}; there are {len(members)}; "
            f"ask for fewer images per class or use a larger set"
        )
    # A prefix of a permutation, so that the subsets of one seed are nested.
    return generator.permutation(members)[:count].astype(np.int64)
