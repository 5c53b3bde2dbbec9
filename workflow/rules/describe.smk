"""Schematics: layers and networks described by the modules themselves, as rows."""


localrules:
    describe,


rule describe:
    """Rows of a schematic, read off the modules themselves."""
    input:
        images=lambda wildcards: ancient(told(jobs.described_images)(wildcards)),
    output:
        "{home}results/rows/{protocol}/{figure}.csv",
    log:
        "{home}logs/rows/{protocol}/{figure}.log",
    wildcard_constraints:
        figure=any_of(SCHEMATICS),
    conda:
        "../envs/flexnet.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        settings=told(jobs.describe_settings),
        code=told(jobs.describe_code),
    message:
        "Describing the modules of {wildcards.figure}"
    shell:
        'python "$FLEXNET_SCRIPTS/stage.py" describe --settings {params.settings:q} --images {input.images:q} --output {output:q} --log {log:q}'
