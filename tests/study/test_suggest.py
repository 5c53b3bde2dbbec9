"""Whatever is plausible as a target finds the one that was meant, and nothing else pretends to."""

from pathlib import Path

import pytest

from flexnet.study.configuration import Given, load_figures, load_scales
from flexnet.study.listing import finished_words, listing
from flexnet.study.places import Places
from flexnet.study.study import Study
from flexnet.study.suggest import did_you_mean, nearest_targets
from flexnet.yaml_files import read_yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    here = tmp_path_factory.mktemp("here")
    places = Places(ROOT, here)
    scales = load_scales(places, read_yaml(ROOT / "workflow/schemas/config.schema.yaml"), Given())
    figures = load_figures(places, read_yaml(ROOT / "workflow/schemas/figures.schema.yaml"), scales)
    published = {f"published/{name}/": folder for name, folder in places.published().items()}
    return Study(scales, figures, published, here)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("fig4d", "figures/fig4d.pdf"),
        ("figures/fig4d", "figures/fig4d.pdf"),
        ("figure/fig4d.pdf", "figures/fig4d.pdf"),
        ("figures/fig4d.svg", "figures/fig4d.pdf"),
        ("Fig4D.PDF", "figures/fig4d.pdf"),
        ("figure4d", "figures/fig4d.pdf"),
        ("4d", "figures/fig4d.pdf"),
        ("table_2", "figures/table2.pdf"),
        ("figures/table2controls.csv", "figures/table2_controls.csv"),
        ("figures/paper/fig4d.pdf", "figures/fig4d.pdf"),
        ("labtop", "laptop"),
        ("laptop/figures/", "laptop"),
        ("publised", "published"),
        ("target", "targets"),
        ("paper", "all"),
        ("figures", "all"),
        ("demo/fig4d", "demo/figures/fig4d.pdf"),
        ("dmeo/figures/fig4b.pdf", "demo/figures/fig4b.pdf"),
        ("figures/fig4d/release.pdf", "figures/release/fig4d.pdf"),
        ("laptop/figures/coreccted/fig4b.png", "laptop/figures/corrected/fig4b.png"),
        ("published/laptop/fig4c", "published/laptop/figures/fig4c.pdf"),
        ("claim", "figures/claims.pdf"),
        ("demo/results/claim.csv", "demo/results/claims.csv"),
        ("results/models/hmaxx/seed1.safetensors", "results/models/hmax/seed1.safetensors"),
        ("data/cifar/train.safetensors", "data/cifar10/train.safetensors"),
    ],
)
def test_the_first_suggestion_is_what_was_meant(asked: str, meant: str, study: Study) -> None:
    assert nearest_targets(study, asked)[0] == meant


def test_a_figure_without_its_scale_is_offered_at_every_scale(study: Study) -> None:
    found = nearest_targets(study, "fig4d")
    assert {"figures/fig4d.pdf", "laptop/figures/fig4d.pdf", "demo/figures/fig4d.pdf"} <= {*found}
    assert nearest_targets(study, "demo/fig4d") == ["demo/figures/fig4d.pdf"]


@pytest.mark.parametrize("asked", ["xyz", "README.md", "nothing/like/this.txt"])
def test_what_is_like_nothing_gets_no_suggestion_but_the_list(asked: str, study: Study) -> None:
    assert nearest_targets(study, asked) == []
    assert did_you_mean(study, asked) == "; `snakemake targets` lists every figure"


def test_a_figure_that_a_protocol_does_not_ask_is_never_offered(study: Study) -> None:
    assert "figures/release/noise.pdf" not in nearest_targets(study, "figures/release/nois.pdf")


def test_the_list_has_every_figure_with_all_that_is_asked_of_it(study: Study) -> None:
    lines = listing(study, 2).splitlines()
    rows = {line.split()[0]: line for line in lines if ".pdf" in line}
    for name, row in study.figures.items():
        for home in filter(lambda home: study.is_named(home, name), study.scales):
            # Most are asked under the paper's protocol; the standard suite is under the corrected one alone.
            variant, protocol = next(
                (variant, protocol)
                for variant, protocol in study.variants.items()
                if study.shown(home, name, protocol)
            )
            line = rows[f"{home}figures/{variant}{name}.pdf"]
            assert row["shows"] in line
            assert f" {protocol} " in line
            assert any(unit in line for unit in ("seconds", "minutes", "hours", "days"))
    for home in study.scales:  # drawing the ledger of a scale makes all of it; that of published rows nothing
        assert any(unit in rows[f"{home}figures/claims.pdf"] for unit in ("minutes", "hours", "days"))
    assert all(" seconds " in line for target, line in rows.items() if target.startswith("published/"))
    assert "not known" not in "\n".join(lines)
    assert "figures/release/noise.pdf" not in rows
    assert " release " in rows["laptop/figures/release/fig4d.pdf"]


def test_the_list_tells_what_is_there(study: Study, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo/figures").mkdir(parents=True)
    (tmp_path / "demo/figures/fig4d.pdf").touch()
    made = [line.split()[0] for line in listing(study, 2).splitlines() if "  yes  " in line]
    assert made == ["demo/figures/fig4d.pdf"]


def test_after_a_run_its_figures_are_told_and_what_to_look_at_first(study: Study) -> None:
    words = finished_words(
        study, ["demo/figures/fig4b.pdf", "demo/figures/fig4d.pdf", "demo/figures/fig4d.md"]
    )
    assert words.count("VGG16") == 2
    assert words.endswith("Look first at demo/figures/fig4d.pdf\n")
    assert finished_words(study, ["data/shapes32/train.json"]) == ""


def test_after_a_run_of_many_figures_other_protocols_are_told_by_folder(
    study: Study,
) -> None:
    paths = [f"demo/figures/{part}{name}.pdf" for name in study.figures for part in ("", "release/")]
    words = finished_words(study, paths)
    assert "demo/figures/release/fig4d.pdf" not in words
    assert "under other protocols: demo/figures/release" in words
