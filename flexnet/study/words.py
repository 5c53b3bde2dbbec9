"""What Snakemake tells of errors, in the words of this workflow: what is wrong and what to do."""

import re
from collections.abc import Callable, Iterable

# Of a run that does something: what a person cannot use. All of it stands in Snakemake's own log.
NOISE = (
    *("Assuming unrestricted shared", "Building DAG of jobs", "Using shell:", "Provided cores:"),
    *("Rules claiming more threads", "Provided resources:", "Conda environments: ignored", "Select jobs to"),
    *("Execute ", "Shutting down, this might", "Exiting because a job execution failed", "Elapsed time:"),
    *("--keep-incomplete mode is set", "Complete log(s):", "Trying to restart job"),
)
FAILED = "At least one job did not complete successfully"
TOLD_TO_END = "Will exit after finishing currently running jobs"
ENDING = "flexnet: told to end; jobs that run are finished, or save what they have"
LOCKED = (
    "flexnet: expected to be the only run that makes these files in this folder; another one works on\n"
    "some of them, or was killed here. If it still runs, wait for it or stop it: nothing is lost. If none\n"
    "runs any more, type snakemake --unlock with the same target, then the same command, which goes on"
)
ASKED_TO_STOP = "Terminating processes on user request"
# What a shell says of a command that a signal ended.
SIGNALLED = {130: "was stopped", 137: "was killed, as when memory runs out", 143: "was told to end"}


def is_noise(message: str) -> bool:
    """Whether a plain message of a run is nothing that a person can use."""
    return message.startswith(NOISE)


def error_words(kind: str, message: str, did_you_mean: Callable[[str], str]) -> str | None:
    """An error of Snakemake's in other words.

    Args:
        kind: name of its class.
        message: as Snakemake would print it.
        did_you_mean: the end of a message about a target that does not exist.

    Returns:
        The words; "" if there is nothing to say that is not said elsewhere; None if it stays as it is.
    """
    if kind == "MissingRuleException":
        found = re.search(r"No rule to produce (.+?) \(if you use", message, re.DOTALL)
        return found and f"flexnet: No rule to produce {found[1]}{did_you_mean(found[1])}"
    if kind == "MissingInputException":
        return _missing_input(message, did_you_mean)
    if kind == "LockException":
        return LOCKED
    if "CalledProcessError" in message and "returned non-zero exit status" in message:
        return ""  # the job has said why, and is named by the next message
    return _plain(kind, message)


def _missing_input(message: str, did_you_mean: Callable[[str], str]) -> str | None:
    output = re.search(r"output: ([^,\n(]+)", message)
    files = re.search(r"affected files:\n\s+(.+)", message)
    if not output or not files:
        return None
    target = output[1].strip()
    needed = f"{files[1].strip()}, which is not there and which nothing makes"
    return f"flexnet: {target} needs {needed}{did_you_mean(target)}"


def _plain(kind: str, message: str) -> str | None:
    """An error that this workflow raised, without the places in the code where it did."""
    inner = re.search(r"WorkflowError:\n(.*?)\nWildcards:", message, re.DOTALL)
    if inner:
        return "flexnet: " + "\n".join(line.strip() for line in inner[1].splitlines())
    if kind != "WorkflowError" or not re.match(r"WorkflowError in .*\.smk", message):
        return None
    lines = [line for line in message.splitlines()[1:] if not re.match(r'\s*File ".*", line \d+', line)]
    return "flexnet: " + "\n".join(lines)


def exit_words(message: str) -> str:
    """What the exit status of a job's shell says beyond that it failed; nothing if that is all."""
    found = re.search(r"returned non-zero exit status (\d+)|died with <Signals\.(SIG\w+)", message)
    if not found:
        return ""
    return f"ended by {found[2]}" if found[2] else SIGNALLED.get(int(found[1]), "")


def failure_words(
    title: str, logs: Iterable[str], more: Iterable[tuple[str, str]] = (), told: str = ""
) -> str:
    """One line about a job that failed.

    Args:
        title: what it did.
        logs: its logs.
        more: what an executor adds, such as the number of the job on a cluster.
        told: the job's own message, where its user has not seen it.
    """
    where = f"; its log: {', '.join(logs)}" if logs else ""
    extra = "".join(f"; {key} {value}" for key, value in more)
    lines = [f"flexnet: failed: {title}{extra}{where}", *(f"  {line}" for line in told.splitlines())]
    return "\n".join(lines)


def last_message(log: str) -> str:
    """The last error in the text of a job's log, or nothing."""
    found = list(re.finditer(r"^flexnet \w+: (?:error: |stopped by )", log, re.MULTILINE))
    return log[found[-1].start() :].strip() if found else ""


def saved_after(log: str) -> str:
    """Where a job that was told to end has saved, as its log says at its end: `epoch 3`, or nothing."""
    lines = log.strip().splitlines() or [""]
    found = re.search(r": (.+?): stopped after (.+?), saved in", lines[-1])
    return f"{found[1]} after {found[2]}" if found else ""


def stop_words(saved: Iterable[str]) -> str:
    """The one line about a run that its user stopped."""
    kept = "; ".join(saved)
    return (
        f"flexnet: stopped{f', saved: {kept}' if kept else ', what is done is kept'}; type the same to go on"
    )


def end_words(failed: int) -> str:
    """The last line of a run with failures."""
    jobs = "one job" if failed == 1 else f"{failed} jobs"
    return f"flexnet: {jobs} failed, as said above. What is done is kept: correct it and type the same again"
