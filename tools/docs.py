"""Build the documentation: `make docs`, or `python tools/docs.py`; the pages are in build/site/index.html.

Pages are those of docs/ and some other texts of the checkout, with their links turned to where they lie among
the pages. Where a page says `<!-- made: NAME -->`, what `tools/pages.py` makes of that name is put. MkDocs
has an environment of its own, build/docs-env, from requirements/docs.lock; it stops at any link or anchor
that leads nowhere, and at any page that the menu lacks.
"""

import hashlib
import os
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

# The package of this checkout.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pages

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "build/docs"
VENV = ROOT / "build/docs-env"
LOCK = ROOT / "requirements/docs.lock"
# Texts that lie elsewhere, with the names of their pages.
BORROWED = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "config/README.md": "configuration.md",
}
LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)\s]*)?\))")
MADE = re.compile(r"<!-- made: (\w+) -->")
FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


def page_of(path: str) -> str | None:
    """The page that a file of the checkout becomes, or none."""
    inside = path.removeprefix("docs/") if path.startswith("docs/") else None
    return BORROWED.get(path, inside)


def with_links(text: str, path: str) -> str:
    """A text of the checkout with its links to other texts as they are among the pages.

    Args:
        text: Markdown.
        path: where it lies in the checkout, such as docs/own.md.

    Raises:
        SystemExit: if a link leads to what is no page.
    """
    here = posixpath.dirname(path)

    def turned(link: re.Match[str]) -> str:
        before, target, after = link.groups()
        if re.match(r"[a-z]+:", target):
            return link[0]
        page = page_of(posixpath.normpath(posixpath.join(here, target)))
        if page is None:
            sys.exit(f"docs: {path}: expected a link to a page; got {target!r}; name the file without a link")
        return f"{before}{page}{after}"

    return _outside_code(text, lambda part: LINK.sub(turned, part))


def filled(text: str, makers: Mapping[str, Callable[[], str]], path: str) -> str:
    """A page with all that is made for it.

    Raises:
        SystemExit: if it asks for what nothing makes.
    """

    def made(mark: re.Match[str]) -> str:
        if mark[1] not in makers:
            sys.exit(f"docs: {path}: expected one of {sorted(makers)}; got the mark {mark[1]!r}")
        return makers[mark[1]]()

    return _outside_code(text, lambda part: MADE.sub(made, part))


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    return "".join(part if part.startswith("```") else change(part) for part in FENCED.split(text))


def written(pages_folder: Path) -> None:
    """Write the sources of all pages into an empty folder."""
    shutil.rmtree(pages_folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs", pages_folder, ignore=shutil.ignore_patterns("*.md"))
    texts = [*(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")), *BORROWED]
    makers = pages.makers(pages_folder)
    for path in texts:
        text = with_links((ROOT / path).read_text(encoding="utf-8"), path)
        page = pages_folder / str(page_of(path))
        page.write_text(filled(text, makers, path), encoding="utf-8")
    (pages_folder / "example.md").write_text(pages.notebook(), encoding="utf-8")
    for name, text in pages.api().items():
        (pages_folder / "api").mkdir(exist_ok=True)
        (pages_folder / "api" / f"{name}.md").write_text(text, encoding="utf-8")


def run(*command: str | Path) -> None:
    """Run a command of this checkout; stop with its exit status if it fails."""
    status = subprocess.run([str(part) for part in command], cwd=ROOT, check=False).returncode
    if status:
        sys.exit(f"docs: {Path(command[0]).name} failed with status {status}; see its message above")


def mkdocs() -> Path:
    """The program that makes the pages, in an environment that holds what is locked for it and no more."""
    stamp, digest = VENV / "locked", hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != digest:
        run(sys.executable, "-m", "venv", "--clear", VENV)
        run(VENV / "bin/python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", LOCK)
        stamp.write_text(digest, encoding="utf-8")
    return VENV / "bin/mkdocs"


def main(arguments: list[str]) -> None:
    """Draw the published figures if they are not there, write the pages, build the site.

    With `--fetch` it only sees to it that what builds the site is there.
    """
    program = mkdocs()
    if arguments == ["--fetch"]:
        return
    run(sys.executable, "-m", "snakemake", "published", "--quiet", "all")
    written(PAGES)
    os.environ["NO_MKDOCS_2_WARNING"] = "1"  # an advertisement
    run(program, "build", "--strict", "--quiet")
    print(f"docs: {ROOT / 'build/site/index.html'}")


if __name__ == "__main__":
    main(sys.argv[1:])
