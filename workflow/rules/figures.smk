"""From evaluated rows to figures: rows of all models and seeds, then table, drawing and caption."""

from flexnet.data.catalogue import DATASETS


localrules:
    collect_rows,
    draw_figure,


def family_files(wildcards):
    """Files of rows of a figure, by series."""
    figure = FIGURES[wildcards.figure]
    results = f"{wildcards.scale}results"
    pattern = {
        "history": "{results}/models/{model}/seed{seed}.history.csv",
        "fgsm": "{results}/fgsm/{protocol}/{model}/seed{seed}.csv",
    }[figure["family"]]
    config = settings_of(wildcards.scale)
    return {
        series: [
            pattern.format(
                results=results, protocol=wildcards.protocol, model=model, seed=seed
            )
            for seed in settings.seeds_of(config, model)
        ]
        for series, model in settings.series_of(figure, wildcards.protocol).items()
    }


def collect_settings(wildcards):
    """Canonical settings of the join of a figure's rows."""
    return canonical_json(
        {
            "figure": wildcards.figure,
            "protocol": wildcards.protocol,
            "series": family_files(wildcards),
        }
    )


rule collect_rows:
    input:
        lambda wildcards: sum(family_files(wildcards).values(), []),
    output:
        "{scale}results/rows/{protocol}/{figure}.csv",
    params:
        settings=collect_settings,
        code=lambda wildcards: code_digest("flexnet.stages.collect"),
    log:
        "{scale}logs/rows/{protocol}/{figure}.log",
    resources:
        mem_mb=500,
        runtime=10,
    message:
        "Collecting the rows of {wildcards.figure}, {wildcards.protocol} protocol"
    shell:
        "python -m flexnet collect --settings {params.settings:q} --output {output:q} --log {log:q}"


def training_images(config, dataset):
    """Number of training images of a configured dataset."""
    row = config["datasets"][dataset]
    source = config["sources"][row["source"]]
    classes = 10
    if row.get("per_class"):
        return row["per_class"] * classes
    if "train" in source:
        return source["train"]
    return max(DATASETS[source["dataset"]].splits["train"])


def facts_of(home, figure, protocol):
    """What caption and legend must know beside the table."""
    config = settings_of(home)
    described = FIGURES[figure]
    model = config["models"][next(iter(described["series"].values()))]
    source = config["sources"][config["datasets"][model["dataset"]]["source"]]
    return {
        "scale": scale_of(home),
        "protocol": protocol,
        "dataset": source["title"],
        "labels": described.get("labels", {}),
        "train_images": training_images(config, model["dataset"]),
        "epochs": config["recipes"][model["recipe"]]["epochs"],
        "network": described["network"],
        "note": config["note"].strip(),
    }


def figure_settings(wildcards):
    """Canonical settings of one drawing."""
    protocol = VARIANTS[wildcards.variant]
    return canonical_json(
        {
            "figure": wildcards.figure,
            "facts": facts_of(wildcards.home, wildcards.figure, protocol),
            "caption": FIGURES[wildcards.figure]["caption"],
        }
    )


def figure_code(wildcards):
    """Digest of the code that draws one figure."""
    script = file_digest(ROOT / "workflow/scripts/draw.py")
    return script + code_digest(f"flexnet.figures.{wildcards.figure}")


def figure_rows(wildcards):
    """Rows that a figure shows: made here, or published with the code."""
    return f"{wildcards.home}results/rows/{VARIANTS[wildcards.variant]}/{wildcards.figure}.csv"


rule draw_figure:
    input:
        figure_rows,
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
        table="{home}results/tables/{variant}{figure}.csv",
    params:
        settings=figure_settings,
        code=figure_code,
        note=lambda wildcards: settings_of(wildcards.home)["note"].strip(),
        name=lambda wildcards: scale_of(wildcards.home),
        protocol=lambda wildcards: VARIANTS[wildcards.variant],
    log:
        "{home}logs/figures/{variant}{figure}.log",
    resources:
        mem_mb=1000,
        runtime=10,
    message:
        "Drawing {wildcards.home}figures/{wildcards.variant}{wildcards.figure}.pdf"
    shell:
        "python workflow/scripts/draw.py --settings {params.settings:q} --rows {input:q}"
        " --table {output.table:q} --figure {output.pdf:q} --caption {output.caption:q} --log {log:q}"
