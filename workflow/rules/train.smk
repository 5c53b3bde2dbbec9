"""Training: one job for each model and seed. A killed job goes on from its side file."""


rule train:
    input:
        manifests=lambda wildcards: [
            arrays_of(wildcards, split, "json") for split in ("train", "test")
        ],
        subset=subset_of,
        training=lambda wildcards: ancient(arrays_of(wildcards, "train")),
        test=lambda wildcards: ancient(arrays_of(wildcards, "test")),
    output:
        weights="{scale}results/models/{model}/seed{seed}.safetensors",
        history="{scale}results/models/{model}/seed{seed}.history.csv",
    log:
        "{scale}logs/train/{model}/seed{seed}.log",
    benchmark:
        "{scale}logs/train/{model}/seed{seed}.benchmark.tsv"
    conda:
        "../envs/flexnet.yaml"
    threads: threads_of
    resources:
        gpu=gpus_of,
        mem_mb=8000,
        runtime=lambda wildcards, attempt: 720 * attempt,
    params:
        settings=train_settings,
    message:
        "Training {wildcards.model}, seed {wildcards.seed}"
    shell:
        'python "$FLEXNET_SCRIPTS/stage.py" train --settings {params.settings:q} --training {input.training:q}'
        " --test {input.test:q} --subset {input.subset:q} --weights {output.weights:q}"
        " --history {output.history:q} --threads {threads} --log {log:q}"
