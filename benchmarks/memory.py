"""The settings of memory that jobs have."""

import os
import sys

from flexnet.machine import KEPT_MEMORY


def begin_as_jobs_do() -> None:
    """Start this program anew with these settings, which a program reads when it starts."""
    if not KEPT_MEMORY.keys() <= os.environ.keys():
        os.execve(sys.executable, sys.orig_argv, KEPT_MEMORY | os.environ)
