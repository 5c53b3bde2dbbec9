"""Before the first job: whether its data can be had, and without a GPU what it will cost. Then the bar starts."""

import json
import shlex
import subprocess
from collections import Counter

from snakemake.utils import available_cpu_count

# So many seconds go by without a word about them.
UNSAID = 600


def typed_words():
    """The words of the command, its program as it can be typed again."""
    if Path(sys.argv[0]).name == "__main__.py":
        return [sys.executable, "-m", "snakemake", *sys.argv[1:]]
    found = shutil.which("snakemake", path=TYPED_PATH)
    same = found and Path(found).resolve() == Path(sys.argv[0]).resolve()
    return ["snakemake" if same else sys.argv[0], *sys.argv[1:]]


def asked_targets():
    """Targets of the command, as typed."""
    return list(map(str, workflow.dag_settings.targets))


def instead(names):
    """The command with other targets."""
    return cost.retyped(typed_words(), asked_targets(), names, shlex.quote)


def require_data(pending):
    """Stop before any job if data cannot be had."""
    wanted = [
        (job.wildcards.source, job.wildcards.split)
        for job in pending
        if job.rule.name == "prepare_data"
    ]
    found = sources.missing(STUDY.base["sources"], wanted)
    if found:
        names = asked_targets()
        others = [
            name for home in PUBLISHED for name in cost.kept(STUDY, home, names)
        ] or ["demo"]
        raise WorkflowError(
            sources.missing_words(found, typed_words(), instead(others))
        )


def measured(pending):
    """How much longer this machine takes than that of the table of speeds; None if that cannot be told."""
    trained = dict.fromkeys(
        (job.wildcards.home, job.wildcards.model)
        for job in pending
        if job.rule.name == "train"
    )
    runs = speeds.to_time((SCALES[home], model) for home, model in trained)
    told = subprocess.run(
        [*CALL, "cost", "--settings", canonical_json({"runs": runs})],
        check=False,
        stdout=subprocess.PIPE,
        text=True,
    )
    return speeds.learn(json.loads(told.stdout)) if told.returncode == 0 else None


def sooner(home, cores, factor, seconds):
    """Other commands for the same, and what each costs."""
    names = [
        name.removeprefix(home) for name in asked_targets() if f"{home}figures/" in name
    ]
    others = []
    for place in PUBLISHED:
        kept = cost.kept(STUDY, place, names)
        if kept:
            others.append((instead(kept), None))
    for other in SCALES:
        found = cost.elsewhere(STUDY, other, names, cores)
        if other and other != home and found is not None and factor * found < seconds:
            targets = [f"{other}{name}" for name in names] or [other.rstrip("/")]
            others.append((instead(targets), factor * found))
    return others


def announce_cost(pending):
    """Print what pending jobs cost, if no GPU is there and it is much."""
    on_gpu = gpus_of(None) or sys.platform == "darwin" or workflow.non_local_exec
    homes = dict.fromkeys(
        job.wildcards.home for job in pending if job.rule.name == "train"
    )
    cores = min(workflow.cores or 1, available_cpu_count())
    for home in homes:
        mine = [job for job in pending if getattr(job.wildcards, "home", None) == home]
        tasks = [cost.Task(job.rule.name, dict(job.wildcards.items())) for job in mine]
        rough = cost.together(STUDY, home, tasks, cores)
        if on_gpu or (rough is not None and rough < UNSAID / 2):
            continue
        factor = measured(mine)
        if factor is None:
            continue
        seconds = cost.together(STUDY, home, tasks, cores)
        seconds = None if seconds is None else factor * seconds
        if seconds is None or seconds > UNSAID:
            counts = Counter(task.rule for task in tasks)
            others = sooner(home, cores, factor, seconds or float("inf"))
            print(
                cost.notice(counts, scale_name(home), seconds, cores, others),
                file=sys.stderr,
                flush=True,
            )


def begin():
    """What is done before the first job."""
    pending = list(workflow.dag.needrun_jobs())
    if any(job.rule.name == "targets" for job in pending):
        print(
            listing.listing(STUDY, min(workflow.cores or 1, available_cpu_count())),
            flush=True,
        )
    require_data(pending)
    announce_cost(pending)
    if CONSOLE is not None:
        tasks = {
            workflow.dag.jobid(job): cost.Task(
                job.rule.name, dict(job.wildcards.items())
            )
            for job in pending
            if job.output
        }
        CONSOLE.begin(
            {
                number: cost.task_seconds(STUDY, task) or cost.START
                for number, task in tasks.items()
            }
        )


def finish(succeeded):
    """What is said after the last job."""
    if CONSOLE is not None:
        CONSOLE.end()
        if succeeded:
            words = listing.finished_words(
                STUDY, [str(path) for job in workflow.dag.jobs for path in job.output]
            )
            print(words, end="", file=sys.stderr, flush=True)


onstart:
    begin()


onsuccess:
    finish(succeeded=True)


onerror:
    finish(succeeded=False)
