"""What would run, from a clean copy: every target has a plan, and a wrong setting has a message."""

import os
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from flexnet import config as settings
from flexnet.claims.catalogue import packaged_claims
from flexnet.families.registry import families
from flexnet.study.labels import labels_of

Chosen: TypeAlias = Callable[[str, str, str], bool]  # home, figure, protocol
ROOT = Path(__file__).parents[2]
BASE = settings.read_yaml(ROOT / "config/config.yaml")
FIGURES = settings.read_yaml(ROOT / "config/figures.yaml")
SCALES = {"": settings.resolve(BASE)} | {
    f"{name}/": settings.resolve(settings.lay_over(BASE, settings.read_yaml(path)))
    for name, path in settings.scale_files(ROOT / "config/scales")
}
DEMO_SEEDS = SCALES["demo/"]["models"]["vgg16-baseline"]["seeds"]
VARIANTS = {"": "paper", "release/": "release", "corrected/": "corrected"}
PROTOCOLS = tuple(VARIANTS.values())
ASKED = tuple(name for name, family in families().items() if family.subject == "trained")
TRAINED = ("history", *ASKED)  # families of figures that need trained models
SCHEMATIC = tuple(name for name, family in families().items() if family.subject == "modules")
# Families that not every protocol asks.
NOISE = ("paper", "corrected")
SOME = {
    **dict.fromkeys(("noise", "sensor", "corruptions", "bandpass", "drawings"), NOISE),
    **dict.fromkeys(("fourier", "maps"), ("paper",)),
    "audit": NOISE,
    "suite": ("corrected",),
    "losses": ("release", "corrected"),
}
# Models of other networks' gradients, which no figure shows; and families that follow these.
BEHIND, FOLLOWING = {"surrogate"}, ("pgd", "audit")
PAPERS = ("demo/", "night/")  # whose everything is under the paper's protocol
TWINS_ALONE = ("pushpull/table2", "pushpull/table3", "pushpull/fig7")  # at laptop scale
CHOSEN = {  # of which everything of some scales consists
    "night/": ("fig4b", "fig4d", "table3", "audit"),
    "bf16/": ("table2", "table2_controls", "fig3", "fig4c", "fig4c_start", "fig4c_long"),
}


def families_of(figure: dict[str, Any]) -> tuple[str, ...]:
    """The families whose rows a figure shows."""
    return (figure["family"], *figure.get("also", ()))


def is_part(home: str, name: str, protocol: str) -> bool:
    """Whether a figure is part of everything: it is asked there, left in, and takes over no weights."""
    figure, scale = FIGURES[name], home.rstrip("/") or "paper"
    models = settings.series_of(figure, protocol).values()
    return (
        all(is_asked(family, protocol) for family in families_of(figure))
        and protocol in figure.get("protocols", PROTOCOLS)
        and scale not in figure.get("left_out", ())
        and not any("checkpoint" in SCALES[home]["models"][model] for model in models)
    )


def is_whole(home: str, name: str, protocol: str) -> bool:
    """Whether a figure is made under a protocol when everything is asked for.

    The demo makes the paper's; two scales make some figures, that of a night under the paper's.
    """
    showing = [other for other in PROTOCOLS if is_part(home, name, other)]
    first = [other for other in showing if home not in PAPERS or other == "paper"] or showing[:1]
    return protocol in first and name in CHOSEN.get(home, (name,))


def models_of(
    home: str, families: tuple[str, ...], protocols: tuple[str, ...], chosen: Chosen = is_part
) -> set[str]:
    """Models of all figures of some families under some protocols."""
    return {
        model
        for name, figure in FIGURES.items()
        for protocol in protocols
        if set(families_of(figure)) & set(families) and chosen(home, name, protocol)
        for series, model in settings.series_of(figure, protocol).items()
        if home != "laptop/" or name not in TWINS_ALONE or series in ("resnet20", "resnet20-pushpull")
    }


def is_asked(family: str, protocol: str) -> bool:
    """Whether a protocol asks a family: the released code has no noise, and audits are made once."""
    return family not in SOME or protocol in SOME[family]


def seeds(home: str, models: set[str]) -> int:
    return sum(SCALES[home]["models"][model]["seeds"] for model in models)


def expected_jobs(chosen: Chosen, homes: Sequence[str] = tuple(SCALES)) -> dict[str, int]:
    """Jobs of the chosen figures at some scales, from the configuration alone."""
    trained = {home: models_of(home, TRAINED, PROTOCOLS, chosen) for home in homes}
    for home, models in trained.items():
        models |= BEHIND if models_of(home, FOLLOWING, PROTOCOLS, chosen) else set()
    rows = [(home, SCALES[home]["models"][model]) for home in homes for model in trained[home]]
    subsets = {(home, row["dataset"], seed) for home, row in rows for seed in range(row["seeds"])}
    sources = {SCALES[home]["datasets"][row["dataset"]]["source"] for home, row in rows}
    visited = {(home, dataset) for home in homes for dataset in visited_by(home, chosen)}
    drawn = {SCALES[home]["datasets"][dataset]["source"] for home, dataset in visited}
    schematics = sum(figure["family"] in SCHEMATIC for figure in FIGURES.values())
    schematics *= len(homes) - (len(CHOSEN.keys() & set(homes)) if chosen is is_whole else 0)
    results = sum(
        figure["family"] in TRAINED and chosen(home, name, protocol)
        for home in homes
        for name, figure in FIGURES.items()
        for protocol in PROTOCOLS
    )
    return {
        "prepare_data": 2 * len(sources) + len(drawn - sources),
        "choose_subset": len(subsets) + len(visited),
        "train": sum(seeds(home, trained[home]) for home in homes),
        "evaluate": sum(
            seeds(home, models) if families()[family].seeds == "one" else len(models)
            for home in homes
            for family in ASKED
            for protocol in PROTOCOLS
            if (models := models_of(home, (family,), (protocol,), chosen))
        ),
        "collect_rows": results,
        "describe": schematics,
        "draw_figure": results + schematics,
        "judge_claims": len(homes),
    }


def visited_by(home: str, chosen: Chosen) -> set[str]:
    """Datasets that models are judged on and not trained on: drawings."""
    protocols = SCALES[home]["protocols"]
    asked = [
        protocols[protocol]["drawings"]["judged_on"]
        for protocol in PROTOCOLS
        if models_of(home, ("drawings",), (protocol,), chosen)
    ]
    return {dataset for datasets in asked for dataset in datasets.values()}


def test_the_copy_uses_its_own_package(project: Any) -> None:
    done = project.run("-c", "import flexnet; print(flexnet.__file__)")
    assert done.stdout.strip() == str(project.folder / "flexnet/__init__.py")


@pytest.mark.parametrize(
    "arguments",
    [("--dry-run", "demo/figures/fig1.pdf"), ("demo/figures/fig99.pdf",)],
    ids=["a plan", "a wrong target"],
)
def test_a_warm_start_says_what_a_cold_one_says(arguments: tuple[str, ...], project: Any) -> None:
    cold = project.run("-m", "snakemake", "--cores", "2", *arguments)
    warm = project.snakemake(*arguments)
    assert warm.returncode == cold.returncode

    def lines(output: str) -> list[str]:  # without times; jobs of one moment come in any order
        return sorted(line for line in output.splitlines() if not line.startswith("["))

    assert lines(warm.stdout) == lines(cold.stdout)
    assert warm.stdout


def test_every_figure_variant_and_scale_has_a_plan(project: Any) -> None:
    targets = [
        f"{home}figures/{variant}{name}.pdf"
        for home in SCALES
        for variant in VARIANTS
        for name, figure in FIGURES.items()
        if variant == "" or figure["family"] not in SCHEMATIC
        if is_part(home, name, VARIANTS[variant])
    ]
    claims = [f"{home}figures/claims.pdf" for home in SCALES]
    assert project.plan(*targets, *claims) == expected_jobs(is_part)


def test_the_named_targets_are_all_of_that(project: Any) -> None:
    named = {"all" if home == "" else home.rstrip("/"): 1 for home in SCALES}
    assert project.plan(*named) == expected_jobs(is_whole) | named


@pytest.mark.parametrize(
    ("snakefile", "rule"),
    [("Snakefile", "all"), ("workflow/Snakefile", "default")],
    ids=["root", "catalogue"],
)
def test_without_a_target_everything_at_the_papers_scale_is_made(
    snakefile: str, rule: str, project: Any
) -> None:
    counts = project.plan("--snakefile", snakefile)
    assert counts[rule] == counts["judge_claims"] == 1
    assert counts == expected_jobs(is_whole, [""]) | {rule: 1}


@pytest.mark.parametrize(
    ("target", "counts"),
    [
        (
            "figures/fig4d.pdf",
            {
                "prepare_data": 2,
                "choose_subset": 5,
                "train": 15,
                "evaluate": 15,
                "collect_rows": 1,
                "draw_figure": 1,
            },
        ),
        (
            "figures/fig4c.pdf",
            {"prepare_data": 2, "choose_subset": 10, "train": 30, "collect_rows": 1, "draw_figure": 1},
        ),
        (
            "demo/figures/fig4b.pdf",
            {
                "prepare_data": 2,
                "choose_subset": DEMO_SEEDS,
                "train": 3 * DEMO_SEEDS,
                "collect_rows": 1,
                "draw_figure": 1,
            },
        ),
        (
            "figures/table2.csv",
            {
                "prepare_data": 2,
                "choose_subset": 10,
                "train": 40,
                "evaluate": 4,
                "collect_rows": 1,
                "draw_figure": 1,
            },
        ),
        (
            "figures/table3.pdf",
            {
                "prepare_data": 2,
                "choose_subset": 5,
                "train": 6 * 5 + 5,
                "evaluate": 6,
                "collect_rows": 1,
                "draw_figure": 1,
            },
        ),
        ("figures/fig2.pdf", {"describe": 1, "draw_figure": 1}),
    ],
)
def test_one_figure_needs_exactly_its_own_jobs(target: str, counts: dict[str, int], project: Any) -> None:
    assert project.plan(target) == counts


def test_published_figures_are_drawn_without_training(project: Any) -> None:
    rows = {home: list(home.glob("results/rows/*/**/*.csv")) for home in project.folder.glob("published/*/")}
    counts = project.plan("published")
    judged = {claim.figure for claim in packaged_claims()}
    # Of a scale by which no claim is judged there is no ledger to draw.
    ledgers = [home for home, paths in rows.items() if judged & {labels_of(path)[1] for path in paths}]
    assert ledgers
    number = sum(map(len, rows.values()))
    assert counts == {"published": 1, "draw_figure": number, "judge_claims": len(ledgers)}


def test_a_figure_under_a_protocol_that_does_not_ask_its_family_is_refused(project: Any) -> None:
    done = project.snakemake("--dry-run", "demo/figures/release/noise.pdf")
    assert done.returncode == 1
    assert "expected a protocol that asks noise; got one without a section for it" in done.stdout


def test_a_figure_of_families_in_several_units_is_refused_before_anything_is_planned(project: Any) -> None:
    done = project.snakemake("--dry-run", "laptop/figures/layers.pdf")
    assert done.returncode == 1
    assert "laptop/paper: expected the families of layers in one unit of epsilon" in done.stdout
    assert "audit in 'pixel'; ask for it under corrected" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize("figure", ["corruptions", "pushpull/fig6"])
def test_pictures_of_images_that_are_prepared_again_are_drawn_again(
    figure: str, new_project: Callable[[], Any]
) -> None:
    project = new_project()
    made = {
        **{
            f"data/shapes32/{split}{end}": 1
            for split in ("train", "test")
            for end in (".safetensors", ".json")
        },
        f"demo/results/rows/paper/{figure}.csv": 2,
        **{f"demo/figures/{figure}{end}": 3 for end in (".pdf", ".png", ".md", ".csv")},
    }
    for path, moment in made.items():
        file = project.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("made")
        os.utime(file, (1e9 + moment, 1e9 + moment))
    target = f"demo/figures/{figure}.pdf"
    assert project.plan(target) == {}
    again = project.plan(target, "--forcerun", "data/shapes32/test.safetensors")
    assert again == {"prepare_data": 1, "describe": 1, "draw_figure": 1}


@pytest.mark.parametrize(
    ("target", "meant"),
    [("fig4d", "figures/fig4d.pdf"), ("dmeo/figures/fig4b.pdf", "demo/figures/fig4b.pdf")],
)
def test_a_target_that_does_not_exist_is_an_error(target: str, meant: str, project: Any) -> None:
    done = project.snakemake("--dry-run", target)
    assert done.returncode == 1
    assert f"flexnet: No rule to produce {target}; did you mean {meant}" in done.stdout


def test_every_rule_is_described(project: Any) -> None:
    done = project.run("-m", "snakemake", "--list")
    lines = [line for line in done.stdout.splitlines() if not line.startswith("Using")]
    assert len(lines) > 10
    assert all(re.fullmatch(r"\w+ \(.{20,}\)", line) for line in lines), lines


def test_the_targets_are_listed_without_a_number_of_cores(project: Any) -> None:
    done = project.run("-m", "snakemake", "targets")
    assert done.returncode == 0
    assert re.search(r"demo/figures/fig4d\.pdf +paper +[0-9.]+ minutes +- +VGG16 under FGSM", done.stdout)
    assert "Job stats" not in done.stdout


def test_a_slip_behind_config_is_told_before_snakemake_reads_it(project: Any) -> None:
    done = project.snakemake("demo", "--config", "device", "=", "cpu")
    assert done.returncode == 1
    assert "flexnet: --config: expected entries key=value" in done.stdout
    assert "Traceback" not in done.stdout


def test_data_are_looked_for_before_anything_else(project: Any) -> None:
    typed = ("figures/fig4b.pdf", "--config", "device=cpu", "download=false")
    done = project.snakemake(*typed)
    assert done.returncode == 1
    assert done.stdout.count("found in none of these places") == 1
    for word in ("no GPU found", "Preparing", "Traceback", "--settings"):
        assert word not in done.stdout
    assert "--config data_mirror=/path/to/parquet device=cpu download=false" in done.stdout
    assert not (project.folder / "logs").exists()


def test_wrong_settings_on_the_command_line_are_named(project: Any) -> None:
    done = project.snakemake("--dry-run", "demo/figures/fig4b.pdf", "--config", "devise=cpu", "threads=0")
    assert done.returncode == 1
    assert "--config: threads: expected a number of at least 1; got 0" in done.stdout
    assert "--config: top level: unknown key 'devise'; expected keys among ['checkpoint_" in done.stdout
    assert "did you mean 'device'?" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("devise: cpu", ": top level: unknown key 'devise'; expected keys among ["),
        ("device: cpu", ": device: expected keys among ["),
        (
            "recipes: {vgg: {epochs: many}}",
            ": recipes.vgg.epochs: expected a whole number; got 'many'",
        ),
        (
            "models: {vgg16-random: {network: vgg61}}",
            ": models.vgg16-random.network: expected a network; got 'vgg61'; did you",
        ),
        (
            "models: {small-flexible: {options: {layer: {scheme: learnt}}}}",
            ": models.small-flexible.options.layer.scheme: expected one of ['conv', ",
        ),
        (
            "models: {vgg16-random: {seeds: 1}, vgg16-random: {seeds: 2}}",
            ": models.vgg16-random: expected every key once",
        ),
        ("recipes: [}", ": expected a YAML file; got: while parsing"),
    ],
)
def test_a_wrong_setting_in_a_scale_is_named_with_its_file(text: str, message: str, project: Any) -> None:
    path = project.folder / "config/scales/bad.yaml"
    path.write_text(text + "\n")
    try:
        done = project.snakemake("--dry-run", "demo/figures/fig4b.pdf")
    finally:
        path.unlink()
    assert done.returncode == 1
    assert f"flexnet: config/scales/bad.yaml, line 1{message}" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "random: vgg16-random }",
            "random: vgg16-rnadom }",
            ": fig4b.series.random: expected a row of models; got 'vgg16-rnadom'; did you",
        ),
        (
            "family: history",
            "familiy: history",
            ": fig4a: unknown key 'familiy'; expected",
        ),
    ],
)
def test_a_wrong_figure_is_named(old: str, new: str, message: str, project: Any) -> None:
    with project.edited("config/figures.yaml", old, new):
        done = project.snakemake("--dry-run", "demo/figures/fig4b.pdf")
    assert done.returncode == 1
    assert re.search(rf"config/figures\.yaml, line \d+{message}", done.stdout), done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "layer: { scheme: learned, rule: below }",
            "layer: { scheme: learnt, rule: below }",
            ": models.vgg16-flexible.options.layer.scheme: expected one of ['conv', ",
        ),
        ("seed: 0", "seed: 0\nseed: 1", "seed: expected every key once; line"),
    ],
)
def test_a_slip_in_the_main_file_stops_before_any_job(old: str, new: str, message: str, project: Any) -> None:
    """Snakemake's own reader lets the second of two equal keys win."""
    model = project.folder / "demo/results/models/vgg16-flexible/seed1.safetensors"
    model.parent.mkdir(parents=True)
    model.write_text("finished")
    try:
        with project.edited("config/config.yaml", old, new):
            done = project.snakemake("demo/results/models/vgg16-flexible/seed1.safetensors")
        assert model.read_text() == "finished"
    finally:
        shutil.rmtree(project.folder / "demo")
    assert done.returncode == 1
    assert message in done.stdout
    assert "Job stats" not in done.stdout
    assert "Traceback" not in done.stdout


def test_a_file_from_the_command_line_is_named(project: Any) -> None:
    (project.folder / "mine.yaml").write_text("recipes: { vgg: { epoch: 3 } }\n")
    done = project.snakemake("--dry-run", "demo/figures/fig4b.pdf", "--configfile", "mine.yaml")
    assert done.returncode == 1
    assert "mine.yaml: recipes: expected keys of this machine, device, threads" in done.stdout
    (project.folder / "mine.yaml").write_text("threads: 2\nthreads: 3\n")
    done = project.snakemake("--dry-run", "demo/figures/fig4b.pdf", "--configfile", "mine.yaml")
    assert "mine.yaml, line 2: threads: expected every key once; line 1 has it too" in done.stdout


@pytest.mark.parametrize("target", [(), ("demo",)])
def test_a_report_of_nothing_says_what_to_do(target: tuple[str, ...], project: Any) -> None:
    done = project.snakemake("--report", "report.zip", *target)
    assert done.returncode == 1
    assert "expected figures for the report; got none; make some first" in done.stdout
    assert not (project.folder / "report.zip").exists()


def test_snakemake_finds_nothing_to_criticise(project: Any) -> None:
    done = project.snakemake("--lint")
    assert done.returncode == 0, done.stdout
