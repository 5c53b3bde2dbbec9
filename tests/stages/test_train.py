"""Stage `train`: what it is told by the environment is checked like any other setting."""

from pathlib import Path
from typing import Any

import pytest

SETTINGS: dict[str, Any] = {
    **{"model": "m", "seed": 1, "network": "small", "options": {}, "recipe": {"epochs": 1}, "run_seed": 0}
}
FILES = ("training", "test", "subset", "weights", "history")


@pytest.mark.parametrize("value", ["abc", "-1", "nan", "inf", "1,5", "5s"])
def test_a_time_between_checkpoints_that_is_none_is_named(
    value: str, fails: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEXNET_CHECKPOINT_SECONDS", value)
    message = fails("train", SETTINGS, **{name: tmp_path / name for name in FILES})
    assert (
        f"FLEXNET_CHECKPOINT_SECONDS: expected a number of seconds, 0 or more; got {value!r}; set" in message
    )


@pytest.mark.parametrize("value", ["0", "2.5", "1e3", ""])
def test_any_other_is_taken(value: str, fails: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEXNET_CHECKPOINT_SECONDS", value)
    message = fails("train", SETTINGS, **{name: tmp_path / name for name in FILES})
    assert f"error: {tmp_path / 'subset'}" in message  # which is looked for next, and is not there


@pytest.mark.parametrize("value", ["gpu", "cpu:abc", "cuda:99", "cuda:x", "CPU", ""])
def test_a_device_that_is_not_there_is_named(
    value: str, fails: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEXNET_DEVICE", value)
    message = fails("train", SETTINGS, **{name: tmp_path / name for name in FILES})
    assert "device: expected one of [" in message
    assert f"on this machine; got {value!r}; use 'auto' or 'cpu'" in message


def test_a_recipe_is_refused_before_anything_is_read(fails: Any, tmp_path: Path) -> None:
    recipe = {"epochs": 9, "schedule": {"kind": "milestones", "epochs": [3, 9]}, "augment": [{"kind": "crp"}]}
    message = fails("train", {**SETTINGS, "recipe": recipe}, **{name: tmp_path / name for name in FILES})
    assert (
        "recipe.augment.0.kind: expected one of ['crop', 'flip', 'resized_crop']; got 'crp'; did" in message
    )
