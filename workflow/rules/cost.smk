"""Before the first job: whether its data can be had, and without a GPU what it will cost. Then the bar starts."""

import json
import subprocess

from snakemake.utils import available_cpu_count


def measured(runs):
    """Seconds of networks on this machine, by key; None if they cannot be timed."""
    told = subprocess.run(
        [*CALL, "cost", "--settings", canonical_json({"runs": runs})],
        check=False,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(told.stdout) if told.returncode == 0 else None


def begin():
    """What is done before the first job."""
    pending = [(workflow.dag.jobid(job), job) for job in workflow.dag.needrun_jobs()]
    tasks = {
        number: cost.Task(job.rule.name, dict(job.wildcards.items()))
        for number, job in pending
    }
    made = {number: tasks[number] for number, job in pending if job.output}
    asked = retyped.typed(
        sys.argv, workflow.dag_settings.targets, sys.executable, TYPED_PATH
    )
    cores = min(workflow.cores or 1, available_cpu_count())
    wants_list = any(job.rule.name == "targets" for _, job in pending)
    if wants_list:
        print(listing.listing(STUDY, cores), flush=True)
    fault = announce.missing_data(STUDY, made.values(), asked)
    if fault is not None:
        raise WorkflowError(fault)
    if not (gpus() or sys.platform == "darwin" or workflow.non_local_exec):
        for notice in announce.notices(
            STUDY, list(made.values()), asked, cores, measured
        ):
            print(notice, file=sys.stderr, flush=True)
    if CONSOLE is not None:
        CONSOLE.begin(
            {
                number: cost.task_seconds(STUDY, task) or cost.START
                for number, task in made.items()
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
