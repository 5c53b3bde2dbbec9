"""A job's failure reaches its user and its log, whatever it is."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from flexnet.errors import ConfigError, Stopped
from flexnet.jobs import read_settings, run_job


def stop(error: BaseException) -> None:
    raise error


def test_an_error_of_the_user_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "deep" / "job.log"
    assert run_job("job", str(log), lambda: stop(ConfigError("expected a; got b"))) == 1
    assert capsys.readouterr().err == log.read_text() == "job: error: expected a; got b\n"
    assert run_job("job", str(log), lambda: None) == 0
    assert log.read_text() == ""


@pytest.mark.parametrize("error", [ZeroDivisionError("by zero"), MemoryError("too much"), KeyError("x")])
def test_a_bug_keeps_its_traceback_and_leaves_it_in_the_log(
    error: Exception, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "job.log"
    with pytest.raises(type(error)):
        run_job("job", str(log), lambda: stop(error))
    message = capsys.readouterr().err
    assert message == f"job: stopped by {type(error).__name__}: {error}; the traceback is in {log}\n"
    text = log.read_text()
    assert text.startswith("Traceback (most recent call last):")
    assert "in stop" in text
    assert text.endswith(message)


def test_an_import_that_fails_reaches_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "job.log"
    with pytest.raises(ImportError):
        run_job("job", str(log), lambda: print(import_module("no_such_module_of_flexnet")))
    assert f"check that {sys.executable} has all that flexnet needs" in capsys.readouterr().err
    assert "No module named 'no_such_module_of_flexnet'" in log.read_text()


def test_a_full_disk_is_no_bug(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "job.log"
    assert run_job("job", str(log), lambda: stop(OSError(28, "No space left on device", "o.csv"))) == 1
    message = "job: error: [Errno 28] No space left on device: 'o.csv'; there was no room; nothing half-"
    assert capsys.readouterr().err.startswith(message)
    assert "Traceback" in log.read_text()


def test_a_log_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_job("job", str(tmp_path), lambda: stop(AssertionError())) == 1
    assert "--log: expected a file that can be written; got: [Errno" in capsys.readouterr().err


def test_an_import_that_fails_in_a_stage_reaches_its_log(tmp_path: Path) -> None:
    """A package that is there but broken, as after half an installation."""
    (tmp_path / "torch.py").write_text("raise OSError('libtorch.so: cannot open shared object file')\n")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from flexnet.stages.command import main\n"
        "sys.exit(main(['describe', '--settings', sys.argv[1], '--output', 'o.csv', '--log', 'l.log']))"
    )
    settings = '{"family": "description", "figure": "fig2", "protocol": "paper", "series": {}}'
    done = subprocess.run(
        [sys.executable, "-c", code, settings], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "flexnet describe: error: libtorch.so" in done.stderr
    log = (tmp_path / "l.log").read_text()
    assert "Traceback" in log
    assert "torch.py" in log


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "the key 'c' is there twice; remove one"),
        ("[" * 100_000, "expected a JSON object or @file"),
        ("@no/such\0file", "embedded null byte"),
        ("{'a': 1}", "Expecting property name"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match="--settings: expected a JSON object or @file; got ") as refused:
        read_settings(text)
    assert message in str(refused.value)


def test_a_settings_file_of_the_user_is_never_to_be_deleted(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(b"\xef\xbb\xbf" + b'{"a": "\xc3\xa9"}')
    assert read_settings(f"@{path}") == {"a": "é"}
    for content in (b'{"a": "\xe9"}', b"\x89PNG\r\n\x1a\n\0", b""):
        path.write_bytes(content)
        with pytest.raises(ConfigError, match="expected a JSON object or @file") as refused:
            read_settings(f"@{path}")
        assert "delete" not in str(refused.value)


def test_the_log_of_a_job_that_goes_on_goes_on_though_it_was_removed(tmp_path: Path) -> None:
    log, kept = tmp_path / "job.log", tmp_path / "models" / "seed1.checkpoint.log"
    stopped = "a: stopped after epoch 3"
    assert run_job("job", str(log), lambda: stop(Stopped(stopped)), kept=kept) == 1
    log.unlink()  # as Snakemake does before a job starts
    assert run_job("job", str(log), lambda: None, kept=kept) == 0
    assert log.read_text() == f"job: {stopped}\n"
    assert not kept.exists()
    assert run_job("job", str(log), lambda: None, kept=kept) == 0
    assert log.read_text() == ""  # another job begins another log


@pytest.mark.parametrize(("error", "status"), [(Stopped("a: stopped"), 1), (KeyboardInterrupt(), 130)])
def test_under_a_workflow_a_stopped_job_speaks_to_its_log_alone(
    error: BaseException,
    status: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = tmp_path / "job.log"
    monkeypatch.setenv("FLEXNET_PARENT", "elsewhere:1")
    assert run_job("job", str(log), lambda: stop(error)) == status
    assert capsys.readouterr().err == ""
    assert "stopped" in log.read_text()
    monkeypatch.delenv("FLEXNET_PARENT")
    assert run_job("job", str(log), lambda: stop(error)) == status
    assert "stopped" in capsys.readouterr().err
