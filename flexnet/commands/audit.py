"""`flexnet audit`: whether a network's robustness is real, or its gradients mislead attacks."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from flexnet.columns import aligned
from flexnet.commands.images import add_images, images_of
from flexnet.commands.models import add_model, subject_of
from flexnet.commands.output import add_output, require_output
from flexnet.families.audit import NAMES
from flexnet.options.iterated import NORMS
from flexnet.sizes import size_of

if TYPE_CHECKING:
    from flexnet.audit.findings import Audit
    from flexnet.evaluation.subject import Subject

MOST = 100  # images, unless asked otherwise: each check looks at all of them again and again
BATCH = 100
PROTOCOL = "audit"
SIZES = {"linf": "8/255", "l2": "0.5"}  # of the ball, unless asked otherwise
HEAD = ("check", "share", "at most", "", "")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_model(parser)
    add_images(parser)
    sizes = ", ".join(f"{size} for {norm}" for norm, size in SIZES.items())
    parser.add_argument("--epsilon", default=None, help=f"size of the ball in pixels of [0, 1] ({sizes})")
    parser.add_argument("--norm", default=NORMS[0], choices=NORMS, help=f"of the ball ({NORMS[0]})")
    parser.add_argument("--steps", type=int, default=20, help="of the reference attack, PGD (20)")
    parser.add_argument(
        "--checks", nargs="+", default=None, metavar="C", help=f"some of {', '.join(NAMES)} (all)"
    )
    parser.add_argument("--twin", default=None, help="another model, whose gradient is tried as well")
    add_output(parser, "what every check found")


def run(parsed: Namespace) -> None:
    """Print the verdict with its reasons and every check, and write the rows if asked to.

    Raises:
        ConfigError: if an argument is not allowed, or a network does not fit the images.
        DataError: if weights or images are missing or damaged.
        NumericalError: if a logit or a gradient is NaN or infinite.
    """
    require_output(parsed.output)
    parsed.epsilon = SIZES[parsed.norm] if parsed.epsilon is None else parsed.epsilon
    settings = _settings(parsed)
    arrays = images_of(parsed.images, parsed.n, parsed.seed, most=MOST)
    rows = list(_rows(subject_of(parsed, arrays, twin=parsed.twin), settings))

    from flexnet.audit.told import audit_of

    found = audit_of(rows)
    print(f"{parsed.model}: {found.n} images of {parsed.images}, seed {parsed.seed}")
    print(f"{settings['norm']} ball of {parsed.epsilon}: {_verdict(found)}")
    print("\n".join(f"  {reason}" for reason in found.reasons()))
    print("\n".join(aligned(HEAD, *_lines(found))))
    applied = {finding.check for finding in found.findings if finding.value is not None}
    if unasked := [name for name in NAMES if name not in applied]:
        print(f"Not asked or not applicable, so that robust says less: {', '.join(unasked)}")
    if parsed.output is not None:
        from flexnet.files import write_rows

        write_rows(parsed.output, list(rows[0]), rows)


def _settings(parsed: Namespace) -> dict[str, Any]:
    """The arguments as settings of the family, by whose rules they are checked before anything is loaded."""
    from flexnet.families.audit import AuditSettings
    from flexnet.problems import refuse

    told = {
        "epsilon": size_of(parsed.epsilon, "--epsilon"),
        "norm": parsed.norm,
        "steps": parsed.steps,
        "checks": parsed.checks,
    }
    settings = {"space": "pixel", "clamp": "valid", **told}
    refuse("flexnet audit", AuditSettings.problems(settings))
    return settings


def _rows(subject: "Subject", settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One row for each check."""
    from flexnet.evaluation.audit import evaluate, passes
    from flexnet.evaluation.subject import Job
    from flexnet.progress import Progress

    total = passes(settings, None) * len(subject.scored)
    with Progress(f"{subject.run.model} audit", total, "images") as progress:
        for answer in evaluate(subject, settings, None, Job(PROTOCOL, BATCH, progress.advance)):
            yield {"model": subject.run.model, **answer.row()}


def _verdict(found: "Audit") -> str:
    low, high = found.interval
    return (
        f"{found.verdict}. Of {found.n} images {found.clean} are right without an attack, {found.withstood} "
        f"under PGD and {found.standing} under everything (95 %: {100 * low:.1f} to {100 * high:.1f} %)."
    )


def _lines(found: "Audit") -> Iterator[tuple[str, ...]]:
    """One line for each check: what it found, its threshold, whether it passed, what it measures."""
    for finding in found.findings:
        share = "–" if finding.value is None else f"{100 * finding.value:.1f} %"
        words = {True: "", False: f"fails: {finding.rule.failure}", None: "not asked"}[finding.passed]
        measured = finding.note if finding.value is None else finding.rule.measures
        yield finding.check, share, f"{100 * finding.rule.threshold:g} %", words, measured
