"""Datasets as arrays files, and the images that each seed uses."""


localrules:
    prepare_data,
    choose_subset,


def data_settings(wildcards):
    """Canonical settings of one split of a source."""
    row = SCALES[""]["sources"][wildcards.source]
    options = {key: row[key] for key in ("size", "channels") if key in row}
    if wildcards.split in row:
        options["n"] = row[wildcards.split]
    return canonical_json(
        {"dataset": row["dataset"], "split": wildcards.split, "options": options}
    )


rule prepare_data:
    output:
        arrays="data/{source}/{split}.safetensors",
        manifest="data/{source}/{split}.json",
    params:
        settings=data_settings,
        code=lambda wildcards: code_digest("flexnet.stages.data"),
    log:
        "logs/data/{source}/{split}.log",
    benchmark:
        "logs/data/{source}/{split}.benchmark.tsv"
    retries: 1
    resources:
        mem_mb=3000,
        runtime=60,
    message:
        "Preparing the {wildcards.split} split of {wildcards.source}"
    shell:
        "python -m flexnet data --settings {params.settings:q} --output {output.arrays:q} --log {log:q}"


def subset_settings(wildcards):
    """Canonical settings of one seed's choice of images."""
    row = dataset_of(wildcards)[1]
    return canonical_json(
        {"row": row, "seed": int(wildcards.seed), "run_seed": SCALES[""]["seed"]}
    )


rule choose_subset:
    input:
        manifests=lambda wildcards: [
            arrays_of(wildcards, split, "json") for split in ("train", "test")
        ],
        training=lambda wildcards: ancient(arrays_of(wildcards, "train")),
        test=lambda wildcards: ancient(arrays_of(wildcards, "test")),
    output:
        "{scale}results/subsets/{dataset}/seed{seed}.json",
    params:
        settings=subset_settings,
        code=lambda wildcards: code_digest("flexnet.stages.subset"),
    log:
        "{scale}logs/subsets/{dataset}/seed{seed}.log",
    resources:
        mem_mb=2000,
        runtime=10,
    message:
        "Choosing the images of {wildcards.dataset} for seed {wildcards.seed}"
    shell:
        "python -m flexnet subset --settings {params.settings:q} --training {input.training:q}"
        " --test {input.test:q} --output {output:q} --log {log:q}"
