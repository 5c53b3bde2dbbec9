"""What each job is told: its settings, inputs and targets. Functions only.

Settings that identify a computation are canonical: the order of their keys means nothing. A figure's series
are told in the order of the registry, which is the order of captions, legends, panels and tables.
"""

from flexnet.data.catalogue import DATASETS


def data_settings(wildcards):
    """Canonical settings of one split of a source."""
    row = SCALES[""]["sources"][wildcards.source]
    options = {key: row[key] for key in ("size", "channels") if key in row}
    if wildcards.split in row:
        options["n"] = row[wildcards.split]
    content = {key: row[key] for key in ("content",) if key in row}
    return canonical_json(
        {
            "dataset": row["dataset"],
            "split": wildcards.split,
            "options": options,
            **content,
        }
    )


def subset_settings(wildcards):
    """Canonical settings of one seed's choice of images."""
    row = dataset_of(wildcards)[1]
    dataset = SCALES[""]["sources"][row["source"]]["dataset"]
    return canonical_json(
        {
            "row": row,
            "seed": int(wildcards.seed),
            "run_seed": SCALES[""]["seed"],
            "expects": {
                "training": {"dataset": dataset, "split": "train"},
                "test": {"dataset": dataset, "split": "test"},
            },
        }
    )


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


def protocols_of(model):
    """Protocols under which a figure asks for the thresholds family of a model."""
    return [
        protocol
        for protocol in PROTOCOLS
        if any(
            model in settings.series_of(figure, protocol).values()
            for figure in FIGURES.values()
            if figure["family"] == "thresholds"
        )
    ]


def thresholds_settings(wildcards):
    """Canonical settings of the scoring of all seeds of a model."""
    protocols = settings_of(wildcards.scale)["protocols"]
    at_test = row_of(wildcards).get("at_test", {})
    # Figure 3 shows clean accuracy alone.
    clean = {"epsilons": [0]} if "sweep" in at_test else {}
    return canonical_json(
        {
            "model": wildcards.model,
            "at_test": at_test,
            "protocols": {
                name: {
                    **protocols[name]["fgsm"],
                    **protocols[name]["thresholds"],
                    **clean,
                }
                for name in protocols_of(wildcards.model)
            },
        }
    )


def files_of_seeds(wildcards, suffix):
    """Files of all trained seeds of a model."""
    config = settings_of(wildcards.scale)
    return [
        f"{wildcards.scale}results/models/{wildcards.model}/seed{seed}.{suffix}"
        for seed in settings.seeds_of(config, wildcards.model)
    ]


def family_files(wildcards):
    """Files of rows of a figure, by series."""
    figure = FIGURES[wildcards.figure]
    results = f"{wildcards.scale}results"
    pattern = {
        "history": "{results}/models/{model}/seed{seed}.history.csv",
        "fgsm": "{results}/fgsm/{protocol}/{model}/seed{seed}.csv",
        "thresholds": "{results}/thresholds/{model}.csv",
    }[figure["family"]]
    config = settings_of(wildcards.scale)
    files = {
        series: [
            pattern.format(
                results=results, protocol=wildcards.protocol, model=model, seed=seed
            )
            for seed in settings.seeds_of(config, model)
        ]
        for series, model in settings.series_of(figure, wildcards.protocol).items()
    }
    return {series: list(dict.fromkeys(names)) for series, names in files.items()}


def placed(path):
    """A path as jobs find it: of a module with a prefix, below that."""
    return str(MODIFIER.modify_path(path))


def describe_settings(wildcards):
    """Settings of the description of a schematic's networks, in the order of the registry."""
    models = settings_of(wildcards.scale)["models"]
    figure = FIGURES[wildcards.figure]
    series = settings.series_of(figure, wildcards.protocol)
    described = {
        name: {
            "network": models[model]["network"],
            "options": models[model].get("options", {}),
        }
        for name, model in series.items()
    }
    return ordered_json(
        {
            "figure": wildcards.figure,
            "protocol": wildcards.protocol,
            "series": described,
            **{key: figure[key] for key in ("example",) if key in figure},
        }
    )


def describe_code(wildcards):
    """Digest of the code that describes a schematic's networks."""
    models = settings_of(wildcards.scale)["models"]
    series = settings.series_of(FIGURES[wildcards.figure], wildcards.protocol)
    modules = {module_of(models[model]["network"]) for model in series.values()}
    return code_digest("flexnet.stages.describe", *sorted(modules))


def collect_settings(wildcards):
    """Settings of the join of a figure's rows, in the order of the registry."""
    return ordered_json(
        {
            "figure": wildcards.figure,
            "protocol": wildcards.protocol,
            "series": {
                series: list(map(placed, files))
                for series, files in family_files(wildcards).items()
            },
        }
    )


def training_images(config, dataset):
    """Number of training images of a configured dataset."""
    row = config["datasets"][dataset]
    source = config["sources"][row["source"]]
    classes = settings.classes_of(config, dataset)
    if row.get("per_class"):
        return row["per_class"] * classes
    if "train" in source:
        return source["train"]
    return max(DATASETS[source["dataset"]].splits["train"])


def reductions_of(model):
    """What a caption must say of a network that is smaller than the paper's."""
    options = model.get("options", {})
    factors = [
        f"{options[key]:g} of its {word}"
        for key, word in (("width", "width"), ("dropout", "dropout rates"))
        if options.get(key, 1) != 1
    ]
    return f" (with {' and '.join(factors)})" if factors else ""


def evidence_of(home):
    """Whether the rows of a home may be judged; never those of a scale that is unknown here."""
    name = scale_of(home)
    known = name == "paper" or f"{name}/" in SCALES
    return known and settings.is_evidence(settings_of(home), FIGURES)


def ledger_settings(wildcards):
    """Canonical settings of the judgement of all claims."""
    config = settings_of(wildcards.home)
    datasets = {
        name: config["models"][next(iter(figure["series"].values()))]["dataset"]
        for name, figure in FIGURES.items()
    }
    return canonical_json(
        {
            "scale": scale_of(wildcards.home),
            "note": note_of(wildcards.home),
            "evidence": evidence_of(wildcards.home),
            "classes": {
                figure: settings.classes_of(config, dataset)
                for figure, dataset in datasets.items()
            },
        }
    )


def uniform_thresholds(config, models):
    """The one threshold that each series' model was trained with, of those that have one."""
    layers = {
        series: config["models"][model].get("options", {}).get("layer", {})
        for series, model in models.items()
    }
    return {
        series: layer["value"]
        for series, layer in layers.items()
        if layer.get("scheme") == "uniform"
    }


def title_of(home, source):
    """What a caption calls a source, and that its content is not the official one where it may not be.

    Published rows were made with the configuration of then: what is allowed today says nothing of them.
    """
    doubt = " (content not the official one, or not known to be)"
    other = home in SCALES and source.get("content") == "other"
    return source["title"] + (doubt if other else "")


def facts_of(home, figure, protocol):
    """What caption and legend must know beside the table."""
    config = settings_of_rows(home, protocol, figure)
    described = FIGURES[figure]
    models = settings.series_of(described, protocol)
    model = config["models"][next(iter(models.values()))]
    source = config["sources"][config["datasets"][model["dataset"]]["source"]]
    return {
        "scale": scale_of(home),
        "protocol": protocol,
        "dataset": title_of(home, source),
        "series": list(models),
        "labels": described.get("labels", {}),
        "thresholds": uniform_thresholds(config, models),
        "classes": settings.classes_of(config, model["dataset"]),
        "train_images": training_images(config, model["dataset"]),
        "epochs": config["recipes"][model["recipe"]]["epochs"],
        "network": described["network"] + reductions_of(model),
        "note": config["note"].strip(),
        "published": described.get("published", ""),
        "evidence": evidence_of(home),
    }


def figure_settings(wildcards):
    """Settings of one drawing, in the order of the registry."""
    protocol = VARIANTS[wildcards.variant]
    return ordered_json(
        {
            "figure": wildcards.figure,
            "facts": facts_of(wildcards.home, wildcards.figure, protocol),
            "caption": FIGURES[wildcards.figure]["caption"],
        }
    )


def figure_note(wildcards):
    """What readers of the report must know of a figure's rows."""
    protocol = VARIANTS[wildcards.variant]
    config = settings_of_rows(wildcards.home, protocol, wildcards.figure)
    return config["note"].strip()


def figure_code(wildcards):
    """Digest of the code that draws one figure."""
    script = file_digest(ROOT / "workflow/scripts/draw.py")
    return script + code_digest(f"flexnet.figures.{wildcards.figure}")


def figure_rows(wildcards):
    """Rows that a figure shows."""
    return rows_file(wildcards.home, VARIANTS[wildcards.variant], wildcards.figure)


def ledger_rows(wildcards):
    """Rows of every figure and protocol; of published rows, those that there are."""
    home = wildcards.home
    return [
        rows_file(home, protocol, figure)
        for protocol in PROTOCOLS
        for figure in FIGURES
        if figure not in SCHEMATICS
        if home not in PUBLISHED or is_published(home, protocol, figure)
    ]


def everything(home):
    """All figures under every protocol (schematics under one), and the ledger of claims."""
    figures = [
        f"{home}figures/{variant}{figure}.pdf"
        for variant, protocol in VARIANTS.items()
        for figure in FIGURES
        if protocol == "paper" or figure not in SCHEMATICS
    ]
    return [*figures, f"{home}figures/claims.pdf", f"{home}results/claims.csv"]


def claims_data(wildcards):
    """The papers' claims and numbers, which judge results and mark figures."""
    papers = sorted((ROOT / "flexnet/claims").glob("*.yaml"))
    return [ordered_json(settings.read_yaml(paper)) for paper in papers]


def is_made(path):
    """Whether a file is there, as jobs find it."""
    return Path(placed(path)).is_file()


def for_report():
    """Whether Snakemake only packs a report of what there is."""
    makes_report = any(word.startswith("--report") for word in sys.argv)
    return makes_report and workflow.execution_settings is None


def wanted(home, every_home=False):
    """What a named target stands for: everything of a scale; for a report, what there is of it."""
    if not for_report():
        return everything(home)
    homes = [*SCALES, *PUBLISHED] if every_home else [home]
    made = {home: list(filter(is_made, everything(home))) for home in homes}
    # A ledger without its figure was not made here, but came with published rows.
    found = [
        name
        for home, names in made.items()
        for name in names
        if f"{home}figures/claims.pdf" in names or not name.endswith("claims.csv")
    ]
    if not found:
        raise WorkflowError(
            "expected figures for the report; got none; make some first, such as `snakemake demo`, or name"
            " them: `snakemake published/laptop/figures/fig4c.pdf --report report.zip`"
        )
    return found
