"""`flexnet audit` on networks whose truth is known: what it prints and writes, and what it refuses."""

import csv
import re
from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np
import pytest

from flexnet.audit.told import audit_of
from flexnet.commands.audit import add_arguments, run
from flexnet.errors import ConfigError, FlexnetError

OWN = """
import torch
from torch import nn


class Dark(nn.Module):
    '''Says 1 of images that are darker than half, else 0; perhaps of rounded ones.'''

    def __init__(self, rounded):
        super().__init__()
        self.level, self.rounded = nn.Parameter(torch.tensor(0.5)), rounded

    def forward(self, images):
        if self.rounded:
            images = (4 * images).round() / 4 + 0 * images
        dark = 4 * (self.level - images.mean((1, 2, 3)))
        return torch.stack([-dark, dark], dim=1)


def dark(*, classes, channels, input_size):
    return Dark(False)


def rounded(*, classes, channels, input_size):
    return Dark(True)


def wide(*, classes, channels, input_size):
    return nn.Sequential(nn.Flatten(), nn.Linear(7, classes))
"""
QUICK = ("zero_gradients", "single_step", "noise", "transfer", "epsilon", "steps", "restarts")


@pytest.fixture
def own(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of networks whose name no other test has, and beside it grey images, dark ones of class 1."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLEXNET_DEVICE", "cpu")
    module = f"own_{abs(hash(request.node.nodeid))}"
    Path(f"{module}.py").write_text(OWN)
    shades = np.linspace(20, 235, 40).astype(np.uint8)
    images = np.broadcast_to(shades[:, None, None], (40, 16, 16))
    np.savez("grey.npz", images=images, labels=(shades < 128).astype(np.int64))
    return module


def typed(*words: str) -> Namespace:
    parser = ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(words)


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    run(typed(*words))
    return capsys.readouterr().out


def test_a_network_that_hides_nothing_is_robust(own: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = (f"{own}.dark", "grey.npz", "--epsilon", "8/255", "--steps", "5", "--checks", *QUICK)
    told = asked(capsys, *words, "--output", "rows.csv")
    # 40 shades 5.5 levels apart: three of them lie within 8 levels of the border at half.
    assert "linf ball of 8/255: robust. Of 40 images 40 are right without an attack, 37 under PGD" in told
    assert "37 under everything (95 %: 80.1 to 97.4 %)" in told
    assert re.search(r"transfer +– +5 % +not asked +no other network was given", told)
    assert re.search(r"zero_gradients +0.0 % +5 % +images that are answered", told)
    assert "Not asked or not applicable, so that robust says less: transfer, black_box, decision," in told
    with Path("rows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["check"] for row in rows] == ["clean", "reference", *QUICK]
    assert audit_of(rows).verdict == "robust"
    assert [int(row["correct"]) for row in rows[:2]] == [40, 37]


@pytest.mark.parametrize(
    ("words", "told"), [((), "linf ball of 8/255"), (("--norm", "l2"), "l2 ball of 0.5")]
)
def test_each_norm_has_a_size_of_its_own(
    own: str, words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The size of the one would be next to nothing in the other."""
    assert told in asked(capsys, f"{own}.dark", "grey.npz", "--steps", "2", "--checks", "single_step", *words)


def test_a_network_that_rounds_its_input_is_masked_and_the_reason_is_told(
    own: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (f"{own}.rounded", "grey.npz", "--epsilon", "0.1", "--steps", "4", "--n", "30")
    told = asked(capsys, *words, "--twin", f"{own}.dark", "--checks", "zero_gradients", "transfer")
    assert "30 images of grey.npz" in told
    assert "linf ball of 0.1: masked" in told
    assert "The gradient vanishes, so attacks that follow it stand still" in told
    assert "A stranger's gradient works better than its own" in told
    assert told.count("fails: masked") == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--epsilon", "8:255"), "--epsilon: expected a number such as 0.03 or 8/255; got '8:255'"),
        (("--epsilon", "8"), "epsilon: expected at most 1, the whole range"),
        (("--epsilon", "0"), "epsilon: expected a number above 0"),
        (("--checks", "noise", "gates"), "checks.1: expected one of"),
        (("--steps", "0"), "steps: expected a whole number of at least 1"),
        (("--n", "41"), "--n: expected 1 to 40"),
        (("--twin", "{own}.wide"), "expected a network for images of shape"),
        (("--twin", "{own}.lost"), "expected 'lost' to be defined"),
    ],
)
def test_what_is_not_allowed_is_named(own: str, words: tuple[str, ...], message: str) -> None:
    with pytest.raises(FlexnetError) as caught:
        run(typed(f"{own}.dark", "grey.npz", *(word.format(own=own) for word in words)))
    assert isinstance(caught.value, ConfigError)
    assert message in str(caught.value)


def test_at_most_a_hundred_images_are_asked_about_unless_more_are_wanted(
    own: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with np.load("grey.npz") as grey:
        many = {name: np.concatenate([grey[name]] * 3) for name in ("images", "labels")}
    np.savez("many.npz", **many)
    words = (f"{own}.dark", "many.npz", "--steps", "1", "--checks", "zero_gradients")
    assert ": 100 images of many.npz" in asked(capsys, *words)
    assert ": 120 images of many.npz" in asked(capsys, *words, "--n", "120")
