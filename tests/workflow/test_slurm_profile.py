"""What the profile for SLURM asks the queue for, in every attempt, where a site edits it and where not.

No SLURM is needed: `sbatch` writes down how it was called and refuses, so that all attempts are made at once.
"""

import re
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    not find_spec("snakemake_executor_plugin_slurm"), reason="needs what a cluster needs: make test-cluster"
)
# In the place of the real stages, which are quick beside the queue.
STUB = """\
import sys
from pathlib import Path

given = dict(zip(sys.argv[2::2], sys.argv[3::2]))
Path(given["--output"]).write_text("x")
Path(given["--output"]).with_suffix(".json").write_text("x")
"""
TOOLS = {
    "sbatch": 'echo "$@" >> calls\nexit 1\n',
    "sinfo": "",
    "squeue": "",
    "sacct": "exit 1\n",
    "scontrol": "echo 'MinJobAge = 300 sec'\n",
}
QUICK = ("--slurm-init-seconds-before-status-checks", "1")
TARGET = "demo/results/models/vgg16-baseline/seed1.history.csv"


@pytest.fixture(scope="module")
def site(new_project: Callable[[], Any]) -> Any:
    """A copy on a machine with a queue that refuses everything, and without a GPU."""
    project = new_project()
    (project.folder / "workflow/scripts/stage.py").write_text(STUB)
    (project.folder / "bin").mkdir()
    for name, script in TOOLS.items():
        (project.folder / "bin" / name).write_text(f"#!/bin/sh\n{script}")
        (project.folder / "bin" / name).chmod(0o755)
    return project


def calls(site: Any, *options: str) -> Iterator[dict[str, str]]:
    """What each call of sbatch asked for."""
    written = site.folder / "calls"
    written.unlink(missing_ok=True)
    path = f"{site.folder / 'bin'}:/usr/bin:/bin"
    command = ("-m", "snakemake", TARGET, "--workflow-profile", "profiles/slurm", *QUICK, *options)
    done = site.run(*command, PATH=path, FLEXNET_DOWNLOAD="0")
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stdout
    for line in written.read_text().splitlines():
        asked = line.split(" --wrap", 1)[0]
        yield dict(re.findall(r"(?<=\s)--?([a-z-]+)[ =]([^\s-]\S*)", asked))


def test_each_attempt_asks_for_a_gpu_and_for_more_memory_and_time(site: Any) -> None:
    asked = list(calls(site))
    assert [job["mem"] for job in asked] == ["8000", "16000", "24000", "24000", "24000"]
    assert [job["t"] for job in asked] == ["720", "1440", "1440", "1440", "1440"]  # of machine.yaml at most
    for job in asked:
        assert (job["p"], job["gpus"], job["cpus-per-task"], job["signal"]) == ("gpu", "1", "1", "TERM@120")
        assert job["output"].endswith("/logs/slurm/rule_train/demo__vgg16-baseline_1/%j.log")


def test_what_a_site_edits_reaches_the_queue(site: Any) -> None:
    machine, profile = "profiles/slurm/machine.yaml", "profiles/slurm/profile.yaml"
    with (
        site.edited(machine, "longest_job: 1440", "longest_job: 600"),
        site.edited(machine, "device: cuda", "device: cpu"),
        site.edited(profile, "partition: gpu", "partition: long"),
        site.edited(profile, "notice: 120", "notice: 300"),
        site.edited(profile, "retries: 4", "retries: 1"),
    ):
        first, second = calls(site)
    assert "gpus" not in first
    assert first["p"] == second["p"] == "long"
    assert first["t"] == second["t"] == "600"
    assert first["signal"] == "TERM@300"


def test_a_site_may_ask_for_its_gpus_by_their_own_name(site: Any) -> None:
    extra = """slurm_extra: ?f"--signal=TERM@{notice}"\n"""
    by_name = f"""{extra}    gres: gpu:a100:1\n    gpu: 0\n"""
    with site.edited("profiles/slurm/profile.yaml", extra, by_name):
        (only,) = calls(site, "--retries", "0")
    assert (only["gres"], "gpus" in only) == ("gpu:a100:1", False)


def test_what_is_typed_wins_over_the_profile(site: Any) -> None:
    (only,) = calls(site, "--retries", "0", "--config", "longest_job=30", "device=cpu")
    assert (only["t"], "gpus" in only) == ("30", False)


def test_the_profile_asks_squeue_how_jobs_are() -> None:
    """Of a job that sacct calls `CANCELLED by 0`, the plugin thinks that it runs, and waits for ever."""
    text = (ROOT / "profiles/slurm/profile.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(text)["slurm-status-command"] == "squeue"
