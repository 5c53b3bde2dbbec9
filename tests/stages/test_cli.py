"""The command line: settings, usage, help."""

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

import pytest

from flexnet.data.arrays import load_arrays
from flexnet.files import write_json
from flexnet.stages.command import STAGES, main, make_parser

Call = Callable[..., int]
Fails = Callable[..., str]


@pytest.mark.parametrize("stage", STAGES)
def test_missing_settings_are_named(stage: str, fails: Fails, tmp_path: Path) -> None:
    first, *others = "none", *STAGES[stage].settings
    files = {name: tmp_path / name for name in STAGES[stage].files}
    message = fails(stage, {first: "x"}, **files)
    assert f"--settings: expected the keys {others} as well; got ['{first}']" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{'dataset': 1}", "--settings: expected a JSON object or @file; got \"{'dataset': 1}\": Expecting"),
        ("", "--settings: expected a JSON object or @file; got '': Expecting value"),
        ("[1]", "--settings: expected a JSON object; got list"),
        ("@no/such/file", "--settings: expected a JSON object or @file; got '@no/such/file': [Errno 2]"),
    ],
)
def test_settings_that_are_no_json_object_are_shown(
    text: str, message: str, fails: Fails, tmp_path: Path
) -> None:
    assert message in fails("data", text, output=tmp_path / "x.safetensors")


def test_settings_may_come_from_a_file(call: Call, tmp_path: Path) -> None:
    write_json(tmp_path / "s.json", {"dataset": "shapes", "split": "test", "options": {"n": 10, "size": 16}})
    assert call("data", f"@{tmp_path / 's.json'}", output=tmp_path / "x.safetensors") == 0
    assert load_arrays(tmp_path / "x.safetensors").images.shape == (10, 3, 16, 16)


def test_wrong_usage_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["trian"])
    assert "invalid choice: 'trian' (choose from" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["data", "--settings", "{}"])
    assert "the following arguments are required: --output" in capsys.readouterr().err


def test_help_names_every_stage_and_the_settings_of_each(capsys: pytest.CaptureFixture[str]) -> None:
    parser: ArgumentParser = make_parser()
    text = " ".join(parser.format_help().split())
    assert all(f"{name} {stage.summary}" in text for name, stage in STAGES.items())
    for name, stage in STAGES.items():
        with pytest.raises(SystemExit, match="0"):
            parser.parse_args([name, "--help"])
        text = " ".join(capsys.readouterr().out.split())
        assert f"JSON or @file, with {', '.join(stage.settings)}" in text
