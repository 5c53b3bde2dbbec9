"""Stage `cost`: what training runs cost on this machine, printed before they start."""

from argparse import Namespace
from typing import Any

from flexnet.files import canonical_json
from flexnet.stages._common import choose_device, set_up_cpu
from flexnet.training.cost import in_words, run_seconds, seconds_per_image
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun


def plan(settings: dict[str, Any], measured: dict[str, float], threads: int) -> float:
    """Seconds of all runs of one plan, with `cores` of this machine at work.

    Args:
        settings: `runs` (network, options, recipe, training, scored, count each) and `cores`.
        measured: seconds per image of what was timed already; gains what is timed here.
        threads: CPU threads of one job.
    """
    total = 0.0
    for row in settings["runs"]:
        recipe = Recipe.from_mapping(row["recipe"])
        run = TrainingRun("cost", 1, row["network"], row["options"], recipe)
        costly = [recipe.batch_size, recipe.precision, recipe.augmentations()]
        key = canonical_json([row["network"], row["options"], *costly, threads])
        if key not in measured:
            measured[key] = seconds_per_image(run, choose_device())
        total += row["count"] * run_seconds(run, row["training"], row["scored"], measured[key])
    return total / max(1, int(settings["cores"]) // threads)


def run(settings: dict[str, Any], files: Namespace) -> None:
    """Print the cost of the runs, and of the same figures at other scales.

    Settings: `runs`, `cores`, `threads`, `jobs` (number of training jobs), and `sooner`: a list of other
    plans with `command`, `runs` and `threads`.
    """
    measured: dict[str, float] = {}
    set_up_cpu(settings["threads"])
    cost = plan(settings, measured, settings["threads"])
    print(
        f"flexnet: no GPU found. {settings['jobs']} training runs at paper scale will take about"
        f" {in_words(cost)} on {settings['cores']} cores of this machine. They can be stopped (Ctrl-C) and"
        " taken up again at any time. Sooner:"
    )
    for other in settings["sooner"]:
        set_up_cpu(other["threads"])
        if other["runs"]:
            words = in_words(plan({**other, "cores": settings["cores"]}, measured, other["threads"]))
            print(f"  {other['command']}    about {words}")
        else:
            print(f"  {other['command']}    published rows, seconds")
