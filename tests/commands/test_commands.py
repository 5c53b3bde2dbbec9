"""The commands that people type: what they print and write, what they refuse."""

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import flexnet
from flexnet.cli import COMMANDS, main
from flexnet.corruptions import NAMES
from flexnet.statistics.intervals import wilson_interval

Run = Callable[..., str]
Fails = Callable[..., str]
OWN = """
from torch import nn


class Dark(nn.Module):
    '''Says 1 of images that are darker than half, else 0.'''

    def __init__(self, classes):
        super().__init__()
        self.level = nn.Parameter(torch.tensor(0.5))
        self.classes = classes

    def forward(self, images):
        dark = self.level - images.mean((1, 2, 3))
        return torch.stack([-dark, dark, *[dark * 0 - 9] * (self.classes - 2)], dim=1)


def dark(*, classes, channels, input_size):
    return Dark(classes)


class Other(Dark):
    '''Answers in other ways.'''

    def __init__(self, classes, answer):
        super().__init__(classes)
        self.answer = answer

    def forward(self, images):
        return self.answer(super().forward(images))


def twice(*, classes, channels, input_size):
    return Other(classes, lambda logits: (logits, logits))


def picky(*, classes, channels, input_size):
    def refuse(logits):
        raise ValueError("no such size")

    return Other(classes, refuse)
"""


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLEXNET_DEVICE", "cpu")
    for variable in ("FLEXNET_DATA_MIRROR", "FLEXNET_TORCHVISION_ROOT"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def do(*words: str) -> str:
        capsys.readouterr()
        status = main(list(words))
        told = capsys.readouterr()
        assert status == 0, told.err
        return told.out

    return do


@pytest.fixture
def fails(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Fails:
    """Run a command that must fail cleanly; return its message."""

    def do(*words: str) -> str:
        before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
        capsys.readouterr()
        assert main(list(words)) == 1
        out, err = capsys.readouterr()
        assert (out, err.count("error: "), "Traceback" in err) == ("", 1, False)
        assert err.startswith(f"flexnet {words[0]}: error: ")
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
        return err

    return do


@pytest.fixture
def grey() -> str:
    """40 grey images of one shade each, the darker half of class 1, but for three that are mislabelled."""
    shades = np.linspace(20, 235, 40).astype(np.uint8)
    labels = (shades < 128).astype(np.int64)
    labels[:3] = 0
    images = np.broadcast_to(shades[:, None, None], (40, 16, 16))
    np.savez("grey.npz", images=images, labels=labels)
    return "grey.npz"


@pytest.fixture
def dark(request: pytest.FixtureRequest) -> str:
    """A network of the user's own, in a module whose name no other test has."""
    module = f"own_{abs(hash(request.node.nodeid))}"
    Path(f"{module}.py").write_text(f"import torch\n{OWN}")
    return f"{module}.dark"


def test_help_speaks_of_commands_and_puts_stages_behind_one_word(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert all(f"{name} {summary}" in text for name, summary in COMMANDS.items())
    assert "stage one job of the study" in text
    assert "import_weights" not in text
    with pytest.raises(SystemExit, match="0"):
        main(["stage", "--help"])
    assert "import_weights" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["juge"], ["judge", "a.b", "shapes", "--sed", "1"], ["corrupt", "shapes"]])
def test_wrong_usage_is_status_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert "usage: flexnet" in capsys.readouterr().err


def test_a_network_of_ones_own_is_judged_as_arithmetic_says(run: Run, grey: str, dark: str) -> None:
    told = run("judge", dark, grey, "--epsilons", "0", "8/255", "--output", "rows.csv")
    low, high = wilson_interval(37, 40)
    lines = [re.split("  +", line.strip()) for line in told.splitlines()]
    assert lines[2] == ["clean", "92.5 %", f"[{100 * low:.1f}, {100 * high:.1f}]", "37 of 40", "1"]
    assert [line[0] for line in lines[3:]] == [
        f"{done}, epsilon 8/255" for done in ("fgsm", "uniform noise", "gaussian noise")
    ]
    rows = list(csv.DictReader(Path("rows.csv").read_text().splitlines()))
    found = {(row["under"], row["noise"], row["epsilon"], row["draw"]): int(row["correct"]) for row in rows}
    assert found["fgsm", "", "0.0", "0"] == 37
    # Every pixel moves by 8 towards the other side of 127.5: those within 8 of it are lost.
    shades = np.linspace(20, 235, 40).astype(np.uint8)
    near = int((np.abs(shades - 127.5) < 8).sum())
    assert found["fgsm", "", str(8 / 255), "0"] == 37 - near < 37
    assert {row["noise"] for row in rows if row["under"] == "noise"} == {"uniform", "gaussian"}
    assert {row["draw"] for row in rows if row["under"] == "noise"} == set("01234")


def test_weights_of_ones_own_are_put_into_it(run: Run, fails: Fails, grey: str, dark: str) -> None:
    torch.save({"level": torch.tensor(1.0)}, "all-dark.pt")
    told = run("judge", dark, grey, "--weights", "all-dark.pt", "--under", "fgsm", "--epsilons", "0")
    assert " 17 of 40 " in told  # every image is called dark, and so many are labelled so
    torch.save({"levels": torch.tensor(1.0)}, "other.pt")
    assert "missing: level" in fails("judge", dark, grey, "--weights", "other.pt")
    torch.save(nn.Linear(2, 2), "code.pt")
    assert "which was not run" in fails("judge", dark, grey, "--weights", "code.pt")


def test_saved_weights_are_judged_on_a_dataset_by_name(run: Run) -> None:
    options: dict[str, Any] = {"width": 0.05, "input_size": 32}
    flexnet.save_model("m.safetensors", flexnet.build("vgg16", **options), "vgg16", options)
    words = ("judge", "m.safetensors", "shapes", "--n", "20", "--under", "fgsm", "--epsilons", "1/255")
    told = run(*words)
    assert told == run(*words)
    assert told.splitlines()[0] == "m.safetensors: 20 images of shapes, seed 0"
    assert [line.split("  ")[1] for line in told.splitlines()[2:]] == ["clean", "fgsm, epsilon 1/255"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nothing.safetensors", "grey.npz"), "nothing.safetensors: expected the weights file of a"),
        (("nothing", "grey.npz"), "model: expected a file that ends in .safetensors or a dotted path"),
        (("no.such", "grey.npz"), "expected a Python file no.py for 'no.such'"),
        (("DARK", "nothing.npz"), "nothing.npz: expected arrays `images` and `labels`"),
        (("DARK", "nothing.safetensors"), "expected image arrays in nothing.safetensors"),
        (("DARK", "mnits"), "expected a dataset among"),
        (("DARK", "shapes:tset"), "tset"),
        (("DARK", "grey.npz", "--n", "41"), "--n: expected 1 to 40, the images of grey.npz; got 41"),
        (("DARK", "grey.npz", "--n", "0"), "--n: expected 1 to 40"),
        (("DARK", "grey.npz", "--seed", "-1"), "--seed: expected 0 or a greater whole number; got -1"),
        (("DARK", "grey.npz", "--output", "."), "--output: expected a file; got the folder .; name a file"),
        (("DARK", "grey.npz", "--output", "new/"), "--output: expected a file; got the folder new/"),
        (("DARK", "grey.npz", "--output", "grey.npz/a.csv"), "--output: expected a place that can be writ"),
        (("model.pth", "grey.npz"), "model: expected a network; got 'model.pth', a file of weights that"),
        (("DARK:tuple", "grey.npz"), "twice: expected it to return a tensor; got tuple; wrap the model so"),
        (("DARK:picky", "grey.npz"), "expected a network for images of shape (1, 16, 16); got: ValueError"),
        (("DARK", "grey.npz", "--epsilons", "2"), "--epsilons: expected numbers from 0 to 1"),
        (
            ("DARK", "grey.npz", "--epsilons", "x"),
            "expected a number such as 0.03 or 8/255; got 'x'",
        ),
        (("DARK", "grey.npz", "--epsilons", "nan"), "--epsilons: expected a number"),
    ],
)
def test_what_cannot_be_judged_is_told(
    words: tuple[str, ...], message: str, fails: Fails, grey: str, dark: str
) -> None:
    told = {"DARK": dark, "DARK:tuple": f"{dark[:-5]}.twice", "DARK:picky": f"{dark[:-5]}.picky"}
    for command in ("judge", "audit") if {"--seed", "--output"} & {*words} else ("judge",):
        assert message in fails(command, *(told.get(word, word) for word in words))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": np.zeros((4, 3, 16, 16), np.uint8)}, "in uint8; got uint8 of shape (4, 3, 16, 16)"),
        ({"images": np.zeros((4, 16, 16), np.float32)}, "in uint8; got float32"),
        ({"images": np.zeros((0, 16, 16), np.uint8), "labels": np.zeros(0, int)}, "expected images of shape"),
        ({"labels": np.zeros(3, int)}, "expected 4 labels"),
        ({"labels": np.full(4, -1)}, "whole numbers from 0"),
        ({"labels": np.array([0, 1, 0, 10**12])}, "whole numbers from 0 to 99999"),
        ({"labels": np.zeros(4)}, "whole numbers from 0 to 99999; got float64"),
        ({"labels": np.array(["a"] * 4, object)}, "expected arrays `images` and `labels`"),
    ],
)
def test_arrays_of_another_layout_are_refused(
    change: dict[str, Any], message: str, fails: Fails, dark: str
) -> None:
    arrays = {"images": np.zeros((4, 16, 16), np.uint8), "labels": np.array([0, 1, 0, 1])} | change
    np.savez("mine.npz", **arrays)
    assert message in fails("judge", dark, "mine.npz")
    assert message in fails("corrupt", "mine.npz", "set")


def test_networks_for_other_images_or_fewer_classes_are_refused(fails: Fails, dark: str) -> None:
    options: dict[str, Any] = {"width": 0.05, "input_size": 32, "classes": 4}
    flexnet.save_model("m.safetensors", flexnet.build("vgg16", **options), "vgg16", options)
    assert "expected logits (N, 10 or more)" in fails("judge", "m.safetensors", "shapes", "--n", "5")
    np.savez("grey.npz", images=np.zeros((4, 32, 32), np.uint8), labels=np.zeros(4, int))
    assert "channel" in fails("judge", "m.safetensors", "grey.npz")
    assert "expected none beside m.safetensors" in fails(
        "judge", "m.safetensors", "grey.npz", "--weights", "x.pt"
    )
    np.savez("wide.npz", images=np.zeros((4, 16, 32), np.uint8), labels=np.zeros(4, int))
    assert "images: expected square ones; got 16 x 32" in fails("judge", dark, "wide.npz")


def test_a_corrupted_set_is_written_as_other_tools_read_it(run: Run, grey: str) -> None:
    told = run("corrupt", grey, "set", "--corruptions", "contrast", "fog", "--n", "10", "--seed", "3")
    assert told == "set: 2 corruptions of 10 images of grey.npz\n"
    labels, contrast = np.load("set/labels.npy"), np.load("set/contrast.npy")
    assert contrast.shape == (50, 16, 16, 1)
    assert (labels.reshape(5, 10) == labels[:10]).all()
    chosen = np.sort(np.random.default_rng(3).choice(40, 10, replace=False))
    images = torch.from_numpy(np.load(grey)["images"][chosen][:, None])
    for severity in (1, 5):
        expected = flexnet.corrupt(images, "contrast", severity, seed=3).permute(0, 2, 3, 1).numpy()
        assert np.array_equal(contrast[10 * (severity - 1) : 10 * severity], expected)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--corruptions", "fgo"), "did you mean 'fog'?"),
        (("--corruptions", "fog", "fog"), "--corruptions: expected different names"),
    ],
)
def test_a_wrong_wish_for_corruptions_leaves_nothing(
    words: tuple[str, ...], message: str, fails: Fails, grey: str
) -> None:
    assert message in fails("corrupt", grey, "set", *words)


def test_images_that_are_too_small_leave_nothing(fails: Fails) -> None:
    np.savez("small.npz", images=np.zeros((1, 12, 12), np.uint8), labels=np.zeros(1, int))
    message = fails("corrupt", "small.npz", "set")
    assert "images: expected at least 16 x 16 pixels; got 12 x 12" in message


def test_nothing_is_written_over(fails: Fails, grey: str) -> None:
    Path("set").mkdir()
    assert "expected no folder set; there is one" in fails("corrupt", grey, "set")


def test_all_nineteen_are_made_of_colour_images(run: Run) -> None:
    run("corrupt", "shapes", "set", "--n", "2")
    assert {path.stem for path in Path("set").glob("*.npy")} == {*NAMES, "labels"}
