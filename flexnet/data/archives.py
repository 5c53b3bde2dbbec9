"""Whether images are the official ones by the archives that they were unpacked from.

For splits whose official content the catalogue does not know, and for photos, which are decoded to squares
here and not by whoever made the known digests.
"""

from pathlib import Path

from flexnet.data._torchvision import import_torchvision
from flexnet.data.catalogue import Dataset

SIZE = "320px"  # of Imagenette


def intact(root: str | Path, record: Dataset) -> bool:
    """Whether torchvision's archives of a dataset lie in its root, with the MD5 that torchvision expects.

    It leaves them there when it has unpacked them.

    Args:
        root: torchvision's.
        record: the dataset.
    """
    if record.torchvision is None:
        return False
    import_torchvision()
    from torchvision import datasets
    from torchvision.datasets.utils import check_integrity

    source, folder = getattr(datasets, record.torchvision), Path(root)
    if record.photos:
        url, digest = source._ARCHIVES[SIZE]
        archives = [(folder / Path(url).name, digest)]
    else:
        archives = [
            (folder / record.folder / name, digest) for name, digest in getattr(source, "resources", ())
        ]
    return bool(archives) and all(check_integrity(str(path), digest) for path, digest in archives)
