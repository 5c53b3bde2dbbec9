"""A process that has imported Snakemake and forks to be it, because imports are most of what a start takes.

It reads one request a line from standard input, JSON with what `become` asks for, and answers with the exit
status. Nothing of flexnet is imported before the fork: each copy of a project has its own.
"""

import gc
import importlib
import json
import os
import runpy
import signal
import sys

# What Snakemake and the workflow's own modules import, as far as it is not theirs.
THIRD_PARTY = ("snakemake.cli", "jsonschema", "pandas", "yaml")


def serve() -> None:
    for name in THIRD_PARTY:
        importlib.import_module(name)
    gc.freeze()  # a collection in a child would copy every page that it marks
    for line in sys.stdin:
        child = os.fork()
        if not child:
            become(**json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def become(arguments: list[str], folder: str, output: str, environment: dict[str, str], seconds: int) -> None:
    """Be `python -m snakemake`, for some seconds at most, with both outputs in one file."""
    signal.alarm(seconds)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for stream in (1, 2):
        os.dup2(os.open(output, os.O_WRONLY | os.O_APPEND), stream)
    # In place of the folder of this file.
    sys.path[:1] = [folder, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    importlib.invalidate_caches()
    sys.argv[1:] = arguments
    runpy.run_module("snakemake", run_name="__main__", alter_sys=True)
    sys.exit()


if __name__ == "__main__":
    serve()
