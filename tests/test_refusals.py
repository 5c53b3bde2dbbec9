"""What is refused before the first job: slips in every section, with file, key, value and the nearest "
"name."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flexnet import config as settings
from flexnet.errors import ConfigError
from flexnet.yaml_files import read_yaml

ROOT = Path(__file__).parents[1]
MAIN, DEMO, FIGURES = "config/config.yaml", "config/scales/demo.yaml", "config/figures.yaml"
Edit = tuple[str, str, str]


def load(folder: Path) -> None:
    """Check the configuration of a folder as the workflow does."""
    schemas = {
        name: read_yaml(ROOT / f"workflow/schemas/{name}.schema.yaml") for name in ("config", "figures")
    }
    main, scale, figures = (read_yaml(folder / name) for name in (MAIN, DEMO, FIGURES))
    parts = [settings.Part(MAIN, main), settings.Part("--config", main)]
    base = settings.load(main, schemas["config"], parts)
    merged = settings.lay_over(main, scale)
    demo = settings.load(merged, schemas["config"], [*parts, settings.Part(DEMO, scale)])
    settings.check_scale(scale, DEMO)
    settings.check(figures, schemas["figures"], FIGURES)
    settings.check_figures(figures, base, FIGURES)
    settings.check_named({"": base, "demo/": demo}, figures)


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Replace the first of some text in a copy of the shipped files; return the message."""
    monkeypatch.chdir(tmp_path)

    def edit(*edits: Edit) -> str:
        for name in (MAIN, DEMO, FIGURES):
            path = Path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
        for name, old, new in edits:
            text = Path(name).read_text(encoding="utf-8")
            assert old in text, f"{name} does not hold {old!r}"
            Path(name).write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(ConfigError) as caught:
            load(Path())
        return str(caught.value)

    return edit


def test_what_is_shipped_is_accepted() -> None:
    load(ROOT)


SLIPS: dict[str, tuple[Edit, str]] = {
    "scheme": (
        (MAIN, "layer: { scheme: learned, rule: below }", "layer: { scheme: learnt, rule: below }"),
        f"{MAIN}: models.vgg16-flexible.options.layer.scheme: expected one of ['conv', 'learned', 'frozen', "
        "'redrawn', 'uniform', 'random', 'max', 'blend']; got 'learnt'; did you mean 'learned'?",
    ),
    "rule": (
        (MAIN, "layer: { rule: above }", "layer: { rule: abvoe }"),
        "models.vgg16-above.options.layer.rule: expected one of ['below', 'above']; got 'abvoe'; "
        "did you mean 'above'?",
    ),
    "init": (
        (MAIN, "per: layer, init: zeros }", "per: layer, init: zero }"),
        "models.small-scalar-release.options.layer.init: expected one of ['normal', 'zeros', 'uniform'] or a "
        "pair (mean, std) with std >= 0; got 'zero'; did you mean 'zeros'?",
    ),
    "per": (
        (MAIN, "per: layer, init: zeros }", "per: unti, init: zeros }"),
        "layer.per: expected one of ['unit', 'channel', 'layer']; got 'unti'; did you mean 'unit'?",
    ),
    "matching": (
        (MAIN, "layer: { scheme: blend }", "layer: { scheme: blend, matching: tyle }"),
        "models.vgg16-blend.options.layer.matching: expected one of ['tile', 'interleave', 'interp']; got "
        "'tyle'",
    ),
    "layer-key": (
        (MAIN, "layer: { scheme: blend }", "layer: { shceme: blend }"),
        "models.vgg16-blend.options.layer: unknown key 'shceme'; expected keys among ['bias', 'init', ",
    ),
    "uniform-without-value": (
        (MAIN, "layer: { scheme: uniform, value: 0.1 }", "layer: { scheme: uniform }"),
        f"{MAIN}: models.small-uniform.options.layer.scheme: expected a value with the scheme 'uniform'; "
        "got none",
    ),
    "value-without-uniform": (
        (MAIN, "layer: { scheme: max }", "layer: { scheme: max, value: 0.1 }"),
        "models.vgg16-max.options.layer.value: the scheme 'uniform' and no other takes a value; got "
        "scheme 'max'",
    ),
    "value-nan": (
        (MAIN, "scheme: uniform, value: 0.1", "scheme: uniform, value: .nan"),
        "models.small-uniform.options.layer.value: expected a number; got nan",
    ),
    "sharpness": (
        (MAIN, "layer: { scheme: blend }", "layer: { sharpness: -50 }"),
        "options.layer.sharpness: expected a positive number; the rule sets the direction; got -50",
    ),
    "option": (
        (DEMO, "width: 0.125", "widht: 0.125"),
        f"{DEMO}: models.vgg16-baseline.options: unknown key 'widht'; expected keys among ['channels', "
        "'classes', ",
    ),
    "option-as-text": (
        (DEMO, "width: 0.125", 'width: "0.125"'),
        f"{DEMO}: models.vgg16-baseline.options.width: expected a positive number; got '0.125', which is "
        "text; "
        "write 0.125",
    ),
    "option-out-of-range": (
        (DEMO, "dropout: 0.125", "dropout: 1.25"),
        f"{DEMO}: models.vgg16-baseline.options.dropout: expected a number in [0, 1]; got 1.25",
    ),
    "layer-number": (
        (MAIN, "flexible: all", "flexible: [99]"),
        "models.vgg16-all.options.flexible.0: expected a whole number from 1 to 13; got 99",
    ),
    "layer-number-twice": (
        (MAIN, "flexible: all", "flexible: [1, 2, 2]"),
        "models.vgg16-all.options.flexible: expected layer numbers from 1 to 13, none of them twice",
    ),
    "flexible-name": (
        (MAIN, "flexible: all", "flexible: al"),
        "options.flexible: expected one of ['none', 'single', 'all'] or a list of layer numbers from 1 to "
        "13; "
        "got 'al'; did you mean 'all'?",
    ),
    "idle-layer": (
        (MAIN, "      flexible: single\n      layer: { scheme: random }", "      layer: { scheme: random }"),
        f"{MAIN}: models.vgg16-random.options.layer: these options have no effect: the network has no "
        "such layer",
    ),
    "classes": (
        (DEMO, "width: 0.125", "classes: 9"),
        f"{DEMO}: models.vgg16-baseline.options.classes: expected at least the 10 classes of dataset "
        "'cifar10'",
    ),
    "images": (
        (MAIN, "dataset: fashion-mnist\n", "dataset: cifar10\n"),
        f"{MAIN}: models.small-baseline.dataset: expected images of 1 x 28 x 28, as the network 'small' has "
        "by its options channels and input_size; dataset 'cifar10' has 3 x 32 x 32; choose another",
    ),
    "input-size": (
        (DEMO, "options: { width: 0.1 }", "options: { width: 0.1, input_size: 32 }"),
        f"{MAIN}: models.hmax.dataset: expected images of 1 x 32 x 32, as the network 'hmax' has",
    ),
    "images-of-a-scale": (
        (DEMO, "fashion-mnist:\n    source: shapes28", "fashion-mnist:\n    source: shapes32"),
        "models.small-baseline.dataset: expected images of 1 x 28 x 28, as the network 'small' has by its "
        "options channels and input_size; dataset 'fashion-mnist' has 3 x 32 x 32",
    ),
    "normalise": (
        (MAIN, "normalise: none", "normalise: non"),
        "models.small-low.options.normalise: expected one of "
        "['imagenet', 'half', 'none', 'cifar10', 'mnist', 'cifar10-grey']; got 'non'; did you",
    ),
    "normalise-channels": (
        (MAIN, "normalise: none", "normalise: imagenet"),
        "models.small-low.options.normalise: 'imagenet' has statistics for 3 channels, but the images have 1",
    ),
    "intervention": (
        (MAIN, '"normal(0.5,0.1)"', '"normal(0.5 0.1)"'),
        f"{MAIN}: models.small-flexible.at_test.interventions.3: expected one of ['trained', 'shuffled', "
        "'redrawn']"
        " or 'normal(mean,deviation)' with deviation >= 0; got 'normal(0.5 0.1)'; did you mean "
        "'normal(0.5,0.1)'?",
    ),
    "intervention-word": (
        (MAIN, "[shuffled, redrawn,", "[shufled, redrawn,"),
        "interventions.0: expected one of ['trained', 'shuffled', 'redrawn'] or 'normal(mean,deviation)' "
        "with "
        "deviation >= 0; got 'shufled'; did you mean 'shuffled'?",
    ),
    "intervention-twice": (
        (MAIN, "[shuffled, redrawn,", "[shuffled, shuffled,"),
        "models.small-flexible.at_test.interventions: expected interventions, none of them twice",
    ),
    "intervention-deviation": (
        (MAIN, '"normal(0.5,0.1)"', '"normal(0.5,-0.1)"'),
        "models.small-flexible.at_test.interventions.3: expected one of",
    ),
    "intervention-without-thresholds": (
        (
            MAIN,
            "layer: { scheme: learned, rule: below }\n    at_test",
            "layer: { scheme: conv }\n    at_test",
        ),
        f"{MAIN}: models.small-flexible.at_test.interventions: expected a network whose layer stores "
        "thresholds "
        "(scheme learned, frozen, redrawn); got one with the scheme 'conv'",
    ),
    "sweep-without-uniform": (
        (MAIN, "layer: { scheme: uniform, value: 0.1 }\n    at_test", "layer: { scheme: max }\n    at_test"),
        f"{MAIN}: models.small-low.at_test.sweep: expected a network with a layer of the scheme "
        "'uniform'; got one "
        "with the scheme 'max'",
    ),
    "sweep-comma": (
        (MAIN, "sweep: [0, 0.1, 0.2,", "sweep: [0, 0,1, 0,2,"),
        f"{MAIN}: models.small-low.at_test.sweep: expected thresholds, none of them twice; got [0, 0, 1, "
        "0, 2, ",
    ),
    "epsilon-comma": (
        (MAIN, "epsilons: [0, 0.1]", "epsilons: [0, 0,1]"),
        "protocols.paper.interventions.epsilons: expected numbers, none of them twice; got [0, 0, 1]",
    ),
    "epsilon-octal": (
        (MAIN, "epsilons: [0, 0.05]", "epsilons: [0, 0,05]"),
        "interventions.epsilons.2: expected a decimal number, its point a dot; got 05, which YAML reads as 5",
    ),
    "epsilon-too-large": (
        (MAIN, "epsilons: [0, 0.05]", "epsilons: [0, 8]"),
        f"{MAIN}: protocols.corrected.interventions.epsilons.1: expected at most 1, the whole range of the "
        "space "
        "'pixel'; got 8",
    ),
    "epsilon-too-large-normalised": (
        (MAIN, "epsilons: [0, 0.1]", "epsilons: [0, 16]"),
        "protocols.paper.interventions.epsilons.1: expected at most 4.757, the whole range of the space "
        "'normalised'",
    ),
    "loss": (
        (MAIN, "loss: negative_logit", "loss: negativ_logit"),
        "protocols.release.fgsm.loss: expected one of ['cross_entropy', 'negative_logit', 'margin']; got "
        "'negativ_logit'; did you mean 'negative_logit'?",
    ),
    "clamp": (
        (MAIN, "clamp: valid", "clamp: loose"),
        f"{MAIN}: protocols.paper.pgd.clamp: expected 'valid', the only clamp of the space 'pixel'; "
        "got 'loose'",
    ),
    "seeds": (
        (MAIN, "seeds: 5", "seeds: 0"),
        f"{MAIN}: models.vgg16-baseline.seeds: expected a number of at least 1; got 0",
    ),
    "epochs": (
        (MAIN, "epochs: 150", "epochs: 1e3"),
        f"{MAIN}: recipes.vgg.epochs: expected a whole number; got '1e3', which is text; write 1000",
    ),
    "recipe-key": (
        (DEMO, "learning_rate: 0.02", "learning_rat: 0.02"),
        f"{DEMO}: recipes.vgg: unknown key 'learning_rat'; expected keys among ['adversarial', 'augment', ",
    ),
    "like": (
        (MAIN, "like: vgg16-baseline\n", "like: vgg16-baselin\n"),
        f"{MAIN}: models.vgg16-flexible.like: expected another row; got 'vgg16-baselin'; did you mean "
        "'vgg16-baseline'?",
    ),
    "dataset": (
        (MAIN, "dataset: cifar10-1000", "dataset: cifar10-100"),
        f"{MAIN}: models.vgg16-baseline-1000.dataset: expected a row of datasets; got 'cifar10-100'; did "
        "you mean "
        "'cifar10-1000'?",
    ),
    "recipe": (
        (MAIN, "recipe: range-release", "recipe: range-relase"),
        "models.small-low-release.recipe: expected a row of recipes; got 'range-relase'; did you mean "
        "'range-release'?",
    ),
    "network": (
        (MAIN, "network: hmax", "network: hmx"),
        f"{MAIN}: models.hmax.network: expected a network; got 'hmx'; did you mean 'hmax'?",
    ),
    "source": (
        (DEMO, "source: shapes28", "source: shapes2"),
        f"{DEMO}: datasets.fashion-mnist.source: expected a row of sources; got 'shapes2'; did you mean",
    ),
    "source-dataset": (
        (MAIN, "dataset: fashion_mnist", "dataset: fashion-mnist"),
        f"{MAIN}: sources.fashion_mnist.dataset: expected a dataset; got 'fashion-mnist'; did you mean "
        "'fashion_mnist'?",
    ),
    "source-size": (
        (MAIN, "title: CIFAR-10\n", "title: CIFAR-10\n    size: 64\n"),
        f"{MAIN}: models.vgg16-baseline.dataset: expected images of 3 x 32 x 32, as the network 'vgg16' has "
        "by its options channels and input_size; dataset 'cifar10' has 3 x 64 x 64",
    ),
    "source-number": (
        (MAIN, "title: CIFAR-10\n", "title: CIFAR-10\n    train: 640\n"),
        f"{MAIN}: sources.cifar10.train: only the embedded dataset 'shapes' has this key",
    ),
    "source-splits": (
        (MAIN, "dataset: cifar10\n    title", "dataset: cifar10g\n    title"),
        f"{MAIN}: sources.cifar10.splits: expected which split is scored, such as splits: {{test: contours}}",
    ),
    "source-without-training": (
        (MAIN, "dataset: cifar10\n    title", "dataset: cifar10\n    splits: { test: test }\n    title"),
        f"{MAIN}: models.vgg16-baseline.dataset: expected a dataset to train on; 'cifar10' can only be",
    ),
    "source-split": (
        (
            MAIN,
            "dataset: imagenette\n    title",
            "dataset: imagenette\n    splits: { test: vall }\n    title",
        ),
        f"{MAIN}: sources.imagenette.splits.test: expected a split of imagenette; got 'vall'; did you mean",
    ),
    "too-many-images": (
        (MAIN, "per_class: 100", "per_class: 5001"),
        f"{MAIN}: datasets.cifar10-1000.per_class: expected at most 5,000 of each class: the source has "
        "50,000 "
        "images of 10 classes to train; got 5,001",
    ),
    "holdout": (
        (MAIN, "per_class: 100", "score: holdout"),
        f"{MAIN}: datasets.cifar10-1000.score: expected holdout_per_class as well, or nothing is scored",
    ),
    "mistyped-recipe-of-a-scale": (
        (DEMO, "  vgg-1000:\n    epochs", "  vgg-100:\n    epochs"),
        f"{DEMO}: recipes.vgg-100: no model uses this row; did you mean 'vgg-1000'?",
    ),
    "mistyped-dataset-of-a-scale": (
        (DEMO, "  fashion-mnist-hmax:", "  fashion-mnist-hmx:"),
        f"{DEMO}: datasets.fashion-mnist-hmx: no model uses this row; did you mean 'fashion-mnist-hmax'?",
    ),
    "mistyped-model-of-a-scale": (
        (DEMO, "  small-frozen: #", "  small-frozn: #"),
        f"{DEMO}: models.small-frozn: expected the keys ['dataset', 'network', 'recipe'], here or in the "
        "row it is "
        "like; did you mean 'small-frozen'?",
    ),
    "scale-key": (
        (DEMO, "threads: 1", "thread: 1"),
        f"{DEMO}: top level: unknown key 'thread'; expected keys among",
    ),
    "protocol-of-everything": (
        (DEMO, "everything_under: [paper]", "everything_under: [papr]"),
        f"{DEMO}: everything_under.0: expected a protocol; got 'papr'; did you mean 'paper'?",
    ),
    "figure-of-everything": (
        (DEMO, "everything_under: [paper]", "everything_under: [paper]\neverything_of: [fig4d, fg5]"),
        "scale demo: everything_of.1: expected a figure; got 'fg5'; did you mean 'fig5'?",
    ),
    "numeric-key": (
        (MAIN, "  vgg16-baseline:\n", "  16: {}\n  vgg16-baseline:\n"),
        "expected names as keys; got 16",
    ),
    "no-as-key": ((MAIN, "  vgg16-baseline:\n", "  no: {}\n  vgg16-baseline:\n"), "names as keys; got False"),
    "unhashable-key": (
        (MAIN, "models:\n", "? [a, b]\n: 1\nmodels:\n"),
        f"{MAIN}, line N: expected a YAML file; got: ",
    ),
    "key-twice": (
        (MAIN, "    epochs: 150", "    epochs: 150\n    epochs: 15"),
        f"{MAIN}, line N: recipes.vgg.epochs: expected every key once; line N has it too; keep one",
    ),
    "key-twice-in-braces": (
        (MAIN, "{ scheme: redrawn, rule: below }", "{ scheme: redrawn, rule: below, rule: above }"),
        "models.small-redrawn-release.options.layer.rule: expected every key once",
    ),
    "row-twice": (
        (DEMO, "models:\n", "models:\n  hmax: { seeds: 3 }\n"),
        f"{DEMO}, line N: models.hmax: expected every key once; line N has it too; keep one",
    ),
    "figure-model": (
        (FIGURES, "random: vgg16-random }", "random: vgg16-rnadom }"),
        f"{FIGURES}: fig4b.series.random: expected a row of models; got 'vgg16-rnadom'; did you mean "
        "'vgg16-random'?",
    ),
    "figure-label": (
        (
            FIGURES,
            "release: { flexible: vgg16-redrawn } }\n  labels: { b",
            "release: { flexibel: vgg16-redrawn } }\n  labels: { b",
        ),
        f"{FIGURES}: fig4b.instead.release: unknown key 'flexibel'; expected keys among ['baseline', "
        "'flexible', "
        "'random']; "
        "did you mean 'flexible'?",
    ),
    "figure-name": (
        (FIGURES, "fig4b:", "fig4e:"),
        f"{FIGURES}: fig4e: expected a figure that flexnet/figures/ draws; got 'fig4e'; did you mean",
    ),
    "figure-family": (
        (FIGURES, "family: history", "family: histroy"),
        f"{FIGURES}: fig4a.family: expected a family; got 'histroy'; did you mean 'history'?",
    ),
    "figure-caption": (
        (FIGURES, "{train_images} training and", "{training_images} training and"),
        f"{FIGURES}: fig4a.caption: expected a field of captions; got 'training_images'; did you mean "
        "'train_images'?",
    ),
    "figure-braces": (
        (FIGURES, "{network} on", "{network on"),
        f"{FIGURES}: fig4a.caption: expected a template; ",
    ),
    "figure-twice": (
        (FIGURES, "fig4b:", "fig4a:"),
        f"{FIGURES}, line N: fig4a: expected every key once; line N has it too; keep one",
    ),
    "figure-columns": (
        (
            FIGURES,
            "series: { low: small-low, high: small-high }",
            "series: { low: small-low, high: small-flexible }",
        ),
        f"{FIGURES}: fig3.series.high: expected a model that says at_test.sweep; 'small-flexible' does not",
    ),
    "figure-example": (
        (FIGURES, "series: { flexible: vgg16-flexible }", "series: { flexible: vgg16-baseline }"),
        f"{FIGURES}: fig1.series.flexible: expected a model whose flexible layer has a bias and stores a "
        "threshold per unit; got 'vgg16-baseline' with no flexible layer",
    ),
    "figure-example-scheme": (
        (FIGURES, "series: { flexible: vgg16-flexible }", "series: { flexible: vgg16-random }"),
        "got 'vgg16-random' with scheme 'random', per 'unit'",
    ),
    "figure-example-size": (
        (FIGURES, "input_size: 5", "input_size: 2"),
        f"{FIGURES}: fig1.example.input_size: expected an input of at least the kernel's 3 pixels; got 2",
    ),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_refused_with_file_key_value_and_the_nearest_name(
    slip: str, refused: Callable[..., str]
) -> None:
    edit, message = SLIPS[slip]
    assert message in re.sub(r"line [0-9]+", "line N", refused(edit))


def test_several_slips_come_in_one_message_each_told_once(refused: Callable[..., str]) -> None:
    message = refused(
        (
            MAIN,
            "layer: { scheme: learned, rule: below }\n    at_test",
            "layer: { scheme: learnt }\n    at_test",
        ),
        (DEMO, "dropout: 0.125", "dropout: 2"),
    )
    # The base is checked by itself first; the row and those that are like it are one slip.
    assert message.splitlines() == [message]
    assert "models.small-flexible.options.layer.scheme" in message
    both = refused(
        (DEMO, "dropout: 0.125", "dropuot: 2"), (DEMO, "options: { width: 0.1 }", "options: { width: 0 }")
    )
    assert [line.split(": ")[1] for line in both.splitlines()] == [
        "models.vgg16-baseline.options",
        "models.hmax.options.width",
    ]


def test_the_command_line_is_named_for_what_came_from_it() -> None:
    schema = read_yaml(ROOT / "workflow/schemas/config.schema.yaml")
    main = read_yaml(ROOT / MAIN)
    given: dict[str, Any] = settings.lay_over(
        main, {"models": {"hmax": {"options": {"c1": "maxx"}}}, "seed": -1}
    )
    parts = [settings.Part(MAIN, main), settings.Part("--config", given)]
    with pytest.raises(ConfigError, match=r"^--config: seed: expected a number of at least 0; got -1$"):
        settings.load(given, schema, parts)
    given["seed"] = 0
    with pytest.raises(
        ConfigError, match="^--config: models.hmax.options.c1: .* did you mean 'max'"
    ) as caught:
        settings.load(given, schema, parts)
    assert len(str(caught.value).splitlines()) == 1


def test_the_check_imports_neither_torch_nor_what_draws() -> None:
    code = (
        "import sys\n"
        "import flexnet.config, flexnet.digest\n"
        "from flexnet.config import *\n"
        f"main = read_yaml({str(ROOT / MAIN)!r})\n"
        f"figures = read_yaml({str(ROOT / FIGURES)!r})\n"
        "check_figures(figures, resolve(main))\n"
        "found = {'torch', 'torchvision', 'matplotlib', 'pandas', 'scipy'} & set(sys.modules)\n"
        "assert not found, found\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
