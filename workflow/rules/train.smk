"""Training: one job for each model and seed. A killed job goes on from its side file."""


rule train:
    input:
        manifests=lambda wildcards: job_files(wildcards, "json").values(),
        subset=lambda wildcards: jobs.subset_of(
            wildcards.scale,
            jobs.dataset_of(STUDY, wildcards.scale, wildcards.model),
            wildcards.seed,
        ),
        training=lambda wildcards: ancient(job_files(wildcards)["training"]),
        test=lambda wildcards: ancient(job_files(wildcards)["test"]),
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
        settings=told(jobs.train_settings),
    message:
        "Training {wildcards.model}, seed {wildcards.seed}"
    shell:
        'python "$FLEXNET_SCRIPTS/stage.py" train --settings {params.settings:q} --training {input.training:q}'
        " --test {input.test:q} --subset {input.subset:q} --weights {output.weights:q}"
        " --history {output.history:q} --threads {threads} --log {log:q}"
