"""The ledger of claims: what the papers say against what was measured, under every protocol."""


localrules:
    judge_claims,


rule judge_claims:
    """The ledger of claims: what the papers say against what was measured."""
    input:
        rows=told(drawing.ledger_rows),
        facts=told(drawing.ledger_facts),
    output:
        ledger=report(
            "{home}results/claims.csv",
            caption="../report/claims.rst",
            category="Claims",
            labels={"ledger": "all claims", "scale": "{home}"},
        ),
        pdf=report(
            "{home}figures/claims.pdf",
            caption="../report/claims.rst",
            category="Claims",
            labels={"ledger": "measured claims", "scale": "{home}"},
        ),
        png="{home}figures/claims.png",
        caption="{home}figures/claims.md",
        table="{home}figures/claims.csv",
    log:
        "{home}logs/figures/claims.log",
    wildcard_constraints:
        home=any_of([*SCALES, *PUBLISHED]),
    conda:
        "../envs/flexnet.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=told(drawing.ledger_settings),
        evidence=lambda wildcards: STUDY.evidence(wildcards.home),
        code=lambda wildcards: file_digest(ROOT / "workflow/scripts/ledger.py"),
        claims=CLAIMS,
    message:
        "Judging the claims at {wildcards.home}"
    shell:
        'python "$FLEXNET_SCRIPTS/ledger.py" --settings {params.settings:q} --rows {input.rows:q}'
        " --facts {input.facts:q}"
        " --ledger {output.ledger:q} --table {output.table:q} --figure {output.pdf:q} --caption {output.caption:q} --log {log:q}"
