"""The command line: what people ask of a network or of images, and behind `flexnet stage` the jobs."""

import argparse
from collections.abc import Sequence
from importlib import import_module

from flexnet import __version__
from flexnet.jobs import import_needed, run_job

# Each is a module of flexnet.commands with `add_arguments(parser)` and `run(parsed)`.
COMMANDS = {
    "judge": "tell how often a network is right: clean, under FGSM, under noise of the same size",
    "audit": "tell whether a network's robustness is real: robust, masked or undecided, with reasons",
    "corrupt": "write images under nineteen corruptions at five severities, in the layout of CIFAR-10-C",
}
STAGE = "stage"
STAGES_HELP = "one job of the study, as the workflow starts it; flexnet stage --help lists them"
MORE = "Figures and tables of the papers are made by Snakemake, in a checkout: snakemake targets lists them."


def make_parser() -> argparse.ArgumentParser:
    """Build the parser with one sub-command for each command."""
    parser = argparse.ArgumentParser(
        prog="flexnet",
        description="Networks with brain-inspired layers, and how robust they are.",
        epilog=MORE,
    )
    parser.add_argument("--version", action="version", version=f"flexnet {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        import_module(f"flexnet.commands.{name}").add_arguments(command)
    commands.add_parser(STAGE, help=STAGES_HELP, add_help=False)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status: 0 done, 1 an error the user can act on, 2 wrong usage."""
    parser = make_parser()
    parsed, rest = parser.parse_known_args(arguments)
    if parsed.command == STAGE:
        from flexnet.stages.command import main as run_stage

        return run_stage(rest)
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    module = f"flexnet.commands.{parsed.command}"
    writes = [parsed.output] if parsed.output else []
    return run_job(
        f"flexnet {parsed.command}", None, lambda: import_needed(module).run(parsed), writes=writes
    )
