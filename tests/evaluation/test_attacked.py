"""PGD, the suite and the audit as families: which attack made which row, what it draws, whom it follows."""

import json
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from flexnet.attacks import Ball, Key, PgdOptions, Space, clamp_only, judge, pgd, pgd_space, suite
from flexnet.audit import Bench, audit
from flexnet.audit.told import audit_of
from flexnet.errors import ConfigError, DataError
from flexnet.evaluation import audit as auditing
from flexnet.evaluation import pgd as attacking
from flexnet.evaluation import suite as suites
from flexnet.evaluation.subject import Answer, Job, Subject
from flexnet.families.registry import family_of
from flexnet.networks.registry import build
from flexnet.options.iterated import SuiteOptions
from flexnet.problems import refuse
from flexnet.seeds import derive_seed
from flexnet.training.batches import DeviceImages
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun

IMAGES = torch.randint(0, 256, (30, 1, 12, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
UNIT = IMAGES.float() / 255
PGD: dict[str, Any] = {"space": "pixel", "clamp": "valid", "epsilons": [0.05], "steps": [3]}
SUITE: dict[str, Any] = {"space": "pixel", "clamp": "valid", "epsilons": [0.02], "parts": ["apgd-ce"]}
AUDIT: dict[str, Any] = {
    "space": "pixel",
    "clamp": "valid",
    "epsilon": 0.02,
    "steps": 4,
    "queries": 20,
    "few": 2,
}
QUICK = ["zero_gradients", "single_step", "noise", "transfer", "black_box", "steps"]


def network(seed: int = 0, **layer: Any) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        found = build("small", input_size=12, width=0.25, layer=layer or {"scheme": "conv"}).eval()
        for weights in found.parameters():  # as good as trained: it tells images apart
            weights.data = torch.randn_like(weights)
    return found


def subject(model: str = "m", seed: int = 1, **layer: Any) -> Subject:
    """A network that is right about all images, or about most if it draws."""
    options = {"input_size": 12, "width": 0.25, "layer": layer or {"scheme": "conv"}}
    run = TrainingRun(model, seed, "small", options, Recipe())
    found = network(**layer)
    with torch.no_grad():
        labels = found(UNIT).argmax(1)
    return Subject(found, run, DeviceImages(IMAGES, labels.clone()))


def answers(asked: Subject, rules: dict[str, Any], family: Any = attacking, batch: int = 100) -> list[Answer]:
    return list(family.evaluate(asked, rules, None, Job("paper", batch)))


def by(found: list[Answer], **conditions: Any) -> Tensor:
    """The outcome under some conditions; there is one."""
    (answer,) = [
        each for each in found if all(each.conditions[key] == value for key, value in conditions.items())
    ]
    assert answer.right is not None
    return answer.right


def key(asked: Subject, draw: int = 0) -> Key:
    return Key(derive_seed(0, "pgd", asked.run.seed), tuple(range(len(IMAGES))), draw)


def test_each_row_is_the_attack_that_it_says() -> None:
    asked = replace(subject(), others={"surrogate": network(seed=5)})
    rules = {**PGD, "epsilons": [0.01, 0.05], "steps": [1, 4], "step": 0.01, "verdicts": 2}
    rules |= {"scorings": ["last", "worst"], "draws": 2, "surrogate": "other"}
    found, labels = answers(asked, rules), asked.scored.labels
    assert len(found) == 2 * (1 + 2 * 2 * 2 * 2)
    for draw in (0, 1):
        assert by(found, attack="none", draw=draw).all()
    for epsilon, steps, scoring, attack, draw in product(
        (0.01, 0.05), (1, 4), ("last", "worst"), ("white", "black"), (0, 1)
    ):
        source = None if attack == "white" else asked.others["surrogate"]
        options = PgdOptions(steps=steps, step=0.01, scoring=scoring)
        ball = Ball(epsilon, Space.pixel(1))
        expected = pgd(asked.model, UNIT, labels, ball, options, key=key(asked, draw), source=source).fooled
        told = by(found, attack=attack, scoring=scoring, epsilon=epsilon, steps=steps, draw=draw)
        assert torch.equal(told, ~expected)
    # The worst iterate is never the better one, and the network's own gradient is worth more.
    for attack, steps in product(("white", "black"), (1, 4)):
        last, worst = (
            by(found, attack=attack, scoring=scoring, epsilon=0.05, steps=steps, draw=0)
            for scoring in ("last", "worst")
        )
        assert not (worst & ~last).any()
    own, other = (
        by(found, attack=name, scoring="worst", epsilon=0.05, steps=4, draw=0) for name in ("white", "black")
    )
    assert own.sum() < other.sum()


def test_the_released_clamp_alone_has_a_row_and_pixels_have_none() -> None:
    asked = subject()
    rules = {**PGD, "space": "normalised", "clamp": "squeezed", "start": "loose"}
    found = answers(asked, rules)
    ball = Ball(0.05, pgd_space(asked.model, "normalised", "squeezed"))
    expected = ~clamp_only(asked.model, UNIT, asked.scored.labels, ball).fooled
    assert torch.equal(by(found, attack="clamp"), expected)
    assert not expected.all()
    assert "clamp" not in {each.conditions["attack"] for each in answers(asked, PGD)}


def test_networks_of_a_seed_start_alike_and_repeats_and_seeds_do_not() -> None:
    rules = {**PGD, "steps": [1], "step": 1e-6, "draws": 3, "epsilons": [0.3]}
    first = answers(subject("a"), rules)
    assert [row.row() for row in first] == [row.row() for row in answers(subject("b"), rules)]
    outcomes = [by(first, attack="white", draw=draw) for draw in range(3)]
    outcomes.append(by(answers(subject(seed=2), rules), attack="white", draw=0))
    assert len({tuple(each.tolist()) for each in outcomes}) == 4


def test_an_image_starts_alike_in_batches_of_any_size() -> None:
    """Its start decides here, for the only step is far too small to lead away from it."""
    rules = {**PGD, "steps": [1], "step": 1e-6, "epsilons": [0.3], "start": "random"}
    few, all_at_once = (by(answers(subject(), rules, batch=size), attack="white") for size in (7, 100))
    assert 0 < int(few[7:].sum()) < len(few[7:])
    assert torch.equal(few, all_at_once)


def test_a_network_that_draws_is_attacked_and_judged_over_draws() -> None:
    asked = subject(scheme="random")
    labels = asked.scored.labels
    rules = {**PGD, "scorings": ["last", "worst"], "eot_draws": 3, "verdicts": 5}
    found = answers(asked, rules)
    clean = judge(asked.model, UNIT, labels, draws=5, key=key(asked))
    assert torch.equal(by(found, attack="none"), ~clean.fooled)
    options = PgdOptions(steps=3, scoring="worst", draws=3, verdicts=5)
    expected = pgd(asked.model, UNIT, labels, Ball(0.05, Space.pixel(1)), options, key=key(asked)).fooled
    assert torch.equal(by(found, attack="white", scoring="worst"), ~expected)
    assert [row.row() for row in found] == [row.row() for row in answers(asked, rules, batch=7)]


def test_thresholds_that_are_redrawn_differ_between_repeats_and_come_back() -> None:
    asked = subject(scheme="redrawn", rule="above")
    before = {name: value.clone() for name, value in asked.model.state_dict().items()}
    rules = {**PGD, "draws": 4}
    kept, drawn = (answers(asked, {**rules, "redraw": redraw}) for redraw in (False, True))
    assert len({tuple(by(kept, attack="none", draw=draw).tolist()) for draw in range(4)}) == 1
    assert len({tuple(by(drawn, attack="none", draw=draw).tolist()) for draw in range(4)}) == 4
    assert all(torch.equal(before[name], value) for name, value in asked.model.state_dict().items())


def test_the_suite_tells_what_each_attack_leaves() -> None:
    asked = subject()
    rules = {**SUITE, "epsilons": [0.003, 0.02], "l2_epsilons": [0.1], "parts": ["apgd-ce", "apgd-margin"]}
    found = answers(asked, rules, suites)
    names = [
        (each.conditions["attack"], each.conditions["norm"], each.conditions["epsilon"]) for each in found
    ]
    balls = [("linf", 0.003), ("linf", 0.02), ("l2", 0.1)]
    assert names == [("none", "linf", 0.0), *((name, *ball) for ball in balls for name in rules["parts"])]
    seed = Key(derive_seed(0, "suite", 1), tuple(range(30)))
    for norm, epsilon in balls:
        ball, options = Ball(epsilon, Space.pixel(1), norm), SuiteOptions(parts=tuple(rules["parts"]))
        expected = suite(asked.model, UNIT, asked.scored.labels, ball, options, key=seed)
        for name, left in expected.robust_accuracy.items():
            right = by(found, attack=name, norm=norm, epsilon=epsilon)
            assert float(right.double().mean()) == pytest.approx(left)
        assert torch.equal(right, ~expected.found.fooled)
    assert 0 < by(found, attack="apgd-margin", epsilon=0.003).sum() < 30
    assert all(each.measures["uncertain"] != each.measures["uncertain"] for each in found)


def test_a_network_that_draws_gets_the_attacks_that_average_and_says_what_is_open() -> None:
    asked = subject(scheme="random")
    found = answers(asked, {**SUITE, "parts": ["apgd-ce", "square"], "eot_draws": 2, "verdicts": 4}, suites)
    assert [each.conditions["attack"] for each in found] == ["none", "apgd-ce"]
    assert 0 <= found[-1].measures["uncertain"] <= 1
    # Four draws never exclude one half with 95 %, unless they all agree.
    assert found[-1].measures["uncertain"] > 0
    default = {key: value for key, value in SUITE.items() if key != "parts"}
    rules = {**default, "eot_draws": 2, "verdicts": 2}
    few = replace(asked, scored=DeviceImages(IMAGES[:2], asked.scored.labels[:2]))
    assert [each.conditions["attack"] for each in answers(few, rules, suites)] == [
        "none",
        "apgd-ce",
        "apgd-dlr",
    ]
    with pytest.raises(ConfigError, match="parts of the suite: expected one of .* got \\['square'\\]"):
        answers(few, {**rules, "parts": ["square"]}, suites)


def test_the_audit_in_rows_is_the_audit() -> None:
    twin = network(seed=5)
    asked = replace(subject(), others={"twin": twin})
    found = answers(asked, {**AUDIT, "checks": QUICK}, auditing)
    bench = Bench(
        asked.model, UNIT, asked.scored.labels, Ball(0.02, Space.pixel(1)),
        Key(derive_seed(0, "audit", 1)), steps=4, twin=twin, queries=20, few=2,
    )  # fmt: skip
    expected, told = audit(bench, QUICK), audit_of([each.row() for each in found])
    assert [each.check for each in told.findings] == QUICK
    for one, other in zip(told.findings, expected.findings, strict=True):
        assert one.value == pytest.approx(other.value)
        assert set(one.evidence) == set(other.evidence)
    for part in ("n", "clean", "withstood", "standing", "chance", "verdict"):
        assert getattr(told, part) == getattr(expected, part)
    counts = [int(each.right.sum()) for each in found if each.right is not None]
    assert counts == sorted(counts, reverse=True)


def test_a_model_row_may_say_how_far_its_audit_goes() -> None:
    asked = subject()
    rules = {**AUDIT, "checks": ["zero_gradients"]}
    (clean, near, _), (_, far, _) = (
        list(auditing.evaluate(asked, rules, told, Job("paper", 100)))
        for told in (None, {"epsilon": 0.3, "twin": "m"})
    )
    assert (near.conditions["epsilon"], far.conditions["epsilon"]) == (0.02, 0.3)
    assert near.right is not None
    assert far.right is not None
    assert far.right.sum() < near.right.sum()
    assert json.loads(clean.measures["evidence"]) == {"chance": [0.1]}
    with pytest.raises(ConfigError, match="audit: epsilon: expected at most 1"):
        list(auditing.evaluate(asked, rules, {"epsilon": 8}, Job("paper", 100)))


def test_rows_that_are_no_audit_are_refused() -> None:
    row = {"check": "clean", "n": 10, "correct": 9, "share": float("nan"), "evidence": '{"chance": [0.1]}'}
    reference = {**row, "check": "reference", "evidence": "{}"}
    assert audit_of([row, reference]).findings == ()
    with pytest.raises(DataError, match="expected clean, reference and checks among"):
        audit_of([row])
    with pytest.raises(DataError, match="got \\['gates'\\]"):
        audit_of([row, reference, {**row, "check": "gates"}])
    with pytest.raises(DataError, match="expected the evidence of noise as JSON; got 'much'"):
        audit_of([row, reference, {**row, "check": "noise", "evidence": "much"}])


@pytest.mark.parametrize(
    ("family", "rules", "message"),
    [
        ("pgd", {**PGD, "clamp": "squeezed"}, "clamp: expected 'valid', the only clamp"),
        ("pgd", {**PGD, "epsilons": [8]}, "epsilons.0: expected at most 1"),
        ("pgd", {**PGD, "epsilons": [0]}, "epsilons.0: expected a number above 0"),
        ("pgd", {**PGD, "scorings": ["last", "worst"]}, "verdicts: expected at least 2 with the scoring"),
        ("pgd", {**PGD, "steps": 20}, "steps: expected a list of numbers of steps"),
        ("pgd", {**PGD, "surrogate": 3}, "surrogate: expected the name of a model"),
        ("suite", {**SUITE, "parts": ["apgd"]}, "parts.0: expected one of"),
        ("suite", {**SUITE, "verdicts": 1}, "verdicts: expected a whole number of at least 2"),
        ("suite", {**SUITE, "epsilons": [3]}, "epsilons.0: expected at most 1"),
        ("audit", {**AUDIT, "checks": ["noise", "nose"]}, "checks.1: expected one of"),
        ("audit", {**AUDIT, "epsilon": 2}, "epsilon: expected at most 1"),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_named(family: str, rules: dict[str, Any], message: str) -> None:
    settings = family_of(family).settings
    assert settings is not None
    with pytest.raises(ConfigError) as caught:
        refuse(family, settings.problems(rules))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("family", "rules"), [(attacking, PGD), (suites, SUITE), (auditing, {**AUDIT, "checks": QUICK})]
)
def test_a_model_that_draws_in_secret_or_is_for_other_images_is_refused(
    family: Any, rules: dict[str, Any]
) -> None:
    asked = subject()
    wide = replace(asked, scored=DeviceImages(IMAGES.repeat(1, 3, 1, 1), asked.scored.labels))
    with pytest.raises(ConfigError, match="expected a model for images of 3 channels; got one for 1"):
        answers(wide, rules, family)
    asked.model.register_forward_hook(lambda module, inputs, output: output + torch.rand(10))
    with pytest.raises(ConfigError, match="m seed 1, protocol paper: expected the same logits"):
        answers(asked, rules, family)
