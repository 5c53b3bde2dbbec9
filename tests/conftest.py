"""What all tests share: a stage may switch the processor's arithmetic, and no test inherits it."""

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def ordinary_arithmetic() -> Iterator[None]:
    """Numbers below 1e-38 keep their digits again after a test that ran a stage."""
    import torch

    yield
    torch.set_flush_denormal(False)
