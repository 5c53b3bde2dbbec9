"""Weights: one job for each model and seed trains them, or takes them over from a foreign file.

A killed training goes on from its side file.
"""


rule train:
    """Train one network with one seed; goes on where it was stopped."""
    input:
        manifests=manifests_of,
        subset=chosen_images,
        training=training_images,
        test=test_images,
    output:
        weights="{home}results/models/{model}/seed{seed}.safetensors",
        history="{home}results/models/{model}/seed{seed}.history.csv",
    log:
        "{home}logs/train/{model}/seed{seed}.log",
    benchmark:
        "{home}logs/train/{model}/seed{seed}.benchmark.tsv"
    wildcard_constraints:
        model=any_of(jobs.models_with(STUDY, "recipe")),
    conda:
        "../envs/flexnet.yaml"
    threads: threads_of
    resources:
        gpu=gpus(),
        mem_mb=growing(8000),
        runtime=minutes(720),
    params:
        settings=told(jobs.train_settings),
    message:
        "Training {wildcards.model}, seed {wildcards.seed}"
    shell:
        'python "$FLEXNET_SCRIPTS/stage.py" train --settings {params.settings:q} --training {input.training:q}'
        " --test {input.test:q} --subset {input.subset:q} --weights {output.weights:q}"
        " --history {output.history:q} --threads {threads} --log {log:q}"


rule import_weights:
    """Take over weights that another program wrote."""
    input:
        manifests=manifests_of,
        subset=chosen_images,
        source=told(jobs.checkpoint_of),
        training=training_images,
        test=test_images,
    output:
        weights="{home}results/models/{model}/seed{seed}.safetensors",
        history="{home}results/models/{model}/seed{seed}.history.csv",
    log:
        "{home}logs/import_weights/{model}/seed{seed}.log",
    wildcard_constraints:
        model=any_of(jobs.models_with(STUDY, "checkpoint")),
    conda:
        "../envs/flexnet.yaml"
    threads: threads_of
    resources:
        gpu=gpus(),
        mem_mb=growing(8000),
        runtime=minutes(60),
    params:
        settings=told(jobs.import_settings),
    message:
        "Taking over {wildcards.model}, seed {wildcards.seed}"
    shell:
        'python "$FLEXNET_SCRIPTS/stage.py" import_weights --settings {params.settings:q}'
        " --training {input.training:q} --test {input.test:q} --subset {input.subset:q}"
        " --source {input.source:q} --weights {output.weights:q} --history {output.history:q}"
        " --threads {threads} --log {log:q}"
