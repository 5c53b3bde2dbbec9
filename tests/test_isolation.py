"""What a user set for other programs neither changes a figure nor breaks a job."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from flexnet.isolation import clean

ROOT = Path(__file__).parents[1]
ROWS = ROOT / "published/laptop/results/rows/paper/table2.csv"
WORDS = {"scale": "laptop", "protocol": "paper", "labels": {}, "network": "small", "note": ""}
RUN = {
    "network": "small",
    "options": {},
    "recipe": {"epochs": 2, "batch_size": 100},
    "title": "Fashion-MNIST",
    "content": "official",
    "classes": 10,
    "training_images": 10,
    "scored_images": 10,
    "seeds": list(range(1, 11)),
}
SERIES = ("baseline", "uniform", "flexible", "above")
RUNS = {
    "figure": "table2",
    "protocol": "paper",
    "band": "sem",
    "space": "normalised",
    "series": [{"name": name, "model": f"small-{name}", **RUN} for name in SERIES],
}


def run(
    *command: str, cwd: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run Python with additional variables."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def draw(home: Path, environment: Mapping[str, str], checkout: Path = ROOT) -> dict[str, bytes]:
    """Draw a table in a user's folder under these variables; the bytes of what was made."""
    home.mkdir(exist_ok=True)
    settings = json.dumps({"figure": "table2", "caption": "n = {n}", "words": WORDS, "runs": RUNS})
    files = {"table": "t.csv", "figure": "t.pdf", "caption": "t.md", "log": "t.log"}
    options = [part for key, value in files.items() for part in (f"--{key}", str(home / value))]
    script = str(checkout / "workflow/scripts/draw.py")
    done = run(
        script, "--settings", settings, "--rows", str(ROWS), *options, cwd=home, environment=environment
    )
    assert done.returncode == 0, done.stderr
    return {path.name: path.read_bytes() for path in home.glob("t.*")}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    made = draw(tmp_path_factory.mktemp("plain"), {})
    assert set(made) == {"t.csv", "t.pdf", "t.png", "t.md", "t.log"}
    return made


@pytest.mark.parametrize(
    "environment",
    [
        {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "SOURCE_DATE_EPOCH": "yesterday"},
        {"MPLBACKEND": "nonsense", "PYTHONHASHSEED": "7", "TZ": "Asia/Kathmandu", "SOURCE_DATE_EPOCH": "1"},
        {"PYTHONWARNINGS": "error", "PYTHONOPTIMIZE": "2", "COLUMNS": "1", "OMP_NUM_THREADS": "1"},
        {
            "LC_ALL": "C",
            "LANG": "C",
            "PYTHONUTF8": "0",
            "PYTHONCOERCECLOCALE": "0",
            "PYTHONIOENCODING": "ascii",
        },
    ],
)
def test_variables_change_no_byte_of_a_figure(
    environment: dict[str, str], plain: dict[str, bytes], tmp_path: Path
) -> None:
    assert draw(tmp_path, environment) == plain


def test_settings_files_of_matplotlib_change_no_byte(plain: dict[str, bytes], tmp_path: Path) -> None:
    """In the working directory, named by a variable, and in the user's folder, with styles; all damaged."""
    damaged = b"font.size: 30\nfont.family: monospace\nbackend: nonsense\n\xff\xfe"
    folders = [tmp_path / name for name in ("matplotlib", "matplotlib/stylelib", "named")]
    for folder in folders:
        folder.mkdir()
        for name in ("matplotlibrc", "style.mplstyle"):
            (folder / name).write_bytes(damaged)
    home = tmp_path / "work"
    home.mkdir()
    (home / "matplotlibrc").write_bytes(damaged)
    places = {"XDG_CONFIG_HOME": str(tmp_path), "MATPLOTLIBRC": str(tmp_path / "named")}
    assert draw(home, places) == plain
    assert draw(home, {"MPLCONFIGDIR": str(tmp_path / "matplotlib")}) == plain


FOREIGN = ("json", "argparse", "random", "csv", "pandas", "numpy", "matplotlib", "flexnet")


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A folder of modules that must not be imported."""
    for name in FOREIGN:
        (tmp_path / f"{name}.py").write_text(f"raise ValueError('a foreign {name}')\n")
    return tmp_path


def test_foreign_modules_are_not_taken_for_ours(plain: dict[str, bytes], foreign: Path) -> None:
    assert draw(foreign / "work", {"PYTHONPATH": os.pathsep.join([str(foreign), str(ROOT)])}) == plain
    (foreign / "flexnet.py").unlink()
    done = run("-m", "flexnet", "--help", cwd=foreign)
    assert done.returncode == 0, done.stderr
    assert "usage: flexnet" in done.stdout


def test_modules_beside_the_users_results_are_not_taken_for_ours(foreign: Path) -> None:
    (foreign / "flexnet.py").unlink()
    settings = json.dumps(
        {"family": "fgsm", "figure": "f", "protocol": "paper", "series": {"a": ["missing.csv"]}}
        | {"band": "sem", "space": "pixel", "runs": {}}
    )
    done = run(
        *("-m", "flexnet", "stage", "collect", "--settings", settings, "--output", "o.csv", "--log", "l.log"),
        cwd=foreign,
    )
    assert done.returncode == 1
    assert "missing.csv: expected a table here" in done.stderr
    assert (foreign / "l.log").read_text() == done.stderr


def test_modules_in_the_checkout_are_not_taken_for_pythons(plain: dict[str, bytes], tmp_path: Path) -> None:
    """Whoever works in the checkout puts his own scripts there; the checkout may be reached by a link."""
    for name in ("flexnet", "workflow"):
        shutil.copytree(ROOT / name, tmp_path / "copy" / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "link").symlink_to(tmp_path / "copy")
    for name in FOREIGN:
        (tmp_path / "copy" / f"{name}.py").write_text(f"raise ValueError('a foreign {name}')\n")
    place = {"PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    done = run("-m", "flexnet", "--help", cwd=tmp_path / "link", environment=place)
    assert done.returncode == 0, done.stderr
    assert draw(tmp_path / "work", place, tmp_path / "link") == plain


def test_a_program_of_somebody_else_is_not_started_again(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import os; from flexnet.isolation import isolate; isolate(); print(os.environ['MPLBACKEND'])"
    )
    done = run("mine.py", cwd=tmp_path, environment={"MPLBACKEND": "svg"})
    assert done.stdout == "svg\n", done.stderr


def test_cleaning_keeps_what_places_things_and_takes_what_changes_them() -> None:
    given = {
        "HOME": "/home/u",
        "MPLCONFIGDIR": "/tmp/mpl",
        "PYTHONNOUSERSITE": "1",
        "OMP_NUM_THREADS": "2",
        "PYTHONSTARTUP": "x.py",
        "PYTHONINSPECT": "1",
        "PYTHONPATH": "/no/such/place",
        "TQDM_MININTERVAL": "often",
        "NVIDIA_TF32_OVERRIDE": "1",
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_CBWR": "COMPATIBLE",
        "OPENBLAS_CORETYPE": "Prescott",
        "NPY_DISABLE_CPU_FEATURES": "AVX2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "DNNL_DEFAULT_FPMATH_MODE": "BF16",
    }
    expected = {name: given[name] for name in ("HOME", "MPLCONFIGDIR", "PYTHONNOUSERSITE", "OMP_NUM_THREADS")}
    ours = {"PYTHONSAFEPATH": "1", "PYTHONUTF8": "1", "PYTHONHASHSEED": "0"}
    assert clean(given) == expected | ours
    assert clean(clean(given)) == clean(given)


def test_packages_that_come_from_the_path_stay_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with the modules of some clusters."""
    (tmp_path / "torch.py").write_text("")
    given = {"PYTHONPATH": os.pathsep.join([str(tmp_path / "other"), str(tmp_path)])}
    assert "PYTHONPATH" not in clean(given)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert clean(given)["PYTHONPATH"] == str(tmp_path)
    assert clean(clean(given)) == clean(given)
