"""`flexnet judge`: how often a network is right: clean, under FGSM, under noise of the same size."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from flexnet.columns import aligned
from flexnet.commands.images import add_images, images_of
from flexnet.commands.models import add_model, subject_of
from flexnet.commands.output import add_output, require_output
from flexnet.errors import ConfigError
from flexnet.sizes import in_levels, size_of

if TYPE_CHECKING:
    from flexnet.evaluation.subject import Subject

# As the corrected protocol has it: pixels that stay in [0, 1], gradients and verdicts over draws.
ATTACK = {"space": "pixel", "clamp": "valid"}
UNDER: dict[str, dict[str, Any]] = {
    "fgsm": {"loss": "cross_entropy", "draws": 20, "eot_draws": 20},
    "noise": {"draws": 5},
}
EPSILONS = ("0", "1/255", "2/255", "4/255", "8/255", "16/255")
BATCH = 100
HEAD = ("", "accuracy", "95 % interval", "right of n", "mean of draws")
PROTOCOL = "judge"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_model(parser)
    add_images(parser)
    parser.add_argument(
        "--under",
        nargs="+",
        choices=sorted(UNDER),
        default=sorted(UNDER),
        help="what is done to the images (all)",
    )
    parser.add_argument(
        "--epsilons",
        nargs="+",
        default=EPSILONS,
        metavar="E",
        help=f"sizes in pixels of [0, 1] ({' '.join(EPSILONS)})",
    )
    add_output(parser, "every condition and draw")


def run(parsed: Namespace) -> None:
    """Print a table, and write the rows if asked to.

    Raises:
        ConfigError: if an argument is not allowed, or the network does not fit the images.
        DataError: if weights or images are missing or damaged.
        NumericalError: if a logit or a gradient is NaN or infinite.
    """
    require_output(parsed.output)
    sizes = _sizes(parsed.epsilons)
    arrays = images_of(parsed.images, parsed.n, parsed.seed)
    rows = list(_rows(subject_of(parsed, arrays), parsed.under, sizes))
    print(f"{parsed.model}: {len(arrays)} images of {parsed.images}, seed {parsed.seed}")
    print("\n".join(aligned(HEAD, *_lines(rows))))
    if parsed.output is not None:
        from flexnet.files import write_rows

        columns = list(dict.fromkeys(key for row in rows for key in row))
        write_rows(parsed.output, columns, [{key: row.get(key, "") for key in columns} for row in rows])


def _sizes(texts: Sequence[str]) -> tuple[float, ...]:
    """Sizes as numbers; 0, the images as they are, is among them."""
    sizes = [size_of(text, "--epsilons") for text in texts]
    if not all(0 <= size <= 1 for size in sizes):
        raise ConfigError(f"--epsilons: expected numbers from 0 to 1, the range of pixels; got {list(texts)}")
    return tuple(sorted({0.0, *sizes}))


def _rows(subject: "Subject", under: Sequence[str], sizes: tuple[float, ...]) -> Iterator[dict[str, Any]]:
    """One row for each condition and draw of each family."""
    from flexnet.evaluation.subject import Job
    from flexnet.families.registry import family_of
    from flexnet.jobs import import_needed
    from flexnet.problems import refuse
    from flexnet.progress import Progress

    name = subject.run.model
    for family in under:
        module = import_needed(f"flexnet.evaluation.{family}")
        settings = {**ATTACK, **UNDER[family], "epsilons": sizes}
        rules = family_of(family).settings
        assert rules is not None
        refuse(family, rules.problems(settings))
        passes = module.passes(settings, None) if hasattr(module, "passes") else 1
        with Progress(f"{name} {family}", passes * len(subject.scored), "images") as progress:
            for answer in module.evaluate(subject, settings, None, Job(PROTOCOL, BATCH, progress.advance)):
                yield {"model": name, "under": family, **answer.row()}


def _lines(rows: Sequence[dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    """One line for each condition; repeats are averaged, and the interval speaks of the images.

    Images as they are were scored beside each condition; the first of these is told.
    """
    from flexnet.statistics.intervals import wilson_interval

    conditions: dict[tuple[str, float], list[dict[str, Any]]] = {}
    for row in rows:
        conditions.setdefault((_words(row), row["epsilon"]), []).append(row)
    first = next(iter(conditions))
    for (words, epsilon), found in conditions.items():
        if epsilon == 0 and (words, epsilon) != first:
            continue
        n, right = found[0]["n"], sum(row["correct"] for row in found) / len(found)
        low, high = wilson_interval(round(right), n)
        share, bounds = f"{100 * right / n:.1f} %", f"[{100 * low:.1f}, {100 * high:.1f}]"
        name = f"{words}, epsilon {in_levels(epsilon)}" if epsilon else "clean"
        yield name, share, bounds, f"{right:g} of {n}", str(len(found))


def _words(row: dict[str, Any]) -> str:
    """What was done: `fgsm`, `uniform noise`."""
    return f"{row['noise']} noise" if row["under"] == "noise" else str(row["under"])
