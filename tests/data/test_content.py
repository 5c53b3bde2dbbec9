"""Other content than the official one is refused by name, and only accepted where it is asked for."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flexnet.data import content as judge
from flexnet.data import prepare as room
from flexnet.data._torchvision import import_torchvision
from flexnet.data.archives import intact
from flexnet.data.arrays import ImageArrays, load_arrays
from flexnet.data.catalogue import CONTENTS, DATASETS, Dataset
from flexnet.data.content import content_digest
from flexnet.data.mirror import read_mirror
from flexnet.data.prepare import prepare
from flexnet.errors import ConfigError, DataError

FIRST, SECOND = "train-00000-of-00002.parquet", "train-00001-of-00002.parquet"
Write = Callable[..., None]


@pytest.fixture(autouse=True)
def catalogue(tiny: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "DATASETS", {"tiny": tiny})
    monkeypatch.setattr(judge, "DATASETS", {"tiny": tiny})
    for variable in (room.MIRROR_VARIABLE, room.TORCHVISION_VARIABLE):
        monkeypatch.delenv(variable, raising=False)


def arrays(pixels: np.ndarray, labels: list[int]) -> ImageArrays:
    return ImageArrays(pixels.transpose(0, 3, 1, 2), np.array(labels), ("a", "b", "c"))


def test_the_digest_is_what_its_documentation_says() -> None:
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 2, 2)
    first = hashlib.sha256(bytes(range(12)) + b"\1" + b"\0" * 7).digest()
    second = hashlib.sha256(bytes(range(12, 24)) + b"\0" * 8).digest()
    expected = hashlib.sha256(b"(3, 2, 2)" + b"".join(sorted([first, second]))).hexdigest()
    assert content_digest(ImageArrays(images, np.array([1, 0]), ("a", "b"))) == expected


def test_the_digest_depends_on_everything_but_the_order(pixels: np.ndarray) -> None:
    base, labels = content_digest(arrays(pixels, [0, 1, 2, 0, 1, 2])), [0, 1, 2, 0, 1, 2]
    assert content_digest(arrays(pixels[::-1], labels[::-1])) == base
    changed = pixels.copy()
    changed[3, 4, 4, 1] ^= 1
    doubled = np.concatenate((pixels[:5], pixels[4:5]))
    others = [
        arrays(changed, labels),
        arrays(pixels, [1, 0, 2, 0, 1, 2]),
        arrays(doubled, [*labels[:5], labels[4]]),
        arrays(pixels[:5], labels[:5]),
        arrays(pixels.reshape(6, 4, 16, 3), labels),
        arrays(pixels.transpose(0, 2, 1, 3), labels),
    ]
    digests = {content_digest(other) for other in others}
    assert len(digests) == len(others)
    assert base not in digests


def refusal(mirror: Path, tmp_path: Path) -> str:
    """The message of a refusal that leaves nothing behind."""
    target = tmp_path / "out" / "train.safetensors"
    with pytest.raises(DataError) as caught:
        prepare("tiny", "train", target, mirror=mirror, download=False)
    assert not target.parent.exists()
    return str(caught.value)


def test_shuffled_and_newly_compressed_copies_are_official(
    mirror: Path, tmp_path: Path, pixels: np.ndarray, shard: Write, png
) -> None:
    images = [png(image, "WEBP", lossless=True) for image in pixels[::-1]]
    shard(mirror / "tiny" / FIRST, images[:1], [2])
    shard(mirror / "tiny" / SECOND, images[1:], [1, 0, 2, 1, 0])
    manifest = prepare("tiny", "train", tmp_path / "a.safetensors", mirror=mirror, download=False)
    assert manifest["content"] == "official"


def test_a_jpeg_copy_is_refused_unless_wanted(
    mirror: Path, tmp_path: Path, pixels, shard: Write, png
) -> None:
    shard(mirror / "tiny" / SECOND, [png(image, "JPEG") for image in pixels[4:]], [1, 2])
    message = refusal(mirror, tmp_path)
    assert f"expected the official images and labels of tiny/train; the mirror folder {mirror} has" in message
    assert "write `content: other` into its row of `sources`" in message
    assert "delete" not in message
    target = tmp_path / "a.safetensors"
    manifest = prepare("tiny", "train", target, mirror=mirror, download=False, content="other")
    assert manifest["content"] == "other"
    assert manifest["content_digest"] == content_digest(load_arrays(target))


def spoil_label(images: list, labels: list) -> None:
    labels[0] = 0


def exchange_labels(images: list, labels: list) -> None:
    labels.reverse()


def repeat_a_row(images: list, labels: list) -> None:
    images[1], labels[1] = images[0], labels[0]


@pytest.mark.parametrize("spoil", [spoil_label, exchange_labels, repeat_a_row])
def test_other_rows_are_refused(spoil, mirror: Path, tmp_path: Path, pixels, shard: Write, png) -> None:
    images, labels = [png(image) for image in pixels[4:]], [1, 2]
    spoil(images, labels)
    shard(mirror / "tiny" / SECOND, images, labels)
    assert "the official images and labels of tiny/train" in refusal(mirror, tmp_path)


def test_exchanged_splits_are_recognised(
    mirror: Path, tmp_path: Path, tiny: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The six images of the split `train`, where those of a split `other` are expected."""
    contents = {**tiny.contents, "other": {6: "0" * 64}}
    both = replace(tiny, splits={**tiny.splits, "other": (6,)}, contents=contents)
    monkeypatch.setattr(room, "DATASETS", {"tiny": both})
    for number in (0, 1):
        name = f"-0000{number}-of-00002.parquet"
        (mirror / "tiny" / f"train{name}").rename(mirror / "tiny" / f"other{name}")
    with pytest.raises(DataError, match="has others: those of tiny/train"):
        prepare("tiny", "other", tmp_path / "a.safetensors", mirror=mirror, download=False)


def test_a_content_that_nobody_knows_is_refused_unless_wanted(
    mirror: Path, tmp_path: Path, tiny: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "DATASETS", {"tiny": replace(tiny, contents={})})
    assert "no digest of its 6 images" in refusal(mirror, tmp_path)
    target = tmp_path / "a.safetensors"
    manifest = prepare("tiny", "train", target, mirror=mirror, download=False, content="other")
    assert manifest["content"] == "unknown"


@pytest.mark.parametrize("source", ["torchvision", "download"])
def test_where_no_digest_counts_the_official_archives_do(
    source: str, tmp_path: Path, tiny: Dataset, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole test split of MNIST as it is downloaded, for instance, and photos that were scaled here."""
    import_torchvision()
    from torchvision.datasets import FashionMNIST

    place = tmp_path / "root"
    archive = place / tiny.folder / "images.gz"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"official")
    monkeypatch.setattr(FashionMNIST, "resources", [("images.gz", hashlib.md5(b"official").hexdigest())])
    monkeypatch.setattr(room, f"read_{source}", lambda *_: arrays(pixels ^ 1, [0, 1, 2, 0, 1, 2]))
    places = {"torchvision_root": place} if source == "torchvision" else {"download_root": place}
    target, unknown = tmp_path / "a.safetensors", replace(tiny, contents={})
    monkeypatch.setattr(room, "DATASETS", {"tiny": unknown})
    assert prepare("tiny", "train", target, **places)["content"] == "official"
    monkeypatch.setattr(room, "DATASETS", {"tiny": tiny})  # a digest is known, and it is another
    with pytest.raises(DataError, match="expected the official images"):
        prepare("tiny", "train", tmp_path / "b.safetensors", **places)
    monkeypatch.setattr(room, "DATASETS", {"tiny": unknown})
    archive.write_bytes(b"others")
    with pytest.raises(DataError, match="no archive of torchvision lies beside"):
        prepare("tiny", "train", tmp_path / "b.safetensors", **places)


@pytest.mark.parametrize("name", ["mnist", "imagenette"])
def test_archives_are_those_of_torchvision(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_torchvision()
    from torchvision.datasets import MNIST, Imagenette

    record, told = DATASETS[name], hashlib.md5(b"whole").hexdigest()
    if name == "mnist":
        names = [file for file, _ in MNIST.resources]
        monkeypatch.setattr(MNIST, "resources", [(file, told) for file in names])
        paths = [tmp_path / "MNIST/raw" / file for file in names]
        assert len(paths) == 4
    else:
        url, _ = Imagenette._ARCHIVES["320px"]
        monkeypatch.setattr(Imagenette, "_ARCHIVES", {"320px": (url, told)})
        paths = [tmp_path / "imagenette2-320.tgz"]
    assert not intact(tmp_path, record)
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"whole")
    assert intact(tmp_path, record)
    paths[-1].write_bytes(b"hole")
    assert not intact(tmp_path, record)


def test_a_dataset_that_torchvision_lacks_has_no_archives(tmp_path: Path) -> None:
    assert not intact(tmp_path, DATASETS["cifar10g"])


@pytest.mark.parametrize("source", ["torchvision", "download"])
def test_every_source_is_checked(
    source: str, tmp_path: Path, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = arrays(pixels ^ 1, [0, 1, 2, 0, 1, 2])
    monkeypatch.setattr(room, f"read_{source}", lambda *_: found)
    places = {"torchvision_root": tmp_path} if source == "torchvision" else {"download_root": tmp_path / "d"}
    with pytest.raises(DataError, match=f"tiny/train; the {source} folder {tmp_path}") as caught:
        prepare("tiny", "train", tmp_path / "a.safetensors", **places)
    assert "fetch the official files" in str(caught.value)
    assert "delete" not in str(caught.value)  # the folder was named by the user
    manifest = prepare("tiny", "train", tmp_path / "a.safetensors", **places, content="other")
    assert (manifest["source"], manifest["content"]) == (source, "other")


def test_a_download_of_our_own_may_be_deleted(
    tmp_path: Path, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "read_download", lambda *_: arrays(pixels ^ 1, [0, 1, 2, 0, 1, 2]))
    with pytest.raises(
        DataError, match=rf"folder {tmp_path / 'downloads'} has others .*; delete that folder"
    ):
        prepare("tiny", "train", tmp_path / "a.safetensors")


def test_a_wrong_word_is_refused(mirror: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.safetensors"
    with pytest.raises(ConfigError, match=r"content: expected one of \['official', 'other'\]; got 'any'"):
        prepare("tiny", "train", target, mirror=mirror, content="any")
    with pytest.raises(ConfigError, match="content: expected none for shapes"):
        prepare("shapes", "train", target, content="other")


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_random_changes_give_the_same_images_or_an_error(
    kind: str, tmp_path: Path, pixels, tiny: Dataset, shard: Write, png, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte of a shard may change; what is read is official, or there is an error."""
    options = {"WEBP": {"lossless": True}}.get(kind, {})
    path = tmp_path / "mirror" / "tiny" / "train-00000-of-00001.parquet"
    shard(
        path, [png(image, kind, **options) for image in pixels], [0, 1, 2, 0, 1, 2], classes=["a", "b", "c"]
    )
    official = read_mirror(tmp_path / "mirror", tiny, "train")
    known = replace(tiny, contents={"train": {6: content_digest(official)}})
    monkeypatch.setattr(room, "DATASETS", {"tiny": known})
    whole, generator = path.read_bytes(), np.random.default_rng(len(kind))
    outcomes = {"same": 0, "refused": 0, "damaged": 0}
    for _ in range(80):
        data = bytearray(whole)
        data[generator.integers(len(data))] ^= generator.integers(1, 256)
        path.write_bytes(data)
        try:
            prepare("tiny", "train", tmp_path / "a.safetensors", mirror=tmp_path / "mirror", download=False)
        except DataError as error:
            outcomes["refused" if "the official images and labels" in str(error) else "damaged"] += 1
        else:
            prepared = load_arrays(tmp_path / "a.safetensors")
            assert np.array_equal(prepared.images, official.images)
            assert np.array_equal(prepared.labels, official.labels)
            outcomes["same"] += 1
    assert min(outcomes["same"], outcomes["damaged"]) > 0
    if kind != "PNG":  # whose parts have checksums
        assert outcomes["refused"] > 5


# --- what a shard says of its labels -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("classes", "fits"),
    [
        (["a", "b", "c"], True),
        (["A ", "b.", "c"], True),
        (["x", "y", "z"], True),  # names of another language say nothing
        (["b", "a", "c"], False),
        (["a", "b", "c", "d"], False),
        (["x", "c", "z"], False),
    ],
)
def test_the_order_of_the_classes(
    classes: list[str], fits: bool, mirror: Path, tiny: Dataset, pixels, shard: Write, png
) -> None:
    shard(mirror / "tiny" / SECOND, [png(image) for image in pixels[4:]], [1, 2], classes=classes)
    if fits:
        assert len(read_mirror(mirror, tiny, "train")) == 6
    else:
        with pytest.raises(DataError, match=rf"classes \['a', 'b', 'c'\] in this order in .*{SECOND}; its"):
            read_mirror(mirror, tiny, "train")


@pytest.mark.parametrize("text", ["{", "[]", '{"info": null}', '{"info": {"features": {"label": {}}}}'])
def test_other_metadata_says_nothing(text: str, mirror: Path, tiny: Dataset) -> None:
    path = mirror / "tiny" / SECOND
    pq.write_table(pq.read_table(path).replace_schema_metadata({"huggingface": text}), path)
    assert len(read_mirror(mirror, tiny, "train")) == 6


@pytest.mark.parametrize(
    "labels",
    [pa.array([0.0, 1.0]), pa.array(["a", "b"]), pa.array([True, False]), pa.array([[0], [1]])],
)
def test_labels_that_are_no_whole_numbers(labels: pa.Array, mirror: Path, tiny: Dataset) -> None:
    path = mirror / "tiny" / SECOND
    table = pq.read_table(path)
    pq.write_table(table.set_column(1, "label", labels), path)
    with pytest.raises(DataError, match=rf"label as an integer in .*{SECOND}; got struct.* and "):
        read_mirror(mirror, tiny, "train")


@pytest.mark.parametrize("kind", [pa.uint8(), pa.int16(), pa.uint64()])
def test_labels_of_any_whole_number_type(kind: pa.DataType, mirror: Path, tiny: Dataset) -> None:
    path = mirror / "tiny" / SECOND
    pq.write_table(pq.read_table(path).set_column(1, "label", pa.array([1, 2], kind)), path)
    assert read_mirror(mirror, tiny, "train").labels.tolist() == [0, 1, 2, 0, 1, 2]


def test_a_huge_label_does_not_wrap_around(mirror: Path, tiny: Dataset) -> None:
    path = mirror / "tiny" / SECOND
    pq.write_table(pq.read_table(path).set_column(1, "label", pa.array([1, 2**64 - 1], pa.uint64())), path)
    with pytest.raises(DataError, match=f"got {2**64 - 1} in row 1"):
        read_mirror(mirror, tiny, "train")


def test_an_empty_row_is_named(mirror: Path, tiny: Dataset) -> None:
    path = mirror / "tiny" / SECOND
    table = pq.read_table(path)
    images = table.column("image").combine_chunks()
    holed = pa.StructArray.from_arrays(
        images.flatten(), fields=list(images.type), mask=pa.array([False, True])
    )
    pq.write_table(table.set_column(0, "image", holed), path)
    with pytest.raises(DataError, match="image in row 1 of .*; the row has no image"):
        read_mirror(mirror, tiny, "train")


# --- the catalogue's own digests ---------------------------------------------------------------------


def test_the_catalogue_s_digests_are_of_its_splits() -> None:
    stored = json.loads(CONTENTS.read_text(encoding="utf-8"))
    assert "lossless copies" in stored["about"]
    known = [
        (name, split, int(count), digest)
        for name, splits in stored["digests"].items()
        for split, counts in splits.items()
        for count, digest in counts.items()
    ]
    assert len(known) == 14
    assert len({digest for *_, digest in known}) == 14
    for name, split, count, digest in known:
        assert count in DATASETS[name].splits[split]
        assert DATASETS[name].contents[split][count] == digest
        assert len(digest) == 64
    unknown = {
        (name, split, count)
        for name, record in DATASETS.items()
        for split, counts in record.splits.items()
        for count in counts
        if count not in record.contents[split]
    }
    assert unknown == {("mnist", "test", 10_000), ("imagenette", "train", 9_469)}
