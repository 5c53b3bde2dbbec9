"""A slip after --config or --configfile is one message, before Snakemake answers with a traceback."""

from pathlib import Path

import pytest

from flexnet.study.command import check_command


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("demo --config device = cpu", "got 'device'"),
        (
            "--config device=cpu figures/fig4d.pdf",
            "got 'figures/fig4d.pdf'; write them so, and targets",
        ),
        ("-C d=1", "got 'd=1'"),
        ("--config=device", "got 'device'"),
        ("demo --configfile no.yaml", "there is no file 'no.yaml'"),
        ("--configfile broken.yaml", "--configfile broken.yaml, line 2: expected a YAML file; got: "),
        ("--configfiles list.yaml", "expected keys with values, such as device: cpu; got list"),
        ("--configfile empty.yaml --cores 2", "got nothing"),
    ],
)
def test_a_slip_is_one_message(
    typed: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.yaml").write_text("threads: [1\n a: b\n")
    Path("list.yaml").write_text("- 1\n")
    Path("empty.yaml").touch()
    with pytest.raises(SystemExit) as stopped:
        check_command(typed.split())
    told = str(stopped.value)
    assert message in told
    assert told.startswith("flexnet: --config")
    assert "\n" not in told


@pytest.mark.parametrize(
    "typed",
    [
        "demo --cores 2",
        "demo --config device=cpu threads=2 --cores 2 no-entry",
        "--config data_mirror=/a=b scales={trial:{like:demo}}",
        "--configfile good.yaml --cores 2",
    ],
)
def test_what_snakemake_can_read_passes(typed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("good.yaml").write_text("device: cpu\n")
    check_command(typed.split())
