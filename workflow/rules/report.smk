"""The page of `--report name.html`: all figures at once, in the place of Snakemake's own page.

`--report name.zip` stays Snakemake's.
"""

if any(word.startswith("--report") for word in sys.argv) and not IS_MODULE:

    from collections import defaultdict
    from datetime import datetime, timezone

    from snakemake.report import html_reporter
    from snakemake_interface_report_plugins.registry import ReportPluginRegistry

    from flexnet.errors import FlexnetError
    from flexnet.files import write_text
    from flexnet.report.about import about
    from flexnet.report.page import Work, page
    from flexnet.report.parts import parts_of

    def moment(seconds):
        """A time of Snakemake's as a person reads it."""
        return datetime.fromtimestamp(seconds, timezone.utc).isoformat(" ", "seconds")

    def work_of(records):
        """The finished jobs, rule by rule."""
        by_rule = defaultdict(list)
        for record in records:
            by_rule[str(record.rule)].append((record.starttime, record.endtime))
        return [
            Work(
                name,
                len(times),
                sum(end - start for start, end in times),
                moment(min(start for start, _ in times)),
                moment(max(end for _, end in times)),
            )
            for name, times in by_rule.items()
        ]

    class Reporter(html_reporter.Reporter):
        """Snakemake's reporter, but for the page."""

        def render(self):
            if not self.mode_embedded:
                return super().render()
            shown = [str(path) for job in self.dag.jobs for path in job.output]
            outdated = {
                str(path) for job in self.dag.needrun_jobs() for path in job.output
            }
            try:
                parts = parts_of(STUDY, shown, outdated)
                text = page(parts, work_of(self.jobs), about(ROOT), DESCRIPTION)
                write_text(self.settings.path, text)
            except (FlexnetError, OSError) as error:
                raise WorkflowError(str(error)) from None
            logger.info(f"Report: {self.settings.path}")

    DESCRIPTION = " ".join(
        (ROOT / "workflow/report/workflow.rst").read_text(encoding="utf-8").split()
    )
    ReportPluginRegistry().get_plugin("html").reporter = Reporter
