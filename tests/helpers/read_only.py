"""Folders that may only be read."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def read_only_folder(folder: Path) -> Iterator[None]:
    """Make a folder read only; skip the test where that cannot be done."""
    if os.geteuid() == 0:
        with _mounted(folder) as done:
            if not done:
                pytest.skip("root writes everywhere here, and no disk can be mounted")
            yield
        return
    folder.chmod(0o555)
    try:
        yield
    finally:
        folder.chmod(0o755)


@contextmanager
def _mounted(folder: Path) -> Iterator[bool]:
    """Root may write everywhere but where a disk is mounted to be read only."""
    done = False
    with suppress(OSError):
        bound = subprocess.run(["mount", "--bind", folder, folder], capture_output=True, check=False)
        done = bound.returncode == 0
    try:
        if done:
            subprocess.run(["mount", "-o", "remount,ro,bind", folder], capture_output=True, check=True)
        yield done
    finally:
        if done:
            subprocess.run(["umount", folder], check=True)
