"""Adversarial attacks: one job for each model, seed and protocol does the whole grid of epsilons."""


rule fgsm:
    input:
        # Large files count by their date, so the small history stands for the weights beside it.
        history="{scale}results/models/{model}/seed{seed}.history.csv",
        weights=ancient("{scale}results/models/{model}/seed{seed}.safetensors"),
        subset=subset_of,
        training=lambda wildcards: ancient(arrays_of(wildcards, "train")),
        test=lambda wildcards: ancient(arrays_of(wildcards, "test")),
    output:
        "{scale}results/fgsm/{protocol}/{model}/seed{seed}.csv",
    log:
        "{scale}logs/fgsm/{protocol}/{model}/seed{seed}.log",
    benchmark:
        "{scale}logs/fgsm/{protocol}/{model}/seed{seed}.benchmark.tsv"
    conda:
        "../envs/flexnet.yaml"
    threads: threads_of
    resources:
        gpu=gpus_of,
        mem_mb=8000,
        runtime=lambda wildcards, attempt: 120 * attempt,
    params:
        settings=fgsm_settings,
        code=lambda wildcards: code_digest(
            "flexnet.stages.fgsm", module_of(row_of(wildcards)["network"])
        ),
    message:
        "Attacking {wildcards.model}, seed {wildcards.seed}, {wildcards.protocol} protocol"
    shell:
        'python "$FLEXNET_SCRIPTS/stage.py" fgsm --settings {params.settings:q} --training {input.training:q}'
        " --test {input.test:q} --subset {input.subset:q} --weights {input.weights:q}"
        " --output {output:q} --threads {threads} --log {log:q}"
