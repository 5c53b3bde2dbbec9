"""From evaluated rows to figures: rows of all models and seeds, then table, drawing and caption."""


localrules:
    collect_rows,
    draw_figure,


rule collect_rows:
    """Join the rows of all networks and seeds of a figure."""
    input:
        rows=told(joins.family_files, lambda found: sum(found.values(), [])),
        runs=told(joins.runs_behind, ancient),
    output:
        rows="{home}results/rows/{protocol}/{figure}.csv",
        facts="{home}results/rows/{protocol}/{figure}.facts.json",
    log:
        "{home}logs/rows/{protocol}/{figure}.log",
    wildcard_constraints:
        figure=any_of(set(FIGURES) - SCHEMATICS),
    conda:
        "../envs/flexnet.yaml"
    resources:
        mem_mb=500,
        runtime=10,
    params:
        settings=told(joins.collect_settings),
        code=told(joins.collect_code),
    message:
        "Collecting the rows of {wildcards.figure}, {wildcards.protocol} protocol"
    shell:
        'python "$FLEXNET_SCRIPTS/stage.py" collect --settings {params.settings:q} --output {output.rows:q} --log {log:q}'


rule draw_figure:
    """Draw a figure, with its caption and its table of numbers."""
    input:
        rows=told(drawing.figure_rows),
        facts=told(drawing.figure_facts),
    output:
        pdf=report(
            "{home}figures/{variant}{figure}.pdf",
            caption="../report/figure.rst",
            category="Figures",
            labels={
                "figure": "{figure}",
                "scale": "{home}",
                "protocol": "{variant}",
            },
        ),
        png="{home}figures/{variant}{figure}.png",
        caption="{home}figures/{variant}{figure}.md",
        table="{home}figures/{variant}{figure}.csv",
    log:
        "{home}logs/figures/{variant}{figure}.log",
    wildcard_constraints:
        home=any_of([*SCALES, *PUBLISHED]),
    conda:
        "../envs/flexnet.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=told(drawing.figure_settings),
        code=lambda wildcards: drawing.figure_code(
            ROOT / "workflow/scripts/draw.py",
            wildcards.figure,
        ),
        facts=lambda wildcards, input: [
            word for path in input.facts for word in ("--facts", path)
        ],
        claims=CLAIMS,
        note=told(drawing.figure_note),
        name=lambda wildcards: scale_name(wildcards.home),
        protocol=lambda wildcards: STUDY.variants[wildcards.variant],
    message:
        "Drawing {wildcards.home}figures/{wildcards.variant}{wildcards.figure}.pdf"
    shell:
        'python "$FLEXNET_SCRIPTS/draw.py" --settings {params.settings:q} --rows {input.rows:q}'
        " {params.facts:q} --table {output.table:q} --figure {output.pdf:q} --caption {output.caption:q} --log {log:q}"
