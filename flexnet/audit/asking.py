"""The audit of one model: all checks, and the verdict."""

from collections.abc import Callable, Sequence

from flexnet.audit import checks
from flexnet.audit.bench import Bench
from flexnet.audit.findings import Audit, Finding
from flexnet.audit.rules import RULES
from flexnet.by_name import ByName
from flexnet.errors import ConfigError

CHECKS: ByName[Callable[[Bench], Finding]] = {
    "zero_gradients": checks.zero_gradients,
    "single_step": checks.single_step,
    "noise": checks.noise,
    "transfer": checks.transfer,
    "black_box": checks.black_box,
    "decision": checks.decision,
    "softened_gate": checks.softened_gate,
    "frozen_gate": checks.frozen_gate,
    "float64": checks.float64,
    "expectation": checks.expectation,
    "suite": checks.strongest,
    "epsilon": checks.epsilon,
    "steps": checks.steps,
    "restarts": checks.restarts,
    "monotone": checks.monotone,
}


def audit(bench: Bench, names: Sequence[str] | None = None) -> Audit:
    """Ask a model all checks, or some.

    Args:
        bench: the model with its images and the reference attack.
        names: checks by name; None: all.

    Raises:
        ConfigError: if a name is unknown, or something cannot be attacked.
        NumericalError: if a logit, a loss or a gradient is NaN or infinite.
    """
    chosen = list(RULES) if names is None else list(names)
    unknown = [name for name in chosen if name not in CHECKS]
    if unknown or not chosen:
        raise ConfigError(f"checks of an audit: expected some of {sorted(CHECKS)}; got {unknown or chosen}")
    withstood = int((~bench.white).sum())
    findings = tuple(CHECKS[name](bench) for name in chosen)
    return Audit(
        findings, len(bench.labels), int(bench.clean.sum()), withstood, bench.standing, 1 / bench.classes
    )
