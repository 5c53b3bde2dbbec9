"""The audit on networks whose truth is known: built to be masked, trained to be robust, and plain."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from flexnet.attacks import Ball, Key, Space
from flexnet.audit import CHECKS, RULES, Audit, Bench, Finding, audit
from flexnet.audit.rules import MASKED, ROBUST, UNDECIDED
from flexnet.errors import ConfigError


class Around(nn.Module):
    """A network with something before or behind it."""

    def __init__(
        self,
        model: nn.Module,
        before: Callable[[Tensor], Tensor] = lambda x: x,
        behind: Callable[[Tensor], Tensor] = lambda x: x,
    ) -> None:
        super().__init__()
        self.model, self.before, self.behind = model, before, behind
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.behind(self.model(self.before(x)))
        return logits


class HardGate(nn.Module):
    """Hidden units that are on or off, with nothing between."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.model[1](self.model[0](x))
        logits: Tensor = self.model[3]((hidden > 0.3).to(x) + 0 * hidden)
        return logits


def _masked_pixels(x: Tensor) -> Tensor:
    mask = torch.bernoulli(torch.full_like(x[:1], 0.15))
    return x * mask + 0.4 * (1 - mask)


BUILT: dict[str, tuple[Callable[[nn.Module], nn.Module], set[str]]] = {
    "saturated logits": (
        lambda model: Around(model, behind=lambda logits: 3000 * logits),
        {"zero_gradients"},
    ),
    "quantised input": (
        lambda model: Around(model, before=lambda x: (10 * x).round() / 10),
        {"zero_gradients", "black_box", "transfer"},
    ),
    "hard gate": (HardGate, {"zero_gradients", "black_box", "transfer"}),
    "random mask": (lambda model: Around(model, before=_masked_pixels), {"expectation", "suite"}),
    "shattered by rounding": (
        lambda model: Around(model, before=lambda x: x + 0.02 * torch.sin(3000 * x)),
        {"black_box", "transfer"},
    ),
}


def bench(task: Any, model: nn.Module, ball: Ball) -> Bench:
    return Bench(model, task.images, task.labels, ball, Key(1), twin=task.twin, queries=500, few=8)


@pytest.mark.parametrize("name", list(BUILT))
def test_networks_built_to_be_masked(task: Any, ball: Ball, name: str) -> None:
    build, expected = BUILT[name]
    found = audit(bench(task, build(task.plain), ball))
    failed = {finding.check for finding in found.findings if finding.passed is False}
    assert found.verdict == MASKED, found.reasons()
    assert expected <= failed
    assert any(RULES[check].means in " ".join(found.reasons()) for check in expected)


@pytest.mark.parametrize(("name", "verdict"), [("robust", ROBUST), ("plain", UNDECIDED), ("twin", UNDECIDED)])
def test_networks_that_hide_nothing(task: Any, ball: Ball, name: str, verdict: str) -> None:
    found = audit(bench(task, getattr(task, name), ball))
    assert found.verdict == verdict, found.reasons()
    assert all(finding.passed is not False or finding.rule.failure == UNDECIDED for finding in found.findings)
    assert {finding.check for finding in found.findings} == set(RULES)
    assert found.standing <= found.withstood <= found.clean <= found.n == 80
    assert (found.reasons() == []) is (verdict == ROBUST)


@pytest.mark.parametrize(("few", "applies"), [(1, False), (2, True)])
def test_one_image_tells_nothing_of_an_attack_by_decisions(
    task: Any, ball: Ball, few: int, applies: bool
) -> None:
    found = CHECKS["decision"](replace(bench(task, task.plain, ball), few=few))
    assert (found.value is not None) is applies
    assert ("lucky" in found.note) is not applies


def test_every_rule_has_its_check_and_says_what_failure_means() -> None:
    assert set(CHECKS) == set(RULES)
    for rule in RULES.values():
        assert 0 <= rule.threshold < 0.3
        assert rule.failure in (MASKED, UNDECIDED)
        assert rule.means.endswith(".")


def _audit(*findings: Finding, standing: int = 60) -> Audit:
    return Audit(findings, n=80, clean=80, withstood=70, standing=standing, chance=0.25)


def test_the_verdict_by_hand() -> None:
    good, weak = Finding("noise", 0.05), Finding("steps", 0.06)
    assert _audit(good).verdict == ROBUST
    assert _audit(good).reasons() == []
    assert _audit(weak).verdict == UNDECIDED
    assert _audit(weak, Finding("noise", 0.06)).verdict == MASKED
    assert _audit(good, Finding("transfer", None, note="none given")).verdict == ROBUST
    # Nothing that applied could have found gradients that mislead.
    for useless in (Finding("transfer", None, note="none given"), Finding("steps", 0.05)):
        assert _audit(useless).verdict == UNDECIDED
        assert "No check applied" in _audit(useless).reasons()[0]
    assert _audit(good, standing=20).verdict == UNDECIDED
    # 27 of 80 is more than a quarter, but not beyond luck: its interval begins at 0.24.
    assert _audit(good, standing=27).verdict == UNDECIDED
    assert "no robustness to explain" in _audit(good, standing=20).reasons()[0]
    assert "more steps would fool more" in _audit(weak).reasons()[0]
    assert Finding("transfer", None, note="none given").sentence() == "transfer: not asked (none given)."


class Wavering(nn.Module):
    """A network with noise on its logits: honest, and undecided about many images."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.model(x)
        return logits + 4 * torch.randn(logits.shape)


def test_an_honest_network_that_wavers_is_not_masked_by_votes(task: Any) -> None:
    """In a ball where nothing can happen, noise and restarts find nothing, and nobody falls."""
    nothing = Ball(1e-6, Space.pixel(1))
    wavering = Bench(Wavering(task.robust), task.images, task.labels, nothing, Key(1), steps=2)
    found = audit(wavering, ["noise", "restarts", "single_step", "expectation"])
    values = {finding.check: finding.value for finding in found.findings}
    assert 20 < found.clean < 75
    assert values == {"noise": 0.0, "restarts": 0.0, "single_step": 0.0, "expectation": 0.0}
    assert found.standing == found.clean


def test_zero_gradients_hang_on_the_key_alone(task: Any, ball: Ball) -> None:
    class Half(nn.Module):
        """Passes its images on in every other pass."""

        def forward(self, x: Tensor) -> Tensor:
            kept = torch.bernoulli(torch.full_like(x[:, :, :1, :1], 0.5))
            logits: Tensor = task.robust(kept * x + (1 - kept) * x.detach())
            return logits

    values = set()
    for seed in range(4):
        torch.manual_seed(seed)
        subject = Bench(Half().eval(), task.images, task.labels, ball, Key(1), steps=2)
        values.add(audit(subject, ["zero_gradients"]).findings[0].value)
    assert len(values) == 1
    assert 0 < values.pop() < 1


def test_the_evidence_counts_images_that_were_wrong_already(task: Any, ball: Ball) -> None:
    wrong = task.labels.clone()
    wrong[:40] = (wrong[:40] + 1) % 4
    subject = Bench(task.robust, task.images, wrong, ball, Key(1), twin=task.plain, steps=2)
    for check in ("single_step", "noise", "transfer"):
        (finding,) = audit(subject, [check]).findings
        assert max(finding.evidence["accuracy under the reference and this"]) <= subject.clean.double().mean()


def test_what_does_not_apply_is_said(task: Any, ball: Ball) -> None:
    alone = Bench(task.plain, task.images[:8], task.labels[:8], ball)
    found = audit(alone, ["transfer", "softened_gate", "frozen_gate", "expectation"])
    assert [finding.value for finding in found.findings] == [None] * 4
    assert all(finding.note for finding in found.findings)


def test_refusals(task: Any, ball: Ball) -> None:
    with pytest.raises(ConfigError, match="checks of an audit: expected some of"):
        audit(Bench(task.plain, task.images, task.labels, ball), ["gates"])
    with pytest.raises(ConfigError, match="divide images of 0 to 255"):
        Bench(task.plain, 255 * task.images, task.labels, ball)
    with pytest.raises(ConfigError, match="training mode"):
        Bench(task.plain, task.images, task.labels, ball, twin=nn.Sequential(nn.Flatten(), nn.Linear(36, 4)))


def test_answers_that_are_no_logits_are_refused(task: Any, ball: Ball) -> None:
    pair = Around(task.plain, behind=lambda logits: (logits, logits))  # type: ignore[arg-type,return-value]
    half = Around(task.plain, behind=lambda logits: logits.bfloat16())
    for model, message in ((pair, "Around: expected it to return a tensor; got tuple"), (half, "bfloat16")):
        subject = Bench(model, task.images, task.labels, ball, steps=1)
        for ask in (
            lambda asked: audit(asked, ["steps"]),
            lambda asked: asked.stochastic,
            lambda asked: asked.classes,
        ):
            with pytest.raises(ConfigError, match=message):
                ask(subject)


def test_passes_are_no_larger_than_allowed_and_find_the_same(task: Any, ball: Ball) -> None:
    """Of all checks that judge images in many batches: noise, clean images, attacks by decisions."""
    sizes: list[int] = []
    model = Around(task.plain)
    model.register_forward_pre_hook(lambda module, given: sizes.append(len(given[0])))
    # Within a ball where nothing can happen there are images left to ask by decisions.
    small, checks, told = Ball(1e-3, Space.pixel(1)), ["zero_gradients", "noise", "decision"], []
    for most in (200, 9):
        sizes.clear()
        subject = Bench(model, task.images, task.labels, small, Key(1), steps=1, few=2, batch_size=most)
        told.append(audit(subject, checks))
        assert max(sizes) == most
    assert told[0] == told[1]


def test_a_wavering_network_is_judged_alike_in_any_batches(task: Any) -> None:
    def behind(logits: Tensor) -> Tensor:
        return logits + 9 * torch.randn(1, logits.shape[1])

    nothing, counts = Ball(1e-6, Space.pixel(1)), []
    for most in (100, 30):
        subject = Bench(Around(task.plain, behind=behind), task.images, task.labels, nothing, batch_size=most)
        counts.append(subject.clean.tolist())
    assert counts[0] == counts[1]
    assert len({*counts[0]}) == 2
