"""Evaluation: one job for each family, protocol and model asks one trained seed, or all of them."""


rule evaluate:
    """Ask a trained network one thing (attack, noise, exchanged thresholds) under one protocol."""
    input:
        # Large files count by their date, so the small histories stand for the weights beside them.
        histories=asked("history.csv"),
        weights=asked("safetensors", ancient),
        others=told(jobs.other_models, lambda found: ancient(sum(found.values(), []))),
        other_histories=told(jobs.other_histories),
        subset=asked_subset,
        training=training_images,
        test=test_images,
        own=told(jobs.own_files),
        # Of models that are judged on other datasets than their own.
        choices=told(jobs.visited_choices),
        visited=told(jobs.visited_images, ancient),
    output:
        table="{home}results/{family}/{protocol}/{model}/{seeds}.csv",
        outcomes="{home}results/{family}/{protocol}/{model}/{seeds}.outcomes.safetensors",
    log:
        "{home}logs/{family}/{protocol}/{model}/{seeds}.log",
    benchmark:
        "{home}logs/{family}/{protocol}/{model}/{seeds}.benchmark.tsv"
    conda:
        "../envs/flexnet.yaml"
    threads: threads_of
    resources:
        gpu=gpus(),
        mem_mb=growing(lambda wildcards: declared(wildcards).mem_mb),
        runtime=minutes(lambda wildcards: declared(wildcards).runtime),
    params:
        settings=told(jobs.evaluate_settings),
        code=told(jobs.evaluate_code),
        others=told(
            jobs.other_models,
            lambda found: [
                f"{key}={STUDY.placed(path)}"
                for key, paths in found.items()
                for path in paths
            ],
        ),
    message:
        "Asking {wildcards.model}, {wildcards.seeds}, {wildcards.protocol} protocol: {wildcards.family}"
    shell:
        'python "$FLEXNET_SCRIPTS/stage.py" evaluate --settings {params.settings:q} --training {input.training:q}'
        " --test {input.test:q} --subset {input.subset:q} --weights {input.weights:q} --others {params.others:q}"
        " --output {output.table:q} --threads {threads} --log {log:q}"
