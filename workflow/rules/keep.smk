"""Earlier results outlive jobs that fail or are stopped, and never pass for new ones.

All outputs are marked `update`, so Snakemake does not delete them before a job starts, and jobs replace them
whole at their end. After a failure Snakemake would write down that the old files were made with the new
settings. So failures are noted, and what has a note counts as incomplete: it is made again, or the run stops.
"""

import logging
from types import SimpleNamespace

from snakemake.io import IOFile
from snakemake.logging import logger
from snakemake.persistence.file import FilePersistence
from snakemake_interface_logger_plugins.common import LogEvent

from flexnet.study import unfinished

UNFINISHED = Path(".snakemake/unfinished")


outputflags:
    update,


class Failures(logging.Handler):
    """Notes the jobs that fail, as Snakemake reports them, and forgets those that succeed."""

    def emit(self, record):
        event = getattr(record, "event", None)
        try:
            if event == LogEvent.JOB_ERROR:
                unfinished.note(UNFINISHED, self.outputs(record.jobid))
            elif event == LogEvent.JOB_FINISHED:
                unfinished.forget(UNFINISHED, self.outputs(record.job_id))
        except OSError as error:
            logger.warning(
                f"A failure could not be noted in {UNFINISHED}: {error}. Run this job with --forcerun the next"
                " time, or its earlier results will pass for new ones."
            )

    @staticmethod
    def outputs(number):
        """Outputs of a job of this run; of one that is a group, none."""
        jobs = (job for job in workflow.dag.jobs if workflow.dag.jobid(job) == number)
        return [str(path) for job in jobs for path in job.output]


class NothingLost(logging.Filter):
    """Leaves out that an output which was never there cannot be restored."""

    def filter(self, record):
        return not str(record.msg).endswith(": no backup found.")


if workflow.is_main_process:
    logger.addHandler(Failures())
    logger.addFilter(NothingLost())
    doubtful = unfinished.noted(UNFINISHED)
    if doubtful:
        FilePersistence(warn_only=True).started(
            SimpleNamespace(output=[IOFile(name) for name in doubtful])
        )
