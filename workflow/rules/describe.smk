"""Schematics: layers and networks described by the modules themselves, as rows."""


localrules:
    describe,


rule describe:
    """Rows of a schematic, read off the modules themselves."""
    input:
        images=told(joins.described_images, ancient),
        manifests=told(joins.described_manifests),
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
        settings=told(joins.describe_settings),
        code=told(joins.describe_code),
    message:
        "Describing the modules of {wildcards.figure}"
    shell:
        'python "$FLEXNET_SCRIPTS/stage.py" describe --settings {params.settings:q} --images {input.images:q} --output {output:q} --log {log:q}'
