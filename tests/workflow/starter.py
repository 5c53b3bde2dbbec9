"""Start Snakemake again and again: a process that has imported it forks, which saves the half second of that.

    python starter.py

It reads one order a line from standard input, a JSON object of `folder`, `environment`, `arguments` and
`output` (a file), runs `python -m snakemake` with them, and writes a line with the exit status. Each run
imports the copy of flexnet that its environment names.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import snakemake
from snakemake.cli import main

PROGRAM = str(Path(snakemake.__file__).with_name("__main__.py"))
SECONDS = 600


def run(order: dict[str, Any]) -> None:
    """Be the process that was ordered."""
    signal.alarm(SECONDS)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.path[0] = order["environment"]["PYTHONPATH"]
    sys.argv = [PROGRAM, *order["arguments"]]
    sys.orig_argv = [sys.executable, "-m", "snakemake", *order["arguments"]]
    written = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number, stream in enumerate((os.open(os.devnull, os.O_RDONLY), written, written)):
        os.dup2(stream, number)
    main()


for line in sys.stdin:
    child = os.fork()
    if not child:
        run(json.loads(line))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
