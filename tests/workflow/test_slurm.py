"""A figure through a real SLURM, whose daemons run on this machine for these tests alone.

Its three GPUs are none. One run of the workflow meets all that goes wrong on a cluster at once: a training
job is cancelled, one is put back into the queue, one runs out of time, one fails for a reason of its own.
"""

import csv
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
ETC = Path("/etc/slurm")  # srun looks nowhere else: the plugin takes SLURM_CONF away from it
MARK = "# Written by a test of flexnet, which removes it at its end.\n"
# No authentication, no accounting, no cgroups; more processors than there are, so that only GPUs are scarce.
CONF = (
    MARK
    + """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort={first_port}
SlurmdPort={second_port}
AuthType=auth/none
CredType=cred/none
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
SchedulerType=sched/builtin
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
MinJobAge=600
KillWait=60
GresTypes=gpu
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
NodeName={host} NodeAddr=127.0.0.1 CPUs=32 RealMemory=256000 Gres=gpu:none:{gpus} State=UNKNOWN
PartitionName=gpu Nodes={host} MaxTime=1440 State=UP
"""
)
DEVICES = ("/dev/null", "/dev/zero", "/dev/full")
SCALE = """\
threads: 1
note: Made by a test.
datasets:
  cifar10: { source: shapes32, per_class: 20, test_per_class: 10 }
recipes:
  vgg: { epochs: 24, batch_size: 50, learning_rate: 0.02, evaluate_every: 24 }
models:
  vgg16-baseline: { seeds: 1, options: { width: 0.0625 } }
protocols:
  paper: { fgsm: { epsilons: [0, 0.1], draws: 2 } }
"""
MODELS = ("vgg16-baseline", "vgg16-flexible", "vgg16-random")
FIGURE = "tiny/figures/fig4d.pdf"
# Diverges in its first epoch, so that what needs its weights is never asked for.
BROKEN = "broken/results/fgsm/paper/vgg16-baseline/seed1.csv"
PROFILE = ("--workflow-profile", "profiles/slurm")
# Snakemake, but it asks SLURM every two seconds how its jobs are, and not ever more seldom.
SNAKEMAKE = """\
from snakemake.cli import main
from snakemake_executor_plugin_slurm import Executor

Executor.next_seconds_between_status_checks = property(lambda self: 2, lambda self, seconds: None)
main()
"""
TYPED = ("--config", "device=auto", "checkpoint_seconds=1000", "longest_job=1000")
SECONDS = 240


def obstacle() -> str:
    """Why no SLURM can be started here; nothing if it can."""
    if not find_spec("snakemake_executor_plugin_slurm"):
        return "needs what a cluster needs: make test-cluster"
    missing = [
        name for name in ("slurmctld", "slurmd", "sbatch", "srun") if not shutil.which(name, path=PATH)
    ]
    if missing:
        packages = "apt-get install --no-install-recommends slurmctld slurmd slurm-client"
        return f"needs a SLURM to start; found no {', '.join(missing)}: {packages}"
    if os.getuid() != 0:
        return f"needs to be root: SLURM's configuration must lie in {ETC}"
    found = ETC / "slurm.conf"
    if found.exists() and MARK not in found.read_text():
        return f"this machine has a SLURM of its own: {found}"
    return ""


pytestmark = pytest.mark.skipif(bool(obstacle()), reason=obstacle())


def wait(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def slurm(*command: str) -> str:
    """What a command of SLURM prints; it must end, for without its daemons it would try for minutes."""
    return subprocess.run(
        ["timeout", "20", *command],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PATH": PATH},
    ).stdout


def submitted() -> list[dict[str, str]]:
    """All jobs that SLURM remembers, in the order of their numbers."""
    lines = slurm("scontrol", "show", "job", "-o").splitlines()
    fields = [
        dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines if "=" in line
    ]
    return sorted(fields, key=lambda job: int(job["JobId"]))


def of(rule: str, name: str) -> list[dict[str, str]]:
    """The jobs of a rule for something, in the order in which they were submitted."""
    return [job for job in submitted() if f"rule_{rule}_" in job["Comment"] and name in job["Comment"]]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def daemon(*command: str) -> Iterator[None]:
    """A daemon in the foreground, which is ended by its number."""
    with subprocess.Popen(
        command, env=os.environ | {"PATH": PATH}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A SLURM of one node that is this machine."""
    folder = tmp_path_factory.mktemp("slurm")
    for name in ("state", "spool"):
        (folder / name).mkdir()
    host = socket.gethostname().split(".")[0]
    ports = {"first_port": free_port(), "second_port": free_port()}
    files = {
        "slurm.conf": CONF.format(host=host, folder=folder, gpus=len(DEVICES), **ports),
        "gres.conf": f"{MARK}NodeName={host} Name=gpu Type=none File={','.join(DEVICES)}\n",
    }
    with ExitStack() as stack:
        ETC.mkdir(exist_ok=True)
        for name, text in files.items():
            stack.callback((ETC / name).unlink, missing_ok=True)
            (ETC / name).write_text(text)
        stack.enter_context(daemon("slurmctld", "-D", "-i"))
        stack.enter_context(daemon("slurmd", "-D"))
        wait(lambda: "idle" in slurm("sinfo", "-h", "-o", "%T"), 60)
        stack.callback(lambda: wait(lambda: not slurm("squeue", "-h"), 60))
        stack.callback(slurm, "scancel", "--partition", "gpu")
        yield


def trainer(project: Any, model: str) -> int | None:
    """Number of the process that has trained a model for half a second, if there is one."""
    lock = project.folder / f"tiny/results/models/{model}/seed1.safetensors.lock"
    try:
        words = lock.read_text().split()
        return int(words[1]) if words and time.time() - lock.stat().st_mtime > 0.5 else None
    except FileNotFoundError:
        return None


@dataclass
class Run:
    """A run of the workflow on the cluster that is over."""

    project: Any
    status: int
    output: str
    unbroken: Any  # another copy, in which the same networks were trained in one go and here

    def log(self, path: str) -> str:
        return str((self.project.folder / path).read_text())


@pytest.fixture(scope="module")
def copies(new_project: Callable[[], Any]) -> list[Any]:
    """Two copies: one for the cluster, whose head shows a GPU, and one for this machine."""
    projects = [new_project(), new_project()]
    for project in projects:
        (project.folder / "config/scales/tiny.yaml").write_text(SCALE)
        broken = SCALE.replace("learning_rate: 0.02", "learning_rate: 1.0e+30")
        (project.folder / "config/scales/broken.yaml").write_text(broken)
        path = project.folder / "config/config.yaml"
        fewer = path.read_text().replace("train: 4000", "train: 400").replace("test: 1000", "test: 500")
        path.write_text(fewer)
    tool = projects[0].folder / "bin/nvidia-smi"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    return projects


@pytest.fixture(scope="module")
def run(cluster: None, copies: list[Any]) -> Iterator[Run]:
    """Both targets, while their training jobs are cancelled, put back into the queue, and out of time."""
    project, unbroken = copies
    log = project.folder / "run.log"
    environment = project.environment | {"PATH": f"{project.folder / 'bin'}:{PATH}"}
    command = [sys.executable, "-c", SNAKEMAKE, FIGURE, BROKEN, *PROFILE, "--retries", "1", *TYPED]
    with (
        log.open("w") as stream,
        subprocess.Popen(
            command, cwd=project.folder, env=environment, stdout=stream, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            break_jobs(project)
            files = [f"tiny/results/models/{model}/seed1.safetensors" for model in MODELS]
            unbroken.make(*files, "--config", "device=cpu")
            status = process.wait(SECONDS)
        finally:
            process.kill()
    yield Run(project, status, log.read_text(), unbroken)


def break_jobs(project: Any) -> None:
    """Cancel one training job, put one back into the queue, and let one run out of time."""
    commands = {
        "vgg16-baseline": "scontrol requeue {}",
        "vgg16-flexible": "scancel {}",
        "vgg16-random": "scontrol update JobId={} TimeLimit=1",
    }
    found: dict[str, int] = {}

    def all_found() -> bool:
        for model in commands.keys() - found.keys():
            process = trainer(project, model)
            if process is not None:
                found[model] = process
                os.kill(process, signal.SIGSTOP)  # lest it ends before; SLURM wakes it to tell it
                slurm(*commands[model].format(of("train", f"tiny__{model}")[0]["JobId"]).split())
        return len(found) == len(commands)

    wait(all_found)
    again = "tiny__vgg16-baseline"
    wait(lambda: of("train", again)[0]["JobState"] == "PENDING")
    # SLURM itself lets two minutes pass.
    slurm("scontrol", "update", f"JobId={of('train', again)[0]['JobId']}", "StartTime=now")


def test_the_figure_is_made_although_three_of_its_jobs_were_broken_off(run: Run) -> None:
    folder = run.project.folder
    assert (folder / FIGURE).read_bytes().startswith(b"%PDF-"), run.output
    with (folder / "tiny/figures/fig4d.csv").open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) > 0


def test_each_training_and_evaluation_is_a_job_that_asks_for_a_gpu(run: Run) -> None:
    jobs = submitted()
    done = [job["Comment"] for job in jobs if job["JobState"] == "COMPLETED"]
    trained = [f"rule_train_wildcards_tiny__{model}_1" for model in MODELS]
    asked = [f"rule_evaluate_wildcards_tiny__fgsm_paper_{model}_seed1" for model in MODELS]
    assert sorted(done) == sorted(trained + asked)
    assert {job["Comment"] for job in jobs} == {
        *trained,
        *asked,
        "rule_train_wildcards_broken__vgg16-baseline_1",
    }
    assert {(job["TresPerJob"], job["Partition"]) for job in jobs} == {("gres:gpu:1", "gpu")}


def test_no_more_jobs_ran_at_once_than_there_are_gpus(run: Run) -> None:
    times = [(job["StartTime"], job["EndTime"]) for job in submitted()]
    at_once = [sum(start <= moment < end for start, end in times) for moment, _ in times]
    assert max(at_once) <= len(DEVICES)


def test_a_cancelled_job_is_tried_again_and_goes_on(run: Run) -> None:
    first, second = of("train", "vgg16-flexible")
    assert (first["JobState"], second["JobState"]) == ("CANCELLED", "COMPLETED")
    assert (first["MinMemoryNode"], second["MinMemoryNode"]) == ("8000M", "16000M")
    assert "resuming after" in run.log("tiny/logs/train/vgg16-flexible/seed1.log")


def test_a_job_that_is_put_back_into_the_queue_goes_on(run: Run) -> None:
    (job,) = of("train", "tiny__vgg16-baseline")
    assert (job["Restarts"], job["JobState"]) == ("1", "COMPLETED")
    assert "resuming after" in run.log("tiny/logs/train/vgg16-baseline/seed1.log")


def test_a_job_is_told_before_its_time_is_over_and_the_next_goes_on(run: Run) -> None:
    first, second = of("train", "vgg16-random")
    assert (first["JobState"], second["JobState"]) == ("FAILED", "COMPLETED")  # by itself, and not by TIMEOUT
    assert (first["TimeLimit"], second["TimeLimit"]) == ("00:01:00", "16:40:00")
    assert "resuming after" in run.log("tiny/logs/train/vgg16-random/seed1.log")


@pytest.mark.parametrize("model", MODELS)
def test_what_was_broken_off_ends_with_the_weights_of_what_was_not(model: str, run: Run) -> None:
    weights = f"tiny/results/models/{model}/seed1.safetensors"
    assert (run.project.folder / weights).read_bytes() == (run.unbroken.folder / weights).read_bytes()


def test_a_job_that_fails_stops_its_target_and_names_its_logs(run: Run) -> None:
    assert run.status == 1
    assert not (run.project.folder / BROKEN).exists()
    failed = of("train", "broken__vgg16-baseline")
    assert [job["JobState"] for job in failed] == ["FAILED", "FAILED"]
    log = "broken/logs/train/vgg16-baseline/seed1.log"
    for job in failed:
        named = f"job of the queue {job['JobId']}; its log: {log}, {job['StdOut']}"
        assert f"\nflexnet: failed: Training vgg16-baseline, seed 1; {named}\n" in run.output
    assert "flexnet: one job failed, as said above" in run.output
    assert "are no longer finite in epoch 1" in run.log(log)
    for job in failed:
        assert Path(job["StdOut"]).is_relative_to(run.project.folder / "logs/slurm/rule_train")
        assert Path(job["StdOut"]).is_file()
    assert "Traceback" not in run.output


def test_a_second_run_submits_nothing(run: Run) -> None:
    before = len(submitted())
    done = run.project.run(
        "-m", "snakemake", FIGURE, *PROFILE, *TYPED, PATH=f"{run.project.folder / 'bin'}:{PATH}"
    )
    assert "Nothing to be done" in done.stdout, done.stdout
    assert len(submitted()) == before
