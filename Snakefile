from snakemake.utils import min_version

min_version("9.14")


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"


report: "workflow/report/workflow.rst"


include: "workflow/rules/settings.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/attack.smk"
include: "workflow/rules/thresholds.smk"
include: "workflow/rules/describe.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/targets.smk"
include: "workflow/rules/cost.smk"


# Here and not in targets.smk: a default target that an included file sets is forgotten.
rule all:
    default_target: True
    input:
        everything(""),
