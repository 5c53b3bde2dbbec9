"""The order of all tests: what takes longest starts first, so that no processor is idle at the end."""

from pathlib import Path

import pytest

SLOW = ("workflow", "training")  # folders, slowest first


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of slow folders first; the others keep their order."""
    here = Path(__file__).parent
    place = {folder: index for index, folder in enumerate(SLOW)}
    items.sort(key=lambda item: place.get(item.path.relative_to(here).parts[0], len(SLOW)))
