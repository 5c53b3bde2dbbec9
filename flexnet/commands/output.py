"""The file that a command writes its rows into, looked at before work that may take an hour."""

import os
from argparse import ArgumentParser
from pathlib import Path

from flexnet.errors import ConfigError
from flexnet.writable import can_be_written


def add_output(parser: ArgumentParser, what: str) -> None:
    """Add the argument that names a file of rows."""
    parser.add_argument("--output", default=None, help=f"CSV file for {what}, one row each")


def require_output(given: str | None) -> None:
    """Check that a file can be made where one is wanted, if one is.

    Raises:
        ConfigError: if it is a folder, or would lie where no file can be made.
    """
    if given is None:
        return
    place = Path(given)
    if place.is_dir() or given.endswith(os.sep):
        raise ConfigError(f"--output: expected a file; got the folder {given}; name a file in it")
    if not can_be_written(place.parent):
        raise ConfigError(f"--output: expected a place that can be written; got {given}; name another")
