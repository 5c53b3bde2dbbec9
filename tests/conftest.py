"""How all tests are run: one thread in each of several workers, and what takes longest first."""

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Before torch is imported. Threads of several processes wait for each other at every operation, which makes a
# test that runs beside others up to ten times slower.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

SLOW = ("workflow", "training")  # folders, slowest first


@pytest.fixture(autouse=True)
def same_numbers() -> None:
    """Each test draws the same, whatever ran before it, and so does what it compares itself with."""
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(autouse=True)
def small_numbers() -> Iterator[None]:
    """Numbers below 1e-38 are numbers for the next test, too: jobs and commands count them as zero."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of slow folders first, so that no processor is idle at the end."""
    here = Path(__file__).parent
    place = {folder: index for index, folder in enumerate(SLOW)}
    items.sort(key=lambda item: place.get(item.path.relative_to(here).parts[0], len(SLOW)))
