"""Costs before anything has run: from a table of speeds, by what jobs do, on the cores that there are."""

from pathlib import Path

import pytest

from benchmarks.speeds import kin_of
from flexnet.errors import ConfigError
from flexnet.study import cost, speeds
from flexnet.study.configuration import Given, load_figures, load_scales
from flexnet.study.cost import Task, in_words, notice, plan_seconds, task_seconds
from flexnet.study.places import Places
from flexnet.study.study import Study
from flexnet.study.took import compared, told
from flexnet.yaml_files import read_yaml

ROOT = Path(__file__).parents[2]


def make_study(here: Path) -> Study:
    places = Places(ROOT, here)
    scales = load_scales(places, read_yaml(ROOT / "workflow/schemas/config.schema.yaml"), Given())
    figures = load_figures(places, read_yaml(ROOT / "workflow/schemas/figures.schema.yaml"), scales)
    return Study(scales, figures, {}, here)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return make_study(tmp_path_factory.mktemp("here"))


def trained(model: str) -> Task:
    return Task("train", {"home": "laptop/", "model": model, "seed": "1"})


def attacked(model: str, protocol: str = "paper") -> Task:
    said = {"home": "laptop/", "model": model, "family": "fgsm", "protocol": protocol, "seeds": "seed1"}
    return Task("evaluate", said)


@pytest.mark.parametrize(
    ("task", "took"),
    [  # core seconds of the runs behind the published rows
        (trained("vgg16-baseline"), 430),
        (trained("vgg16-random-1000"), 790),
        (trained("hmax"), 219),
        (trained("hmax-c1"), 361),
        (attacked("vgg16-random"), 155),
        (attacked("vgg16-random", "corrected"), 275),
        (attacked("vgg16-flexible", "corrected"), 14),
    ],
)
def test_jobs_cost_what_they_took_within_half_as_much(task: Task, took: float, study: Study) -> None:
    seconds = task_seconds(study, task)
    assert seconds is not None
    assert took / 1.5 < seconds < took * 1.5


def test_each_loss_of_an_attack_costs_as_much(study: Study) -> None:
    said = {"model": "vgg16-flexible", "protocol": "corrected", "seeds": "all", "home": ""}
    one, all_three = (
        task_seconds(study, Task("evaluate", {**said, "family": f})) for f in ("fgsm", "losses")
    )
    assert one is not None
    assert all_three == pytest.approx(cost.START + 3 * (one - cost.START))


def test_weights_from_elsewhere_cost_what_the_same_network_does(study: Study) -> None:
    said = {"home": "", "family": "corruptions", "protocol": "paper", "seeds": "all"}
    one, twin = (
        task_seconds(study, Task("evaluate", {**said, "model": name}))
        for name in ("resnet20-published", "resnet20")
    )
    assert one is not None
    assert twin is not None
    seeds = study.model("", "resnet20")["seeds"]
    assert one == pytest.approx(cost.START + (twin - cost.START) / seeds, rel=0.3)
    assert one > 300


def test_every_model_of_every_scale_has_a_speed(study: Study) -> None:
    for home, config in study.scales.items():
        for model in cost.timed_models(study, home):
            key = speeds.speed_key(config, model)  # none of one that is imported
            assert key is None or key in speeds.speeds()
    assert cost.timed_models(study, "laptop/") == list(study.config("laptop/")["models"])
    named = {f"vgg16-{name}" for name in ("baseline", "flexible", "random", "above", "max", "blend")}
    named.add("surrogate")  # whose gradient Table 3 follows
    assert set(cost.timed_models(study, "night/")) == named


def test_networks_that_a_figure_does_not_show_but_needs_are_counted_once(study: Study) -> None:
    tasks = cost.figure_tasks(study, "", "paper", "table3")
    trained = [task.wildcards["model"] for task in tasks if task.rule == "train"]
    shown = set(study.series("", "table3", "paper").values())
    assert set(trained) == {*shown, "surrogate"}
    assert trained.count("surrogate") == max(trained.count(name) for name in shown)


def test_a_new_row_of_the_table_is_timed_beside_one_of_its_precision() -> None:
    """A machine may be five times as fast as that of the table in bf16, and as fast in float32."""
    known = {f'["{name}",{{}},100,"{kind}",[]]': 1.0 for name in ("a", "b") for kind in ("float32", "bf16")}
    known[speeds.REFERENCE_KEY] = 1.0
    for name, kin in (("b", "b"), ("c", "a")):
        for kind in ("float32", "bf16"):
            assert kin_of(f'["{name}",{{"w":2}},50,"{kind}",[]]', known, list(known)) == (
                f'["{kin}",{{}},100,"{kind}",[]]'
            )
    assert kin_of('["a",{},100,"fp8",[]]', known, list(known)) == speeds.REFERENCE_KEY


def test_what_will_be_trained_is_timed_beside_the_reference(study: Study) -> None:
    config = study.config("demo/")
    known = speeds.speed_key(config, "hmax")
    assert list(speeds.to_time([(config, "hmax")])) == [speeds.REFERENCE_KEY, known]
    models = {**config["models"], "mine": {**config["models"]["hmax"], "options": {"width": 0.37}}}
    own = {**config, "models": models}
    asked = [(own, "hmax"), (own, "mine"), (own, "hmax"), (own, "mine")]
    lacking = speeds.speed_key(own, "mine")
    assert list(speeds.to_time(asked)) == [speeds.REFERENCE_KEY, lacking, known]  # first what the table lacks


def test_networks_that_are_long_to_time_are_not(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    config = study.config("laptop/")
    keys = [str(speeds.speed_key(config, f"vgg16-{name}")) for name in ("baseline", "flexible", "max")]
    half, most = speeds.PATIENCE / speeds.TIMED / 2, speeds.PATIENCE / speeds.TIMED
    monkeypatch.setattr(speeds, "speeds", lambda: dict(zip(keys, (half, most, half), strict=True)))
    asked = [(config, f"vgg16-{name}") for name in ("baseline", "flexible", "max")]
    assert list(speeds.to_time(asked)) == [speeds.REFERENCE_KEY, keys[0], keys[2]]
    many = [(config, name) for name in config["models"] if speeds.speed_key(config, name) not in keys]
    assert len(speeds.to_time(many)) == 1 + speeds.MOST


def test_what_was_timed_here_counts_before_the_table(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine as fast as the table's in float32, and four times as fast in bf16."""
    monkeypatch.setattr(speeds, "_MEASURED", {})
    config, table = study.config("laptop/"), speeds.speeds()
    key = str(speeds.speed_key(config, "vgg16-baseline"))
    here = {speeds.REFERENCE_KEY: table[speeds.REFERENCE_KEY], key: table[key] / 4}
    assert speeds.learn(here) == 1
    assert speeds.seconds_per_image(config, "vgg16-baseline") == table[key] / 4
    assert speeds.seconds_per_image(config, "hmax") == table[str(speeds.speed_key(config, "hmax"))]


def test_a_machine_that_is_twice_as_slow_takes_twice_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speeds, "_MEASURED", {})
    reference = speeds.speeds()[speeds.REFERENCE_KEY]
    assert speeds.learn({speeds.REFERENCE_KEY: 2 * reference, "mine": 6.0}) == pytest.approx(2)
    assert speeds.known()["mine"] == pytest.approx(3.0)  # as the machine of the table has it


def test_jobs_share_the_cores_and_none_is_faster_than_alone() -> None:
    gaps = cost.BETWEEN
    assert plan_seconds([10.0] * 4, 2, 1) == 20 + 4 * gaps
    assert plan_seconds([100.0, 1.0], 8, 1) == 100 + 2 * gaps
    assert plan_seconds([100.0], 8, 4, factor=2.0) == 50 + gaps
    assert plan_seconds([], 2, 1) == 0


def test_a_model_of_two_figures_is_trained_once(study: Study) -> None:
    one = cost.elsewhere(study, "laptop/", ["figures/fig4b.pdf"], 2)
    both = cost.elsewhere(study, "laptop/", ["figures/fig4b.pdf", "figures/fig4d.pdf"], 2)
    alone = cost.elsewhere(study, "laptop/", ["figures/fig4d.pdf"], 2)
    assert one is not None
    assert both is not None
    assert alone is not None
    assert one < alone <= both < alone * 1.1


def test_the_notice_says_what_how_long_on_which_cores_and_what_is_sooner() -> None:
    others = [("snakemake published/x", None), ("snakemake demo/x", 90.0)]
    words = notice({"train": 15, "evaluate": 3}, "laptop", 7200.0, 2, others)
    assert "15 training runs, 3 evaluations at laptop scale will take about 2.0 hours on 2 cores" in words
    assert words.splitlines()[1:] == [
        "  snakemake published/x    published rows, seconds",
        "  snakemake demo/x    about 1.5 minutes",
    ]
    assert "not known" in notice({"train": 1}, "paper", None, 1, [])


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 seconds"), (59, "59 seconds"), (60, "1.0 minutes"), (5400, "1.5 hours"), (200_000, "2.3 days")],
)
def test_durations_are_said_as_people_do(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_what_jobs_took_stands_beside_what_was_predicted(tmp_path: Path) -> None:
    study = make_study(tmp_path)
    with pytest.raises(ConfigError, match="got none; make a figure first"):
        compared(study, "laptop/")
    head = "s\th:m:s\tmean_load\tcpu_time\n"
    for seed in (1, 2):
        path = tmp_path / f"laptop/logs/train/hmax/seed{seed}.benchmark.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{head}500.0\t0:08:20\t50\t200.0\n")
    (row,) = compared(study, "laptop/")
    assert (row.jobs, row.cores, row.clock) == (2, 400.0, 1000.0)
    assert row.predicted == pytest.approx(2 * (task_seconds(study, trained("hmax")) or 0))
    assert "training of hmax" in told([row])
