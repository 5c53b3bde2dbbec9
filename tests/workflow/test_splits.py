"""Sources whose splits have other names, or none to train on, as Snakemake plans them."""

from typing import Any

DRAWINGS = "datasets:\n  drawings: { source: cifar10g-contours, test_per_class: 5 }\n"
PHOTOS = "datasets:\n  photos: { source: imagenette }\n"
MODEL = "models:\n  mine: { like: vgg16-baseline, dataset: %s, options: { input_size: 224 } }\n"


def test_images_are_prepared_and_chosen_by_role(project: Any) -> None:
    with project.edited("config/config.yaml", "datasets:\n", DRAWINGS):
        assert project.plan("results/subsets/drawings/seed1.json") == {"prepare_data": 1, "choose_subset": 1}
    with (
        project.edited("config/config.yaml", "datasets:\n", PHOTOS),
        project.edited("config/config.yaml", "models:\n", MODEL % "photos"),
    ):
        planned = project.snakemake("--dry-run", "results/models/mine/seed1.safetensors")
    assert planned.returncode == 0, planned.stdout
    assert "data/imagenette/val.safetensors" in planned.stdout
    assert "data/imagenette/test" not in planned.stdout
    assert project.counts(planned.stdout) == {"prepare_data": 2, "choose_subset": 1, "train": 1}


def test_a_set_of_drawings_may_be_judged_on_and_not_trained_on(project: Any) -> None:
    targets = [f"data/cifar10g-{name}.json" for name in ("contours/contours", "silhouettes/silhouettes")]
    assert project.plan(*targets) == {"prepare_data": 2}
    with (
        project.edited("config/config.yaml", "datasets:\n", DRAWINGS),
        project.edited("config/config.yaml", "models:\n", MODEL % "drawings"),
    ):
        done = project.snakemake("--dry-run", "results/models/mine/seed1.safetensors")
    assert done.returncode == 1
    assert "models.mine.dataset: expected a dataset to train on; 'drawings' can only be judged" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_split_that_plays_no_role_in_its_source_is_named(project: Any) -> None:
    done = project.snakemake("--dry-run", "data/cifar10/val.json")
    assert done.returncode == 1
    assert "data/cifar10/val: expected a split of sources.cifar10 that plays a role" in done.stdout
