"""Progress: plain lines in a log, none lost, with what was done before counted apart."""

from pathlib import Path

import pytest

from flexnet.progress import Progress


def test_the_log_holds_plain_lines_up_to_the_last_unit(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Progress("job", 3, "epochs", log, seconds=0.0) as progress:
        for _ in range(3):
            progress.advance(1, "accuracy 0.5")
    lines = log.read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["job: 1/3 epochs", "job: 2/3 epochs", "job: 3/3 epochs"]
    assert lines[-1].endswith("0 s left accuracy 0.5")


def test_lines_are_sparse_but_the_last_one_is_written(tmp_path: Path) -> None:
    with Progress("job", 100, "steps", tmp_path / "log", seconds=1000.0) as progress:
        for _ in range(100):
            progress.advance()
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == 2
    assert lines[-1].startswith("job: 100/100 steps")


def test_units_of_an_earlier_job_do_not_count_into_the_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([0.0, 10.0])
    monkeypatch.setattr("flexnet.progress.time.monotonic", lambda: next(times))
    with Progress("job", 100, "epochs", tmp_path / "log", done=50) as progress:
        progress.advance(10)
    assert "job: 60/100 epochs, 10 s, 40 s left" in (tmp_path / "log").read_text()


def test_without_a_log_or_a_terminal_the_lines_go_to_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Progress("job", 1, "epochs") as progress:
        progress.advance()
    assert "job: 1/1 epochs" in capsys.readouterr().err
