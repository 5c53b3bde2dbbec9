"""The digest of a job's code changes with what the job computes with, and with nothing else."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flexnet import config, digest, reading
from flexnet.study.jobs import data_code, evaluate_code, training_code
from flexnet.study.study import Study

TEXTS = {
    "__init__.py": '__version__ = "1"\n',
    "errors.py": "class Wrong(Exception):\n    pass\n",
    "progress.py": "class Progress:\n    pass\n",
    "options/__init__.py": "",
    "options/rules.py": "def option(default, check):\n    return default\n",
    "by_name.py": "ByName = dict\n",
    "top.py": '''"""Doc."""
from flexnet import __version__, low
from flexnet.errors import Wrong
from flexnet.options.rules import option
from flexnet.room import again, effect
from flexnet.room.table import TABLE


class Options:
    size: int = option(3, low.check)


def f(name: str = "first", *, n: int = 1) -> float:
    """Doc."""
    if n < low.LEAST:
        raise Wrong(f"expected {low.LEAST}; got {n}")
    progress.say(f"done {n}")
    return again(n) + TABLE[name] + Options.size
''',
    "room/__init__.py": "from flexnet.room.middle import middle as again\n",
    "room/middle.py": """from flexnet import low

SCALE = 2.0  # a comment
UNUSED = 3.0


def middle(n):
    from flexnet.room.late import late

    return SCALE * low.x * late(n) + low.z


def other(n):
    return UNUSED * n
""",
    "room/effect.py": "print(1)\n",
    "room/late.py": "def late(n):\n    return n\n",
    "room/table.py": """from flexnet.by_name import ByName
from flexnet.low import y

TABLE: ByName[float] = {
    "first": 1.0,
    "second": 2.0 * y,
}
""",
    "low.py": """from math import floor as whole

LEAST = 0
x = 1
y = 1
z = whole(2.5)


def check(value):
    return value > 0
""",
}

# file, old, new, whether the digest of top:f changes.
EDITS: dict[str, tuple[str, str, str, bool]] = {
    "comment": ("room/middle.py", "# a comment", "# another", False),
    "docstring": ("top.py", '"""Doc."""', '"""Other words."""', False),
    "annotation": ("top.py", "n: int = 1", "n: float = 1", False),
    "layout": ("room/middle.py", "SCALE * low.x", "SCALE  *  (low.x)", False),
    "message": ("top.py", "expected {low.LEAST}; got", "expected at least {low.LEAST}; got", False),
    "progress line": ("top.py", "done {n}", "finished {n}", False),
    "version": ("__init__.py", '"1"', '"2"', False),
    "error class": (
        "errors.py",
        "class Wrong",
        "class Another(Exception):\n    pass\n\n\nclass Wrong",
        False,
    ),
    "new function": ("low.py", "LEAST = 0", "LEAST = 0\n\n\ndef new():\n    return 1\n", False),
    "unused function": ("room/middle.py", "UNUSED * n", "UNUSED + n", False),
    "unused constant": ("room/middle.py", "UNUSED = 3.0", "UNUSED = 4.0", False),
    "what an option allows": ("low.py", "value > 0", "value >= 0", False),
    "new entry": ("room/table.py", '"first": 1.0,', '"first": 1.0,\n    "third": 3.0,', False),
    "entry of another name": ("room/table.py", "2.0 * y", "3.0 * y", False),
    "what that entry uses": ("low.py", "y = 1", "y = 2", False),
    "arithmetic": ("room/middle.py", "SCALE * low.x", "SCALE + low.x", True),
    "constant": ("room/middle.py", "SCALE = 2.0", "SCALE = 2.5", True),
    "constant elsewhere": ("low.py", "x = 1", "x = 2", True),
    "bound of a check": ("low.py", "LEAST = 0", "LEAST = 1", True),
    "what is imported for its effect": ("room/effect.py", "print(1)", "print(2)", True),
    "what is imported late": ("room/late.py", "return n", "return -n", True),
    "default": ("top.py", "n: int = 1", "n: int = 2", True),
    "default of an option": ("top.py", "option(3,", "option(4,", True),
    "a name from elsewhere": ("low.py", "import floor as whole", "import ceil as whole", True),
    "kind of an error": ("top.py", "raise Wrong(", "raise ValueError(", True),
    "entry by its default name": ("room/table.py", '"first": 1.0', '"first": 1.5', True),
    "what a package re-exports": ("room/__init__.py", "middle as again", "other as again", True),
    "code that runs at import": ("low.py", "LEAST = 0", "LEAST = 0\nprint(LEAST)", True),
    "type in a class": ("top.py", "size: int = option", "size: float = option", False),
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of a few modules, in the place of this one."""
    for name, text in TEXTS.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(reading, "ROOT", tmp_path)
    digest.forget()
    yield tmp_path
    monkeypatch.undo()
    digest.forget()


@pytest.mark.parametrize("edit", EDITS)
def test_the_digest_follows_what_is_computed(package: Path, edit: str) -> None:
    file, old, new, changes = EDITS[edit]
    before = digest.code_digest("flexnet.top:f")
    path = package / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    digest.forget()
    assert (digest.code_digest("flexnet.top:f") != before) == changes


def test_a_name_in_the_settings_chooses_the_entry(package: Path) -> None:
    told = {"loss": ["second"]}
    before = digest.code_digest("flexnet.top:f", words=digest.words_of(told))
    assert before != digest.code_digest("flexnet.top:f")
    (package / "low.py").write_text(TEXTS["low.py"].replace("y = 1", "y = 2"))
    digest.forget()
    assert digest.code_digest("flexnet.top:f", words=digest.words_of(told)) != before


def test_of_a_whole_module_what_it_imports_counts_too(package: Path) -> None:
    (package / "drawing.py").write_text("from flexnet.room.middle import other as draw\n")
    before = digest.code_digest("flexnet.drawing")
    (package / "room/middle.py").write_text(TEXTS["room/middle.py"].replace("UNUSED * n", "UNUSED + n"))
    digest.forget()
    assert digest.code_digest("flexnet.drawing") != before


def test_what_a_package_offers_is_followed_where_it_is_used_and_costs_nobody_else(package: Path) -> None:
    offering = """from typing import TYPE_CHECKING

from flexnet.lazy import offers

if TYPE_CHECKING:
    from flexnet.low import check as check
    from flexnet.low import x as x
else:
    __getattr__ = offers(__name__, {"check": "flexnet.low", "x": "flexnet.low"})
"""
    (package / "offering").mkdir()
    (package / "offering/__init__.py").write_text(offering)
    (package / "uses.py").write_text("from flexnet.offering import x\n\n\ndef f():\n    return x\n")
    digest.forget()
    before = digest.code_digest("flexnet.uses:f")
    (package / "low.py").write_text(TEXTS["low.py"].replace("x = 1", "x = 2"))
    digest.forget()
    after = digest.code_digest("flexnet.uses:f")
    assert after != before
    (package / "offering/__init__.py").write_text(
        offering.replace('"x": "flex', '"y": "flexnet.low", "x": "flex')
    )
    digest.forget()
    assert digest.code_digest("flexnet.uses:f") == after


def test_what_is_not_there_is_named(package: Path) -> None:
    with pytest.raises(ValueError, match=r"expected 'g' to be defined in flexnet\.top"):
        digest.code_digest("flexnet.top:g")


# --- the real package ------------------------------------------------------------------------------

VGG = training_code("vgg16", {"flexible": "single", "layer": {"scheme": "learned"}}, {})


def vgg() -> str:
    return training_code("vgg16", {"flexible": "single", "layer": {"scheme": "learned"}}, {})


# What is done to a file of the package, and whether vgg16 is trained again.
GROWN = "def mine():\n    return 1\n\n\n"
MINE = "class Mine(Exception):\n    pass\n\n\n"
KERNEL = '    "crop": Kernel('
HALF = '"half": ((0.5,), (0.5,))'
REAL: dict[str, tuple[str, str, str, bool]] = {
    "another network": ("networks/small.py", "(12, 120, 60)", "(12, 120, 61)", False),
    "another layer": ("layers/inhibiting.py", "torch.relu(push) - ", "torch.relu(push) + ", False),
    "how another layer is enlarged": (
        "layers/enlarging.py",
        "align_corners=True",
        "align_corners=False",
        False,
    ),
    "a loss of attacks": ("attacks/losses.py", "    return other - true", "    return true - other", False),
    "a normalisation": ("options/networks/base.py", HALF, f'"mine": ((0.4,), (0.3,)), {HALF}', False),
    "another normalisation": ("options/networks/base.py", HALF, HALF.replace("0.5", "0.4"), False),
    "a dataset": ("data/catalogue.py", '"mnist": MNIST,', '"mine": MNIST,\n    "mnist": MNIST,', False),
    "a reader of datasets": ("data/decode.py", "import", "import os\nimport", False),
    "a diagnostic": ("layers/diagnostics.py", "def gate_statistics(", GROWN + "def gate_statistics(", False),
    "an error class": ("errors.py", "class ConfigError", MINE + "class ConfigError", False),
    "the version": ("__init__.py", "__version__ =", "__version__ = '9.9' or", False),
    "a message": ("networks/normalise.py", "expected one mean and one positive", "expected a mean", False),
    "a progress line": ("training/trainer.py", "resuming after", "going on after", False),
    "an evaluation": ("evaluation/fgsm.py", "def attacked(", GROWN + "def attacked(", False),
    "the layer's arithmetic": (
        "layers/gates.py",
        "torch.sigmoid(argument)",
        "-torch.sigmoid(argument)",
        True,
    ),
    "the loop": ("training/trainer.py", "self.optimiser.zero_grad()", "self.optimiser.step()", True),
    "the update": ("training/optimiser.py", "dampening=0.0", "dampening=0.1", True),
    "its own network": ("networks/vgg16.py", "HEAD_DROPOUT = 100, 0.5", "HEAD_DROPOUT = 100, 0.4", True),
    "its own normalisation": ("options/networks/base.py", "(0.485,", "(0.486,", True),
    "a default of its recipe": (
        "training/recipe.py",
        "momentum: float = option(0.9,",
        "momentum: float = option(0.8,",
        True,
    ),
    "a default of its schedule": ("training/schedules.py", "option(0.7,", "option(0.8,", True),
    "its own schedule": ("training/schedules.py", "return self.gamma **", "return -self.gamma **", True),
    "another schedule": ("training/schedules.py", "return (1 + cos(", "return (2 + cos(", False),
    "a schedule": (
        "training/schedules.py",
        '    "cosine": C',
        '    "mine": Constant,\n    "cosine": C',
        False,
    ),
    "its own augmentation": ("training/augmentations.py", "images.flip(-1)", "images.flip(-2)", True),
    "another augmentation": ("training/augmentations.py", "found.round_()", "found.floor_()", False),
    "an augmentation": (
        "training/augmentations.py",
        KERNEL,
        f'    "mine": Kernel(draw_flips, flip),\n{KERNEL}',
        False,
    ),
    "options of an augmentation": (
        "options/augmentations.py",
        '    "flip": F',
        '    "mine": C,\n    "flip": F',
        False,
    ),
    "seeds": ("seeds.py", "digest_size=", "digest_size=0 + ", True),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("code") / "flexnet"
    shutil.copytree(reading.ROOT, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


Codes = dict[str, str]


@pytest.fixture
def changed(copy: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[str]]]:
    """Edits a file of a copy of the package, and puts it back: names of the digests that are others then."""

    def changed(codes: Callable[[], Codes], file: str, old: str, new: str) -> list[str]:
        path, text = copy / file, (copy / file).read_text()
        assert old in text
        before = codes()
        try:
            path.write_text(text.replace(old, new, 1))
            digest.forget()
            return [name for name, code in codes().items() if code != before[name]]
        finally:
            path.write_text(text)
            digest.forget()

    monkeypatch.setattr(reading, "ROOT", copy)
    digest.forget()
    yield changed
    monkeypatch.undo()
    digest.forget()


@pytest.mark.parametrize("edit", REAL)
def test_a_network_is_trained_again_for_what_changes_its_numbers_alone(
    edit: str, changed: Callable[..., list[str]]
) -> None:
    file, old, new, changes = REAL[edit]
    assert vgg() == VGG
    assert changed(lambda: {"vgg": vgg()}, file, old, new) == ["vgg"] * changes


def test_a_network_without_a_layer_does_not_depend_on_it(changed: Callable[..., list[str]]) -> None:
    def codes() -> Codes:
        return {where: training_code("vgg16", {"flexible": where}, {}) for where in ("none", "single")}

    gate = "return torch.sigmoid(argument)"
    assert changed(codes, "layers/gates.py", gate, gate.replace("torch", "-torch")) == ["single"]


CONFIG = config.resolve(config.read_yaml(Path(__file__).parents[1] / "config/config.yaml"))
STUDY = Study({"": CONFIG}, {}, {}, Path("/nowhere"))


@pytest.mark.parametrize(
    ("old", "changes"),
    [("-logits.gather(1, labels[:, None])", ["release"]), ("F.cross_entropy(logits", ["paper", "corrected"])],
    ids=["negative_logit", "cross_entropy"],
)
def test_an_attack_is_made_again_for_the_loss_that_its_protocol_names(
    old: str, changes: list[str], changed: Callable[..., list[str]]
) -> None:
    def codes() -> Codes:
        protocols = ("paper", "release", "corrected")
        return {name: evaluate_code(STUDY, "", "fgsm", name, "vgg16-baseline") for name in protocols}

    assert changed(codes, "attacks/losses.py", old, f"2 * {old}") == changes


def test_images_are_prepared_again_for_the_code_that_reshapes_them_and_only_where_it_does(
    changed: Callable[..., list[str]],
) -> None:
    def codes() -> Codes:
        return {source: data_code(STUDY, source, "test") for source in ("cifar10", "cifar10-64")}

    assert changed(codes, "data/reshape.py", "Resampling.LANCZOS", "Resampling.BICUBIC") == ["cifar10-64"]


def test_texts_in_settings() -> None:
    value: Any = {"a": ["b", {"c": "d"}], "e": 1}
    assert sorted(digest.words_of(value)) == ["a", "a", "b", "c", "d", "e"][1:]
