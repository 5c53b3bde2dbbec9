"""Training: one job for each model and seed. A killed job goes on from its side file."""


def train_settings(wildcards):
    """Canonical settings of one training run, with the digest of the code that it runs."""
    row = row_of(wildcards)
    return canonical_json(
        {
            "model": wildcards.model,
            "seed": int(wildcards.seed),
            "network": row["network"],
            "options": row.get("options", {}),
            "recipe": settings_of(wildcards.scale)["recipes"][row["recipe"]],
            "run_seed": SCALES[""]["seed"],
            "code": code_digest("flexnet.stages.train", module_of(row["network"])),
        }
    )


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
    params:
        settings=train_settings,
    log:
        "{scale}logs/train/{model}/seed{seed}.log",
    benchmark:
        "{scale}logs/train/{model}/seed{seed}.benchmark.tsv"
    threads: threads_of
    resources:
        gpu=gpus_of,
        mem_mb=8000,
        runtime=lambda wildcards, attempt: 720 * attempt,
    message:
        "Training {wildcards.model}, seed {wildcards.seed}"
    shell:
        "python -m flexnet train --settings {params.settings:q} --training {input.training:q}"
        " --test {input.test:q} --subset {input.subset:q} --weights {output.weights:q}"
        " --history {output.history:q} --threads {threads} --log {log:q}"
