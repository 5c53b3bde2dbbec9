"""Seeds, files, digests: what all rooms stand on."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from flexnet import reading
from flexnet.files import atomic_path, canonical_json, read_json, write_json, write_rows
from flexnet.seeds import derive_seed


def test_seeds_depend_on_every_name_its_type_and_its_place() -> None:
    names = [(0, "a", 1), (1, "a", 0), (0, "a", "1"), (0, "a1"), (0, "a", 1, "init")]
    seeds = [derive_seed(*name) for name in names]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)
    # A constant: if this changes, every published number changes with it.
    assert derive_seed(0, "vgg16-baseline", 1, "init") == 7886206574255664343


def test_a_whole_number_of_another_type_is_the_same_seed() -> None:
    assert derive_seed(np.int64(0), "a", np.uint8(3)) == derive_seed(0, "a", 3)
    assert len({derive_seed(1), derive_seed("1"), derive_seed(True)}) == 3


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "table.csv"
    write_rows(target, ["a"], [{"a": 1}])
    with pytest.raises(ZeroDivisionError), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert target.read_text() == "a\n1\n"
    assert list(target.parent.iterdir()) == [target]


def test_rows_must_have_the_declared_columns(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected the columns \['a', 'b'\], got \['a'\]"):
        write_rows(tmp_path / "t.csv", ["a", "b"], [{"a": 1}])
    assert not list(tmp_path.iterdir())


def test_json_is_canonical_whatever_the_order_of_keys(tmp_path: Path) -> None:
    assert canonical_json({"b": 1, "a": [2.5, None]}) == '{"a":[2.5,null],"b":1}'
    write_json(tmp_path / "x.json", {"b": 1})
    assert read_json(tmp_path / "x.json") == {"b": 1}


def test_re_exporting_packages_hold_nothing_else() -> None:
    """The convention that keeps digests narrow: sub-packages' `__init__` only re-export."""
    import ast

    for path in sorted(reading.ROOT.glob("*/__init__.py")):
        body = ast.parse(path.read_text()).body
        for node in [node for node in body if isinstance(node, ast.If)]:  # imported when asked for
            assert ast.unparse(node.test) == "TYPE_CHECKING", path
            body += [*node.body, *node.orelse]
        kinds = {type(node).__name__ for node in body}
        assert kinds <= {"Expr", "ImportFrom", "Assign", "If"}, path


@pytest.mark.parametrize("package", ["flexnet.evaluation", "flexnet.figures", "flexnet.training"])
def test_packages_that_import_when_asked_offer_what_they_list(package: str) -> None:
    from importlib import import_module

    module = import_module(package)
    assert all(getattr(module, name).__module__.startswith("flexnet.") for name in module.__all__)
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nothing'"):
        _ = module.nothing


@pytest.mark.parametrize(
    ("module", "banned"),
    [
        ("flexnet.config", {"torch", "torchvision", "pandas", "matplotlib"}),
        ("flexnet.cli", {"torch", "torchvision", "pandas", "matplotlib"}),
        ("flexnet.stages.command", {"torch", "torchvision", "pandas", "matplotlib"}),
        ("flexnet.networks.registry", {"torch"}),
        ("flexnet.stages.data", {"torch", "torchvision"}),
        ("flexnet.stages.subset", {"torch"}),
        ("flexnet.stages.collect", {"torch", "matplotlib"}),
        ("flexnet.figures.fig4d", {"torch", "scipy.stats"}),
        ("flexnet.claims.ledger", {"torch", "matplotlib"}),
        ("flexnet.training.trainer", {"torchvision", "pandas", "matplotlib"}),
        ("flexnet.evaluation.fgsm", {"torchvision", "pandas", "matplotlib"}),
    ],
)
def test_short_jobs_stay_light(module: str, banned: set[str]) -> None:
    code = f"import sys, {module}; print(*(name for name in {sorted(banned)} if name in sys.modules))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.split() == []
