"""Weights of other programs: taken over to the last bit, or refused by what is wrong with them."""

import hashlib
import pickle
import random
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from flexnet.errors import DataError
from flexnet.networks import build
from flexnet.options.checkpoint import CheckpointOptions
from flexnet.training.foreign import load_foreign

OPTIONS: dict[str, Any] = {"width": 0.25, "input_size": 12, "layer": {"scheme": "learned"}}
KEYS = ((r"^module\.", ""), (r"^conv(\d)", r"features.\1"), (r"^fc(\d)", r"head.\1"))


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build("small", **OPTIONS)


def theirs() -> dict[str, Tensor]:
    """The weights of a network under the names of another program."""
    named = {}
    for name, tensor in network(1).state_dict().items():
        if not name.startswith("normalise"):
            old = name.replace("features.", "conv").replace("head.", "fc")
            named[f"module.{old}"] = tensor.clone()
    return named


def saved(path: Path, content: Any, **how: Any) -> Path:
    torch.save(content, path, **how)
    return path


def taken(path: Path, **options: Any) -> nn.Module:
    model = network(2)
    load_foreign(path, CheckpointOptions(**{"file": "a.pt", "keys": KEYS, **options}), model)
    return model


def same(model: nn.Module) -> bool:
    expected = network(1).state_dict()
    return all(torch.equal(tensor, expected[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("entry", [None, "state_dict", "model_state_dict", "model"])
def test_weights_are_taken_over_to_the_last_bit(entry: str | None, zipped: bool, tmp_path: Path) -> None:
    content = theirs() if entry is None else {"epoch": 200, entry: theirs(), "best_prec1": 91.71}
    assert same(taken(saved(tmp_path / "a.pt", content, _use_new_zipfile_serialization=zipped)))


def test_safetensors_are_taken_over(tmp_path: Path) -> None:
    save_file(theirs(), tmp_path / "a.safetensors")
    assert same(taken(tmp_path / "a.safetensors"))


def test_an_entry_of_another_name_and_names_that_are_left_out(tmp_path: Path) -> None:
    weights = theirs() | {"module.ema.decay": torch.ones(3)}
    path = saved(tmp_path / "a.pt", {"net": weights, "model": {"other": torch.ones(1)}})
    assert same(taken(path, entry="net", ignore=(r"module\.ema\..*",)))


def test_finer_numbers_of_the_same_value_are_taken(tmp_path: Path) -> None:
    doubles = {name: tensor.double() for name, tensor in theirs().items()}
    assert same(taken(saved(tmp_path / "a.pt", doubles)))


def test_counts_of_batches_may_be_missing(tmp_path: Path) -> None:
    model = build("vgg16", width=0.05)
    weights = {name: tensor for name, tensor in model.state_dict().items() if "num_batches" not in name}
    path = saved(tmp_path / "a.pt", weights)
    load_foreign(path, CheckpointOptions(file="a.pt"), build("vgg16", width=0.05))


class Evil:
    """Writes a file when it is unpickled."""

    def __reduce__(self) -> Any:
        return (Path.touch, (Path("ran"),))


NAME = "module.fc1.weight"
SHAPE = tuple(theirs()[NAME].shape)
WRONG: dict[str, tuple[Any, dict[str, Any], str]] = {
    "a tensor is missing": ("drop", {}, r"missing: head.1.weight; mend the keys"),
    "a tensor is left over": ({"module.more": torch.ones(1)}, {}, r"left over: more; mend the keys"),
    "two names lead to one": ({"fc1.weight": torch.ones(SHAPE)}, {}, "'module.fc1.weight' and 'fc1.weight'"),
    "no name is mapped": ({}, {"keys": ()}, r"missing: features.0.weight.*left over: module.conv0"),
    "another shape": ({NAME: torch.ones(3, 3)}, {}, r"head.1.weight: expected the shape .*; got \(3, 3\)"),
    "transposed": ({NAME: torch.ones(SHAPE[::-1])}, {}, "head.1.weight: expected the shape"),
    "whole numbers": ({NAME: torch.ones(SHAPE).long()}, {}, "expected torch.float32; got torch.int64"),
    "not a number": (
        {NAME: torch.full(SHAPE, torch.nan)},
        {},
        r"expected finite values; got ([\d,]+) of \1 that are NaN",
    ),
    "finer numbers": ({NAME: torch.full(SHAPE, 0.1, dtype=torch.float64)}, {}, "finer ones of torch.float64"),
    "sparse": ({NAME: torch.zeros(SHAPE).to_sparse()}, {}, "expected numbers of usual types"),
    "without data": ({NAME: torch.zeros(SHAPE, device="meta")}, {}, "expected numbers of usual types"),
    "of eight bits": ({NAME: torch.zeros(SHAPE).to(torch.float8_e4m3fn)}, {}, "numbers of usual types"),
    "complex": ({NAME: torch.zeros(SHAPE, dtype=torch.complex64)}, {}, "numbers of usual types"),
    "one number for many": (
        {NAME: torch.zeros(1).expand(10**6, 10**6)},
        {},
        "head.1.weight: expected the shape",
    ),
    "no such entry": ({}, {"entry": "modl"}, "expected an entry 'modl'"),
    "no tensors": (
        {NAME: [1.0]},
        {},
        r"expected tensors by their names; got dict with \['module.fc1.weight'\]",
    ),
    "another file": ({}, {"sha256": "0" * 64}, "expected a file of sha256 000"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_not_the_network_is_refused(wrong: str, tmp_path: Path) -> None:
    change, options, message = WRONG[wrong]
    weights = theirs()
    if change == "drop":
        del weights[NAME]
    else:
        weights |= change
    path = saved(tmp_path / "a.pt", weights)
    with pytest.raises(DataError, match=f"(?s){message}") as caught:
        taken(path, **options)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [torch.ones(3), [1, 2], "text", {}, None])
def test_a_file_of_something_else_is_refused(content: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected tensors by their names"):
        taken(saved(tmp_path / "a.pt", content))


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_file_is_refused_and_not_run(
    zipped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = saved(tmp_path / "a.pt", theirs() | {"more": Evil()}, _use_new_zipfile_serialization=zipped)
    with pytest.raises(DataError, match="expected tensors, numbers and texts alone.*was not run"):
        taken(path)
    (tmp_path / "b.pt").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(DataError, match=r"b\.pt"):
        taken(tmp_path / "b.pt")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("kept", [0.0, 0.01, 0.5, 0.99])
@pytest.mark.parametrize("name", ["a.pt", "old.pt", "a.safetensors"])
def test_a_cut_off_file_is_refused(name: str, kept: float, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "a.safetensors":
        save_file(theirs(), path)
    else:
        saved(path, theirs(), _use_new_zipfile_serialization=name == "a.pt")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(DataError, match=name):
        taken(path)


def test_an_archive_that_unfolds_is_refused(tmp_path: Path) -> None:
    saved(tmp_path / "a.pt", theirs())
    with zipfile.ZipFile(tmp_path / "a.pt") as plain, zipfile.ZipFile(tmp_path / "b.pt", "w") as packed:
        for part in plain.infolist():
            packed.writestr(part.filename, plain.read(part), compress_type=zipfile.ZIP_DEFLATED)
    with pytest.raises(DataError, match="compressed or overlapping"):
        taken(tmp_path / "b.pt")


def test_the_file_that_was_meant_is_taken_and_a_missing_one_named(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pt", theirs())
    assert same(taken(path, sha256=hashlib.sha256(path.read_bytes()).hexdigest()))
    with pytest.raises(DataError, match=r"none\.pt: expected a file of weights; got: No such file"):
        taken(tmp_path / "none.pt")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"file": 3}, "file: expected the name of a file; got 3"),
        ({"file": "a.npz"}, r"file: expected a file that ends in one of .safetensors, .pt"),
        ({"file": "a.pt", "keys": [["(", ""]]}, "expected a regular expression"),
        ({"file": "a.pt", "keys": [["a", r"\1"]]}, "keys.0: expected groups of the pattern"),
        ({"file": "a.pt", "keys": [["(a)", r"\g<3>"]]}, "keys.0: expected groups of the pattern"),
        ({"file": "a.pt", "keys": [["(a)", r"\10"]]}, "keys.0: expected groups of the pattern"),
        ({"file": "a.pt", "keys": [["(a)", r"\g<b>"]]}, "keys.0: expected groups of the pattern"),
        ({"file": "a.pt", "keys": [["a", r"\q"]]}, "keys.0: expected groups of the pattern"),
        ({"file": "a.pt", "keys": [["a", "\\"]]}, "keys.0: expected groups of the pattern"),
        ({"file": "a.pt", "keys": ["a"]}, "keys.0: expected a pair of texts"),
        ({"file": "a.pt", "keys": {"a": "b"}}, "keys: expected a list of pairs"),
        ({"file": "a.pt", "ignore": ["*"]}, "ignore.0: expected a regular expression"),
        ({"file": "a.pt", "sha256": "abc"}, "sha256: expected 64 hexadecimal digits"),
        ({"file": "a.pt", "epoch": -1}, "epoch: expected a whole number"),
        ({"file": "a.pt", "kys": {}}, "unknown key 'kys'.*did you mean 'keys'"),
        ({}, "expected the key 'file' as well"),
    ],
)
def test_a_row_that_cannot_be_read_is_refused(options: dict[str, Any], message: str) -> None:
    problems = list(map(str, CheckpointOptions.problems(options)))
    assert len(problems) == 1
    assert re.search(message, problems[0]), problems


@pytest.mark.parametrize("zipped", [True, False])
def test_flipped_bytes_are_refused_or_change_weights_alone(zipped: bool, tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pt", theirs(), _use_new_zipfile_serialization=zipped)
    content, chosen = path.read_bytes(), random.Random(0)
    refused = 0
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(chosen.choice((1, 40))):
            damaged[chosen.randrange(len(damaged))] ^= 1 << chosen.randrange(8)
        path.write_bytes(damaged)
        try:
            taken(path)
        except DataError as error:
            refused += str(path) in str(error)
    assert refused > 20
