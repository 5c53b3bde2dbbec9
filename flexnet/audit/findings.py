"""What the audit finds, and the verdict that follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flexnet.audit.rules import MASKED, ROBUST, RULES, UNDECIDED, Rule


@dataclass(frozen=True)
class Finding:
    """The answer to one check.

    Attributes:
        check: name in `RULES`.
        value: the share that the rule speaks of; None if the check does not apply.
        evidence: the numbers behind it by name, each a list.
        note: why it does not apply.
    """

    check: str
    value: float | None
    evidence: Mapping[str, Sequence[float]] = field(default_factory=dict)
    note: str = ""

    @property
    def rule(self) -> Rule:
        """What was asked, and the threshold."""
        return RULES[self.check]

    @property
    def passed(self) -> bool | None:
        """Whether the share is within the threshold; None if the check does not apply."""
        return None if self.value is None else self.value <= self.rule.threshold + 1e-12

    def sentence(self) -> str:
        """The finding in words."""
        if self.value is None:
            return f"{self.check}: not asked ({self.note})."
        share = f"{self.check}: {self.value:.3f} (at most {self.rule.threshold:g}): {self.rule.measures}."
        return share if self.passed else f"{share} {self.rule.means}"


@dataclass(frozen=True)
class Audit:
    """All findings about one model.

    Attributes:
        findings: in the order of the checks.
        n: number of images.
        clean: how many of them are answered rightly.
        withstood: how many withstood the reference attack.
        standing: how many withstood everything within the ball.
        chance: share of right answers of a guess.
    """

    findings: tuple[Finding, ...]
    n: int
    clean: int
    withstood: int
    standing: int
    chance: float

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson interval of the accuracy under everything that was tried."""
        from flexnet.statistics.intervals import wilson_interval  # brings pandas, which attacks do not need

        return wilson_interval(self.standing, self.n)

    @property
    def verdict(self) -> str:
        """ "masked" if a check says so; "robust" if all pass and more withstand than a guess gets right.

        More: the whole 95 % Wilson interval of their share lies above chance.

        Everything else is "undecided": an attack that may be too weak, a network that is not robust, about
        whose robustness there is nothing to decide, or one of which nothing was asked that could find out.
        """
        failed = {finding.rule.failure for finding in self.findings if finding.passed is False}
        if MASKED in failed:
            return MASKED
        return UNDECIDED if failed or not self.asked or self.interval[0] <= self.chance else ROBUST

    @property
    def asked(self) -> bool:
        """Whether any check applied that finds gradients that mislead."""
        return any(finding.value is not None and finding.rule.failure == MASKED for finding in self.findings)

    def reasons(self) -> list[str]:
        """The verdict's reasons, a sentence each."""
        failed = [finding.sentence() for finding in self.findings if finding.passed is False]
        if failed or self.verdict == ROBUST:
            return failed
        if self.interval[0] > self.chance:
            return ["No check applied that finds gradients that mislead: ask for more of them."]
        return [
            f"{self.standing} of {self.n} images withstand; the 95 % interval of their share begins at"
            f" {100 * self.interval[0]:.1f} % and is not above chance, {100 * self.chance:.0f} %: there is no"
            " robustness to explain."
        ]
