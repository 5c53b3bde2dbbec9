"""Writing a figure as PDF and PNG: atomic, and byte for byte the same from the same table."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from flexnet.errors import ConfigError
from flexnet.figures.look import journal
from flexnet.files import atomic_path


def save(figure: Figure, path: str | Path, *, title: str = "", pages: Sequence[Figure] = ()) -> None:
    """Write `figure` as vector PDF to `path` and as PNG of 300 dots per inch beside it.

    Neither file holds a date, so equal figures give equal bytes with one version of matplotlib.

    Args:
        figure: a figure drawn within `style.journal()`.
        path: where the PDF goes, ending in .pdf.
        pages: the same on several pages, for the PDF.
        title: the document title of the PDF, such as "fig4d, release protocol, laptop scale".

    Raises:
        ConfigError: if `path` does not end in .pdf.
    """
    target = Path(path)
    if target.suffix != ".pdf":
        raise ConfigError(f"expected a path ending in .pdf; got {target}; the PNG is written beside it")
    dates = {"CreationDate": None, "ModDate": None}
    with journal():
        about = {**dates, "Title": title or None}
        with atomic_path(target) as temporary, PdfPages(temporary, metadata=about) as document:
            for each in pages or [figure]:
                document.savefig(each)
        with atomic_path(target.with_suffix(".png")) as temporary:
            figure.savefig(temporary, format="png", dpi=300, metadata={"Title": title} if title else {})
