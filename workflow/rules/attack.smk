"""Adversarial attacks: one job for each model, seed and protocol does the whole grid of epsilons."""


def fgsm_settings(wildcards):
    """Canonical settings of one evaluation under FGSM."""
    protocol = settings_of(wildcards.scale)["protocols"][wildcards.protocol]
    return canonical_json(
        {
            "model": wildcards.model,
            "seed": int(wildcards.seed),
            "protocol": wildcards.protocol,
            "fgsm": protocol["fgsm"],
            "run_seed": SCALES[""]["seed"],
        }
    )


rule fgsm:
    input:
        weights="{scale}results/models/{model}/seed{seed}.safetensors",
        subset=subset_of,
        training=lambda wildcards: ancient(arrays_of(wildcards, "train")),
        test=lambda wildcards: ancient(arrays_of(wildcards, "test")),
    output:
        "{scale}results/fgsm/{protocol}/{model}/seed{seed}.csv",
    params:
        settings=fgsm_settings,
        code=lambda wildcards: code_digest(
            "flexnet.stages.fgsm", module_of(row_of(wildcards)["network"])
        ),
    log:
        "{scale}logs/fgsm/{protocol}/{model}/seed{seed}.log",
    benchmark:
        "{scale}logs/fgsm/{protocol}/{model}/seed{seed}.benchmark.tsv"
    threads: threads_of
    resources:
        gpu=gpus_of,
        mem_mb=8000,
        runtime=lambda wildcards, attempt: 120 * attempt,
    message:
        "Attacking {wildcards.model}, seed {wildcards.seed}, {wildcards.protocol} protocol"
    shell:
        "python -m flexnet fgsm --settings {params.settings:q} --training {input.training:q}"
        " --test {input.test:q} --subset {input.subset:q} --weights {input.weights:q}"
        " --output {output:q} --threads {threads} --log {log:q}"
