"""What jobs cost, estimated before they run: seconds of one core of the machine of `speeds.json`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flexnet.config import seeds_of
from flexnet.families.base import ANSWER
from flexnet.families.registry import family_of
from flexnet.study.data import Used, used_images
from flexnet.study.figures import LEDGER
from flexnet.study.jobs import named_models, section_of, seeds_in
from flexnet.study.speeds import seconds_per_image
from flexnet.study.study import Study
from flexnet.study.targets import figure_at, published_figures
from flexnet.training.recipe import Recipe

# Starting Python with torch, and reading images. The first is what a job without torch needs.
LIGHT, START = 1.2, 2.0
BETWEEN = 0.25  # seconds of the workflow itself between two jobs
# Of a training step, without and with what an attack needs beside the answers: its gradient.
FORWARD, GRADIENT = 1 / 3, 0.5
# Rules whose cost does not depend on what they are about.
PLAIN = {"prepare_data": 6.0, "choose_subset": LIGHT, "describe": START, "import_weights": 2 * START}


@dataclass(frozen=True)
class Task:
    """A job as far as its cost depends on it.

    Attributes:
        rule: its name.
        wildcards: by name.
    """

    rule: str
    wildcards: Mapping[str, str]


def task_seconds(study: Study, task: Task) -> float | None:
    """Core seconds of a job; None if nothing is known of its network's speed."""
    rule, said = task.rule, task.wildcards
    if rule not in ("train", "evaluate"):
        return PLAIN.get(rule, LIGHT)
    model, config = said["model"], study.config(said["home"])
    each = seconds_per_image(config, model)
    if each is None:  # of weights for a network of one's own only that they are not trained is known
        return START if "recipe" not in config["models"][model] else None
    used = used_of(config, model)
    if rule == "train":
        return START + each * _trained_images(config, model, used.training, used.scored)
    seeds = seeds_in(study, said["home"], model, said["seeds"])
    section = section_of(study, said["home"], said["family"], said["protocol"])
    passes = _passes(section, config["models"][model], said["family"])
    scored = min(used.scored, section.get("images") or used.scored)
    return START + len(seeds) * each * scored * passes


def used_of(config: Mapping[str, Any], model: str) -> Used:
    """Numbers of images of a model's dataset."""
    data = config["datasets"][config["models"][model]["dataset"]]
    return used_images(data, config["sources"][data["source"]])


def _trained_images(config: Mapping[str, Any], model: str, training: int, scored: int) -> float:
    """Images of all training steps, those of evaluations in between as parts of one."""
    recipe = Recipe.from_mapping(config["recipes"][config["models"][model]["recipe"]])
    evaluations = sum(map(recipe.evaluates, range(1, recipe.epochs + 1)))
    seen = scored + training * recipe.score_training
    return float(recipe.epochs * training + evaluations * seen * FORWARD)


def _passes(section: Mapping[str, Any], row: Mapping[str, Any], family: str) -> float:
    """Training steps that cost as much as what an evaluation asks of each image."""
    work = family_of(family).work
    if work is not None:
        # Of a network that draws gradients are averaged; the audit does so in some of its checks.
        averaged = section.get("eot_draws", 3 if family == "audit" else 1)
        return work(section) * (averaged if _scheme(row) == "random" else 1)
    asked = row.get("at_test", {}).get(family) or ()
    times = len({"trained", *asked}) if family == "interventions" else max(1, len(asked))
    times *= len(section.get("losses", ())) or 1
    if "epsilons" not in section:
        return times * ANSWER
    noises = section.get("noises", ("uniform", "gaussian") if family == "noise" else ())
    draws = section.get("draws", 1) if noises or _varies(section, row) else 1
    averaged = section.get("eot_draws", 1)
    gradients = averaged if averaged > 1 and draws > 1 else draws
    if noises or not any(section["epsilons"]):
        gradients = 0
    answers = draws * len(section["epsilons"]) * max(1, len(noises))
    return float(times * (answers * ANSWER + gradients * section.get("steps", 1) * GRADIENT))


def _varies(section: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether repeats of an evaluation differ."""
    scheme = _scheme(row)
    return scheme == "random" or (scheme == "redrawn" and bool(section.get("redraw")))


def _scheme(row: Mapping[str, Any]) -> str | None:
    """The scheme of a model's flexible layer, if the row names one."""
    return (row.get("options", {}).get("layer") or {}).get("scheme")


def plan_seconds(costs: Sequence[float], cores: int, threads: int, factor: float = 1.0) -> float:
    """How long jobs take together.

    Args:
        costs: core seconds of each.
        cores: at work.
        threads: of the longest jobs.
        factor: how much longer this machine takes than that of the table.
    """
    if not costs:
        return 0.0
    together = sum(costs) / max(1, cores)
    alone = max(costs) / max(1, min(threads, cores))
    return factor * max(together, alone) + BETWEEN * len(costs)


def figure_tasks(study: Study, home: str, protocol: str, figure: str) -> list[Task]:
    """The jobs behind a figure at a scale, those of other models included, without those of data."""
    models = study.series(home, figure, protocol).values()
    if study.is_schematic(figure):
        return [Task("describe", {}), Task("draw_figure", {})]
    tasks = [Task("collect_rows", {}), Task("draw_figure", {})]
    families = study.families(figure)
    networks: dict[tuple[str, int], None] = {}
    for model in dict.fromkeys(models):
        seeds = seeds_of(study.config(home), model)
        networks |= dict.fromkeys((model, seed) for seed in seeds)
        for family in families:
            if family.subject == "training":
                continue
            others = named_models(study, home, family.name, protocol, model).values()
            networks |= dict.fromkeys((other, seed) for other in others for seed in seeds)
            jobs = ["all"] if family.seeds == "all" else [f"seed{seed}" for seed in seeds]
            said = {"home": home, "model": model, "family": family.name, "protocol": protocol}
            tasks += [Task("evaluate", {**said, "seeds": job}) for job in jobs]
    return [*tasks, *(_made(study, home, model, seed) for model, seed in networks)]


def _made(study: Study, home: str, model: str, seed: int) -> Task:
    """The job that trains a network, or takes over its weights."""
    rule = "train" if "recipe" in study.model(home, model) else "import_weights"
    return Task(rule, {"home": home, "model": model, "seed": str(seed)})


def timed_models(study: Study, home: str) -> list[str]:
    """Models of a scale whose speed the table holds: all, or those of the figures that the scale names."""
    if "everything_of" not in study.config(home):
        return list(study.config(home)["models"])
    shown = [(p, f) for p in study.protocols for f in study.figures if study.in_everything(home, f, p)]
    tasks = (task for found in shown for task in figure_tasks(study, home, *found))
    return list(dict.fromkeys(task.wildcards["model"] for task in tasks if task.rule == "train"))


def costs_of(study: Study, tasks: Iterable[Task]) -> list[float] | None:
    """Core seconds of jobs; None if one of them is not known."""
    found = [task_seconds(study, task) for task in tasks]
    return None if None in found else [cost for cost in found if cost is not None]


def together(study: Study, home: str, tasks: Iterable[Task], cores: int) -> float | None:
    """Seconds that jobs of a scale take together, on the machine of the table; None if that is not known."""
    costs = costs_of(study, tasks)
    return None if costs is None else plan_seconds(costs, cores, int(study.config(home)["threads"]))


def elsewhere(study: Study, home: str, names: Sequence[str], cores: int) -> float | None:
    """Seconds of the same figures at another scale, or of all of it if none is named; None if not known."""
    shown = [found for name in names if (found := figure_at(study, name))]
    if not names:
        protocols, figures = study.protocols, study.figures
        shown = [(p, name) for p in protocols for name in figures if study.in_everything(home, name, p)]
    tasks = {_key(task): task for found in shown for task in figure_tasks(study, home, *found)}
    return together(study, home, tasks.values(), cores) if tasks else None


def _key(task: Task) -> tuple[Any, ...]:
    """What tells a job from others, so that it counts once however many figures show it."""
    plain = task.rule in ("collect_rows", "draw_figure", "describe")
    return (id(task),) if plain else (task.rule, *sorted(task.wildcards.items()))


def kept(study: Study, home: str, targets: Sequence[str]) -> list[str]:
    """Those of some targets of the papers' scale that published rows give at once, as targets there."""
    return [f"{home}{name}" for name in targets if _is_kept(study, home, name)]


def _is_kept(study: Study, home: str, target: str) -> bool:
    """Whether published rows give a figure, or the drawing of the claims that they decide."""
    found = figure_at(study, target)
    if found:
        return study.is_published(home, *found)
    return target == f"figures/{LEDGER}.pdf" and f"{home}{target}" in published_figures(study)


def in_words(seconds: float) -> str:
    """Say a duration as people do.

    >>> in_words(5400), in_words(200000)
    ('1.5 hours', '2.3 days')
    """
    for unit, length in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} seconds"


def notice(
    jobs: Mapping[str, int],
    scale: str,
    seconds: float | None,
    cores: int,
    sooner: Sequence[tuple[str, float | None]],
    threads: int = 1,
) -> str:
    """What a person is told before jobs that take long.

    Args:
        jobs: how many of each rule.
        scale: their scale.
        seconds: how long they take; None if that is not known.
        cores: of this machine that they use.
        sooner: other commands, and how long each takes: None for published rows.
        threads: of each job.
    """
    counts = {name: jobs[rule] for rule, name in _RUNS.items() if jobs.get(rule)}
    runs = ", ".join(f"{count} {name}{'s' if count > 1 else ''}" for name, count in counts.items())
    long = "a time that is not known, for a network of your own was never timed," if seconds is None else ""
    long = long or f"about {in_words(seconds or 0)}"
    place = "one core" if cores == 1 else f"{cores} cores"
    lines = [
        f"flexnet: no GPU found. {runs} at {scale} scale will take {long} on {place} of this machine."
        f" They can be stopped (Ctrl-C) and taken up again at any time.{_side_by_side(jobs, cores, threads)}"
        + (" Sooner:" if sooner else "")
    ]
    lines += [f"  {command}    {_how_long(time)}" for command, time in sooner]
    return "\n".join(lines)


def _side_by_side(jobs: Mapping[str, int], cores: int, threads: int) -> str:
    """What jobs of several threads could do better: narrow networks leave all but the first nearly idle."""
    if min(cores, threads, jobs.get("train", 0)) < 2:
        return ""
    return (
        f" Each job has {min(cores, threads)} threads: --config threads=1 runs more jobs side by side, which"
        " is faster for narrow networks."
    )


def _how_long(seconds: float | None) -> str:
    return "published rows, seconds" if seconds is None else f"about {in_words(seconds)}"


_RUNS = {"train": "training run", "evaluate": "evaluation"}
