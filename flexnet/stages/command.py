"""`flexnet stage <name>`: one job of the study.

A stage imports what it needs when it runs, so that `--help` and the light stages start fast. An error that
the user can act on is printed as one message, without a traceback.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flexnet.cards import take_card
from flexnet.errors import ConfigError
from flexnet.jobs import import_needed, read_settings, run_job
from flexnet.seals import break_seals, require_sealed, seal


@dataclass(frozen=True)
class Stage:
    """What a stage does, the keys its settings must have, its file arguments (name: help).

    Of these, `lists` take several files; those of `perhaps` take any number of them and may be absent, those
    of `optional` take one or none. A stage that `computes` runs on a GPU where there is one.
    """

    summary: str
    settings: tuple[str, ...]
    files: dict[str, str]
    lists: tuple[str, ...] = ()
    perhaps: dict[str, str] = field(default_factory=dict)
    optional: dict[str, str] = field(default_factory=dict)
    computes: bool = False


MADE = ("output", "weights", "history")  # arguments that are files to write, where they are no lists
CHECKPOINT = ".checkpoint"  # of the side file beside weights, from which a training job goes on
IMAGES = {
    "training": "arrays file of the split that is trained on",
    "test": "arrays file of the split that is scored",
}
SCORED = {"test": IMAGES["test"], "subset": "JSON file of the subset stage"}
PERHAPS_TRAINING = {"training": f"{IMAGES['training']}; none of a dataset that is only judged"}
STAGES: dict[str, Stage] = {
    "data": Stage(
        "find, check and store one split of a dataset",
        ("dataset", "split"),
        {"output": "safetensors file to write; a manifest (.json) is written beside it"},
    ),
    "subset": Stage(
        "choose the images of one seed: small training sets, held-out sets",
        ("row", "seed", "run_seed"),
        {"test": IMAGES["test"], "output": "JSON file to write"},
        optional=PERHAPS_TRAINING,
    ),
    "train": Stage(
        "train one model with one seed",
        ("model", "seed", "network", "options", "recipe", "run_seed"),
        {
            **IMAGES,
            "subset": "JSON file of the subset stage",
            "weights": "safetensors file to write",
            "history": "CSV file to write",
        },
        computes=True,
    ),
    "import_weights": Stage(
        "take over weights that another program wrote, as one model with one seed",
        ("model", "seed", "network", "options", "checkpoint", "run_seed"),
        {
            **SCORED,
            "source": "file of weights: safetensors, or what torch.save writes",
            "weights": "safetensors file to write",
            "history": "CSV file to write: the score of the weights",
        },
        optional=PERHAPS_TRAINING,
        computes=True,
    ),
    "evaluate": Stage(
        "ask a trained model something, one seed or all of them",
        ("family", "model", "protocol", "settings", "asked"),
        {
            **SCORED,
            "weights": "weights files of the train stage",
            "output": "CSV file to write; the outcome of each image is written beside it",
        },
        lists=("weights",),
        optional=PERHAPS_TRAINING,
        perhaps={"others": "weights files of other models that the settings name, as key=file"},
        computes=True,
    ),
    "collect": Stage(
        "join the rows of all models of a figure",
        ("family", "figure", "protocol", "series", "band", "space", "runs"),
        {"output": "CSV file to write; the facts of its runs are written beside it"},
    ),
    "describe": Stage(
        "take what a schematic shows from the modules themselves",
        ("family", "figure", "protocol", "series"),
        {"output": "CSV file to write"},
        optional={"images": "arrays file of the images that are shown, if any"},
    ),
    "corrupted": Stage(
        "check a folder in the layout of CIFAR-10-C and take one corruption out of it",
        ("corruption", "severity", "classes"),
        {"folder": "of the set", "output": "safetensors file to write; a manifest is written beside it"},
    ),
    "cost": Stage("measure how fast this machine trains", ("runs",), {}),
}


def make_parser() -> argparse.ArgumentParser:
    """Build the parser with one sub-command per stage."""
    parser = argparse.ArgumentParser(prog="flexnet stage", description="One stage of the study, as one job.")
    stages = parser.add_subparsers(dest="stage", required=True, metavar="stage")
    for name, described in STAGES.items():
        stage = stages.add_parser(name, help=described.summary, description=described.summary)
        keys = ", ".join(described.settings)
        stage.add_argument("--settings", required=True, help=f"JSON or @file, with {keys}")
        stage.add_argument("--threads", type=int, default=None, help="CPU threads (default: torch's choice)")
        stage.add_argument("--log", default=None, help="file that gets progress lines and errors")
        for argument, text in described.files.items():
            several = "+" if argument in described.lists else None
            stage.add_argument(f"--{argument}", required=True, nargs=several, help=text)
        for argument, text in described.perhaps.items():
            stage.add_argument(f"--{argument}", nargs="*", help=text)
        for argument, text in described.optional.items():
            stage.add_argument(f"--{argument}", nargs="?", help=text)
    return parser


def _run_stage(parsed: argparse.Namespace) -> None:
    settings = read_settings(parsed.settings)
    missing = [key for key in STAGES[parsed.stage].settings if key not in settings]
    if missing:
        raise ConfigError(f"--settings: expected the keys {missing} as well; got {sorted(settings)}")
    if STAGES[parsed.stage].computes:
        take_card()
    run: Callable[[dict[str, Any], argparse.Namespace], None]
    run = import_needed(f"flexnet.stages.{parsed.stage}").run
    if parsed.stage == "data":  # what it writes has a manifest, which is checked whenever it is read
        run(settings, parsed)
        return
    made = _made(parsed)
    given = {text.rpartition("=")[2] for text in _texts([settings, vars(parsed)])}
    require_sealed(sorted(given.difference(made)))
    break_seals(made)
    run(settings, parsed)
    seal(made)


def _made(parsed: argparse.Namespace) -> list[str]:
    """Files that a job makes."""
    stage = STAGES[parsed.stage]
    return [getattr(parsed, name) for name in MADE if name in stage.files and name not in stage.lists]


def _texts(value: Any) -> Iterator[str]:
    """Every text below a value; some are names of files."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a stage; return the exit status: 0 done, 1 an error the user can act on, 2 wrong usage."""
    parsed = make_parser().parse_args(arguments)
    kept = _kept_log(parsed.weights) if parsed.stage == "train" else None
    status = run_job(
        f"flexnet {parsed.stage}", parsed.log, lambda: _run_stage(parsed), kept=kept, writes=_made(parsed)
    )
    if kept is not None:
        _kept_log(parsed.weights)
    return status


def _kept_log(weights: str) -> Path:
    """The second name of a training job's log; without a checkpoint to go on from, nothing has this name."""
    checkpoint = Path(weights).with_suffix(CHECKPOINT)
    kept = checkpoint.with_name(f"{checkpoint.name}.log")
    if not checkpoint.exists():
        kept.unlink(missing_ok=True)
    return kept
