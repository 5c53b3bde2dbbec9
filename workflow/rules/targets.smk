"""Named targets: everything of a reduced scale, and the published figures."""


def for_report():
    """Whether Snakemake only packs a report of what there is."""
    makes_report = any(word.startswith("--report") for word in sys.argv)
    return makes_report and workflow.execution_settings is None


def wanted(home, every_home=False):
    """What a named target stands for: everything of a scale; for a report, what there is of it."""
    if not for_report():
        return targets.everything(STUDY, home)
    try:
        return targets.made(STUDY, [*SCALES, *PUBLISHED] if every_home else [home])
    except ConfigError as error:
        raise WorkflowError(str(error)) from None


for home in SCALES:
    if home:

        rule:
            name:
                home.rstrip("/")
            input:
                lambda wildcards, home=home: wanted(home),


rule published:
    input:
        targets.published_figures(STUDY),
