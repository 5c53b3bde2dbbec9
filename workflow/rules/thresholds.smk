"""The small networks: all seeds and protocols of a model in one job, thresholds as trained and exchanged."""


rule thresholds:
    input:
        # Large files count by their date, so the small histories stand for the weights beside them.
        histories=lambda wildcards: files_of_seeds(wildcards, "history.csv"),
        weights=lambda wildcards: ancient(files_of_seeds(wildcards, "safetensors")),
        # The scored images are the same for all seeds.
        subset=lambda wildcards: f"{wildcards.scale}results/subsets/{dataset_of(wildcards)[0]}/seed1.json",
        training=lambda wildcards: ancient(arrays_of(wildcards, "train")),
        test=lambda wildcards: ancient(arrays_of(wildcards, "test")),
    output:
        "{scale}results/thresholds/{model}.csv",
    log:
        "{scale}logs/thresholds/{model}.log",
    benchmark:
        "{scale}logs/thresholds/{model}.benchmark.tsv"
    conda:
        "../envs/flexnet.yaml"
    threads: threads_of
    resources:
        gpu=gpus_of,
        mem_mb=8000,
        runtime=lambda wildcards, attempt: 120 * attempt,
    params:
        settings=thresholds_settings,
        code=lambda wildcards: code_digest(
            "flexnet.stages.thresholds", module_of(row_of(wildcards)["network"])
        ),
    message:
        "Scoring {wildcards.model}, all seeds"
    shell:
        'python "$FLEXNET_SCRIPTS/stage.py" thresholds --settings {params.settings:q} --training {input.training:q}'
        " --test {input.test:q} --subset {input.subset:q} --weights {input.weights:q}"
        " --output {output:q} --threads {threads} --log {log:q}"
