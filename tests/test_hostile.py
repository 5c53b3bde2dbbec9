"""Files from strangers: none of them runs code, takes memory without a word or writes beside its place."""

import ast
import json
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

import flexnet
from flexnet.cli import main
from flexnet.commands.images import images_of
from flexnet.config import read_yaml
from flexnet.corruptions.headers import require_array
from flexnet.data.catalogue import Dataset, Unavailable
from flexnet.data.layouts import find_shards
from flexnet.data.mirror import read_mirror
from flexnet.errors import ConfigError, DataError, FlexnetError
from flexnet.study.published import config_of, told_from
from flexnet.yaml_files import require_plain

ROOT = Path(__file__).parents[1]
DEEP = "[" * 100_000
SMALL = {"width": 0.25, "input_size": 12}
TINY = Dataset("tiny", {"train": (512, 6)}, 8, 3, ("a", "b"), "none", "none", hub=("me/tiny",))


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


# --- what reads ------------------------------------------------------------------------------------

# Functions that run or unfold what they read, and what makes the call harmless.
DANGEROUS = {
    **{f"pickle.{name}": None for name in ("load", "loads", "Unpickler")},
    **dict.fromkeys(("eval", "exec", "compile", "__import__")),
    **dict.fromkeys(("yaml.load", "yaml.full_load", "yaml.unsafe_load", "shutil.unpack_archive")),
    **{f"os.{name}": None for name in ("system", "popen")},
    "torch.load": ("weights_only", True),
    "np.load": ("allow_pickle", False),
    "np.lib.format.read_array": ("allow_pickle", False),
}


def calls(path: Path) -> list[tuple[str, ast.Call]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [(ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def test_nothing_in_the_package_reads_in_a_way_that_runs_or_unfolds_what_it_reads() -> None:
    seen = set()
    for path in (*(ROOT / "flexnet").rglob("*.py"), *(ROOT / "workflow").rglob("*.py")):
        for name, call in calls(path):
            seen.add(name)
            assert not name.endswith((".extractall", ".extract", ".read_pickle")), (path, name)
            if name in DANGEROUS:
                said = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
                wanted = DANGEROUS[name]
                assert wanted is not None, (path, name)
                assert said.get(wanted[0]) == str(wanted[1]), (path, name)
    assert {"torch.load", "np.load", "np.lib.format.read_array"} <= seen


# --- weights ----------------------------------------------------------------------------------------


def weights(path: Path, network: Any, options: Any, **tensors: torch.Tensor) -> Path:
    """A file as a training job writes it, with whatever it says of itself."""
    from flexnet.training.checkpoint import save_tensors

    told = options if isinstance(options, str) else json.dumps(options)
    save_tensors(path, tensors, {"network": network, "options": told})
    return path


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A module beside the user's files that leaves a mark when it is imported."""
    monkeypatch.chdir(tmp_path)
    name = f"stranger_{abs(hash(request.node.nodeid))}"
    Path(f"{name}.py").write_text(
        "from pathlib import Path\nfrom torch import nn\n\nPath('ran').touch()\n\n\n"
        "class Layer(nn.Conv2d):\n    pass\n\n\ndef build(classes=10, **options):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(144, classes))\n"
    )
    return name


@pytest.mark.parametrize("place", ["network", "layer"])
def test_code_that_weights_name_is_not_run_unless_they_are_trusted(place: str, stranger: str) -> None:
    named = f"{stranger}.{'build' if place == 'network' else 'Layer'}"
    network, options = (
        (named, SMALL) if place == "network" else ("small", {**SMALL, "layer": {"kind": named}})
    )
    path = weights(Path("w.safetensors"), network, options)
    with pytest.raises(DataError, match=rf"w\.safetensors: .*code elsewhere, {named}, which was not run"):
        flexnet.load_model(path)
    assert not Path("ran").exists()
    with pytest.raises(FlexnetError):
        flexnet.load_model(path, trust=True)  # it is run, and its tensors are missing
    assert Path("ran").exists()


@pytest.mark.parametrize("command", ["judge", "audit"])
def test_nor_is_it_by_the_commands(command: str, stranger: str, capsys: pytest.CaptureFixture[str]) -> None:
    weights(Path("w.safetensors"), f"{stranger}.build", SMALL)
    np.savez("i.npz", images=np.zeros((4, 12, 12), np.uint8), labels=np.arange(4))
    assert main([command, "w.safetensors", "i.npz"]) == 1
    assert "which was not run; if you trust who wrote the file" in capsys.readouterr().err
    assert not Path("ran").exists()
    assert main([command, "w.safetensors", "i.npz", "--trust"]) == 1
    assert Path("ran").exists()


def test_a_file_that_would_delete_a_folder_does_not(tmp_path: Path) -> None:
    """`shutil.rmtree` is a function of a module, too."""
    victim = tmp_path / "victim"
    victim.mkdir()
    path = weights(tmp_path / "w.safetensors", "shutil.rmtree", {"path": str(victim)})
    with pytest.raises(DataError, match="shutil.rmtree, which was not run"):
        flexnet.load_model(path)
    assert victim.is_dir()


@pytest.mark.parametrize(
    ("network", "options"),
    [
        ("vgg16", {"width": 1e9}),
        ("small", {"input_size": 10**9}),
        ("small", {"input_size": 10**30}),
        ("resnet", {"depth": 6 * 10**8 + 2}),
        ("densenet", {"depth": 6 * 10**8 + 4}),
        ("vgg16", [1]),
        ("vgg16", "{"),
        ("vgg16", DEEP),
        (5, {}),
        (None, {}),
        ([], {}),
        ("no-network", {}),
        ("vgg16", {"widht": 1}),
    ],
    ids=lambda value: str(value)[:30],
)
def test_absurd_claims_of_weights_are_refused_at_once(network: Any, options: Any, tmp_path: Path) -> None:
    path = weights(tmp_path / "w.safetensors", network, options, a=torch.zeros(1))
    with pytest.raises((DataError, ConfigError)):
        flexnet.load_model(path)


HEADERS: dict[str, bytes] = {
    "more than memory": b'{"a":{"dtype":"U8","shape":[1099511627776,1000],"data_offsets":[0,4]}}',
    "negative": b'{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,4]}}',
    "overlapping": b'{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},'
    b'"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}',
    "beyond the end": b'{"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}}',
    "deep": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "deep metadata": json.dumps({"__metadata__": {"flexnet": DEEP, "classes": DEEP}}).encode(),
    "no metadata": b'{"__metadata__":{"flexnet":"null","classes":"null"}}',
}


@pytest.mark.parametrize("name", [*HEADERS, "long header", "empty"])
def test_absurd_headers_are_refused(name: str, tmp_path: Path) -> None:
    header = HEADERS.get(name, b"{}")
    length = {"long header": 2**62, "empty": None}.get(name, len(header))
    content = (
        b"" if length is None else struct.pack("<Q", length) + header + b"abcd" * ("shape" in str(header))
    )
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    path.with_suffix(".json").write_text("{}")
    with pytest.raises(DataError, match=r"w\.(safetensors|json)"):
        flexnet.load_model(path)
    with pytest.raises(DataError, match=r"w\.(safetensors|json)"):
        images_of(str(path), None, 0)


# --- archives and arrays ----------------------------------------------------------------------------


def npy(shape: Any, kind: str = "|u1", content: bytes = b"") -> bytes:
    header = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (63 - (len(header) + 10) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


GOOD = {"images.npy": npy((2, 4, 4), content=bytes(32)), "labels.npy": npy((2,), "<i8", bytes(16))}


def pickled(mark: Path) -> bytes:
    return npy((1,), "|O", pickle.dumps([Touch(mark)]))


def archive(path: Path, packed: bool = False, **parts: bytes) -> Path:
    kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", kind) as file:
        for name, content in (GOOD | {f"{key}.npy": part for key, part in parts.items()}).items():
            file.writestr(name, content)
    return path


def spoilt(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))


def test_an_archive_of_images_is_read(tmp_path: Path) -> None:
    assert len(images_of(str(archive(tmp_path / "a.npz", packed=True)), None, 0)) == 2


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (npy((10**9, 1000, 1000, 3)), "claim to be uint8 of shape"),
        (npy((4_000_000, 32, 32)), "claim to be uint8 of shape"),
        (npy((-1, 4, 4)), "claim to be uint8 of shape"),
        (npy("(" * 3000 + ")" * 3000), "Cannot parse header"),
        (npy("__import__('os').abort()"), "malformed node"),
        (b"\x93NUMPY\x09\x00", "expected arrays `images` and `labels`"),
        (b"", "expected arrays `images` and `labels`"),
    ],
    ids=["petabytes", "gigabytes", "negative", "deep", "code", "version", "empty"],
)
def test_arrays_that_claim_what_they_are_not_are_refused(images: bytes, message: str, tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", images=images)
    with pytest.raises(DataError, match=message):
        images_of(str(path), None, 0)


def test_an_archive_that_unfolds_is_refused_before_it_does(tmp_path: Path) -> None:
    n = 5000
    images, labels = npy((n, 128, 128), content=bytes(n * 128 * 128)), npy((n,), "<i8", bytes(8 * n))
    path = archive(tmp_path / "a.npz", packed=True, images=images, labels=labels)
    assert path.stat().st_size < 200_000
    with pytest.raises(DataError, match=r"images\.npy, whose [0-9,]+ bytes unfold to 81,920,128"):
        images_of(str(path), None, 0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (bytes(32), b"\x01" + bytes(31)),
        (b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"),
        (b"PK\x01\x02\x14\x03\x14\x00\x00\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x00\x00\x63\x00"),
        (b"PK\x05\x06", b"PK\x05\x07"),
    ],
    ids=["bit flipped", "encrypted", "packed strangely", "no directory"],
)
def test_a_damaged_archive_is_named(old: bytes, new: bytes, tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz")
    spoilt(path, old, new)
    with pytest.raises(DataError, match=r"a\.npz: expected arrays"):
        images_of(str(path), None, 0)


def test_members_with_paths_write_nothing_and_pickles_are_not_run(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    with zipfile.ZipFile(inside / "a.npz", "w") as file:
        for name in ("../images.npy", "/images.npy"):
            file.writestr(name, GOOD["images.npy"])
        file.writestr("labels.npy", GOOD["labels.npy"])
    with pytest.raises(DataError):
        images_of(str(inside / "a.npz"), None, 0)
    path = archive(inside / "b.npz", images=pickled(tmp_path / "ran"))
    with pytest.raises(DataError, match=r"b\.npz"):
        images_of(str(path), None, 0)
    assert sorted(entry.name for entry in tmp_path.rglob("*")) == ["a.npz", "b.npz", "inside"]


@pytest.mark.parametrize(
    "content",
    [
        npy((10**15,), content=b"a"),
        npy((10**12, 10**6, 4, 3)),
        npy((2**62, 2**62)),
        npy((-5,), content=bytes(5)),
        npy((5,), content=bytes(4)),
        npy((5,), content=bytes(6)),
        npy("(" * 3000 + ")" * 3000),
        b"PK\x03\x04xx",
        b"",
    ],
    ids=["petabytes", "overflow", "wraps", "negative", "cut", "longer", "deep", "archive", "empty"],
)
def test_files_of_corrupted_sets_are_as_long_as_they_say(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "fog.npy"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"fog\.npy: expected an array"):
        require_array(path)


def test_a_pickle_in_a_corrupted_set_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "fog.npy"
    path.write_bytes(pickled(tmp_path / "ran"))
    with pytest.raises(DataError, match=r"fog\.npy"):
        require_array(path)
    np.save(tmp_path / "good.npy", np.zeros((5, 2)))
    require_array(tmp_path / "good.npy")
    assert not (tmp_path / "ran").exists()


# --- datasets ---------------------------------------------------------------------------------------


def test_one_huge_image_for_all_rows_does_not_fill_the_memory(tmp_path: Path) -> None:
    """A dictionary holds it once; a hundred megabytes would come of a few kilobytes."""
    rows = pa.array([0] * 512)
    image = pa.StructArray.from_arrays([pa.array([bytes(200_000)], pa.binary()).take(rows)], ["bytes"])
    path = tmp_path / "tiny/train.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table({"image": image, "label": rows}), path, compression="zstd")
    del image
    assert path.stat().st_size < 50_000
    peak: list[int] = []
    watched = pq.ParquetFile.iter_batches

    def watch(self: Any, *arguments: Any, **named: Any) -> Any:
        for batch in watched(self, *arguments, **named):
            peak.append(batch.get_total_buffer_size())
            yield batch

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pq.ParquetFile, "iter_batches", watch)
        with pytest.raises(DataError, match=r"image in row 0 of .*train\.parquet"):
            read_mirror(tmp_path, TINY, "train")
    assert 0 < max(peak) < 40_000_000


def test_the_cache_of_a_hub_leads_nowhere_else(tmp_path: Path) -> None:
    folder = tmp_path / "mirror/datasets--me--tiny"
    (folder / "snapshots").mkdir(parents=True)
    (folder / "refs").mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "train.parquet").touch()
    for place in ("../../../elsewhere", str(elsewhere), "..", "."):
        (folder / "refs/main").write_text(place)
        with pytest.raises((DataError, Unavailable)):
            find_shards(tmp_path / "mirror", TINY, "train")


# --- texts ------------------------------------------------------------------------------------------


LAUGH = "{}: &{} [*{}, *{}, *{}, *{}, *{}, *{}, *{}, *{}, *{}, *{}]\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a: 1\nb: !!python/object/apply:os.system [touch ran]\n",
            "line 2: expected plain values; got the tag",
        ),
        ("a: !!set {x}\n", "line 1: expected plain values; got the tag !!set"),
        ("a: 1\nb: x\x00\n", r"line 2: expected plain text; got the character U\+0000"),
        (
            "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
            + "".join(map(LAUGH.format, "bcdefgh", "bcdefgh", *["abcdefg"] * 10)),
            "line 6: expected at most 1,000,000 values",
        ),
    ],
    ids=["code", "type", "character", "laughs"],
)
def test_a_configuration_holds_plain_text(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "scale.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"^scale\.yaml, {message}"):
        require_plain(path, "scale.yaml")
    assert list(tmp_path.iterdir()) == [path]


def test_names_for_parts_are_allowed(tmp_path: Path) -> None:
    path = tmp_path / "scale.yaml"
    path.write_text("a: &a { b: 1 }\nc: { <<: *a, d: 2 }\ne: [*a, *a]\n")
    require_plain(path, "scale.yaml")
    assert read_yaml(path)["c"] == {"b": 1, "d": 2}


GOOD_RUN = {"sha256": {"results/rows/paper/fig4d.csv": ""}, "config": {"note": "x", "models": {}}}


@pytest.mark.parametrize(
    "content",
    [
        DEEP,
        "[]",
        '{"runs": 5}',
        '{"runs": [5]}',
        '{"runs": [{}]}',
        *(
            json.dumps({"runs": [GOOD_RUN | change]})
            for change in (
                {"sha256": "text"},
                {"config": "text"},
                {"config": {"note": 5, "models": {}}},
                {"config": {"note": "x"}},
                {"config": {"note": "x", "models": {"a": 5}}},
                {"config": {"note": "x", "models": {"a": {"like": "a"}}}},
                {"config": {"note": "x", "models": {"a": {"like": "none"}}}},
            )
        ),
    ],
)
def test_a_provenance_that_cannot_be_followed_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "provenance.json").write_text(content)
    with pytest.raises(ConfigError, match=r"provenance\.json: expected"):
        config_of(tmp_path, "paper", "fig4d", None)


def test_what_a_provenance_lacks_is_blamed_on_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"provenance\.json: .*KeyError"), told_from(tmp_path):
        raise KeyError("models")
    with pytest.raises(ConfigError, match="^mine$"), told_from(tmp_path):
        raise ConfigError("mine")
