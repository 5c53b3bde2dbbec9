"""Without a GPU, the scale of the papers says first what it will cost here, and goes on."""

import shlex
import subprocess


def typed_command():
    """How this run was started, as far as it names the workflow."""
    if not PLACES.apart:
        return "snakemake"
    return f"snakemake --snakefile {shlex.quote(workflow.main_snakefile)}"


def sooner(targets, models):
    """Other ways to the same figures, with their commands and plans."""
    names = [target for target in targets if target.startswith("figures/")]
    command = f"{typed_command()} {{}} --cores {workflow.cores}"
    others = []
    for home in PUBLISHED:
        kept = cost.kept(STUDY, home, names)
        if kept:
            others.append(
                {"command": command.format(" ".join(kept)), "runs": [], "threads": 1}
            )
    for home in SCALES:
        if home:
            wanted = " ".join(f"{home}{name}" for name in names) or home.rstrip("/")
            others.append(
                {
                    "command": command.format(wanted),
                    "runs": cost.training_plan(STUDY, home, models),
                    "threads": SCALES[home]["threads"],
                }
            )
    return others


def announce_cost():
    """Print what the pending training jobs of the papers' scale cost, if no GPU is there."""
    jobs = [job for job in workflow.dag.needrun_jobs() if job.rule.name == "train"]
    models = {}
    for job in jobs:
        if job.wildcards.home == "":
            models[job.wildcards.model] = models.get(job.wildcards.model, 0) + 1
    on_gpu = gpus_of(None) or sys.platform == "darwin" or workflow.non_local_exec
    if not models or on_gpu:
        return
    plan = {
        "runs": cost.training_plan(STUDY, "", models),
        "jobs": sum(models.values()),
        "cores": workflow.cores or 1,
        "threads": min(SCALES[""]["threads"], workflow.cores or 1),
        "sooner": sooner(list(map(str, workflow.dag_settings.targets)), models),
    }
    subprocess.run(
        ["python", "-m", "flexnet", "cost", "--settings", canonical_json(plan)],
        check=False,
    )


onstart:
    announce_cost()
