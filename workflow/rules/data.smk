"""Datasets as arrays files, and the images that each seed uses."""


localrules:
    prepare_data,
    choose_subset,


rule prepare_data:
    """Find, check and store one split of a dataset."""
    output:
        arrays="data/{source}/{split}.safetensors",
        manifest="data/{source}/{split}.json",
    log:
        "logs/data/{source}/{split}.log",
    benchmark:
        "logs/data/{source}/{split}.benchmark.tsv"
    # Only what comes over a network can succeed the second time.
    retries: int(sources.may_download(os.environ) and not any(map(os.environ.get, sources.NAMED)))
    conda:
        "../envs/flexnet.yaml"
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        settings=told(jobs.data_settings),
        code=told(jobs.data_code),
    message:
        "Preparing the {wildcards.split} split of {wildcards.source}"
    shell:
        'python "$FLEXNET_SCRIPTS/stage.py" data --settings {params.settings:q} --output {output.arrays:q} --log {log:q}'


rule choose_subset:
    """Choose the images that one seed trains on and is scored on."""
    input:
        manifests=manifests_of,
        # None of a dataset that is only judged.
        training=training_images,
        test=test_images,
    output:
        "{home}results/subsets/{dataset}/seed{seed}.json",
    log:
        "{home}logs/subsets/{dataset}/seed{seed}.log",
    conda:
        "../envs/flexnet.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        settings=told(jobs.subset_settings),
        code=lambda wildcards: code_digest("flexnet.stages.subset:run"),
    message:
        "Choosing the images of {wildcards.dataset} for seed {wildcards.seed}"
    shell:
        'python "$FLEXNET_SCRIPTS/stage.py" subset --settings {params.settings:q} --training {input.training:q}'
        " --test {input.test:q} --output {output:q} --log {log:q}"
