"""The page itself: everything in one file, pictures and numbers included."""

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from flexnet.report.claims import OUTDATED, ledger_html, may_show
from flexnet.report.markup import caption_html, table_html
from flexnet.report.parts import Part, Picture
from flexnet.study.cost import in_words
from flexnet.study.figures import LEDGER

LACKING = "<p class='note'>Its picture is not there.</p>"
NOT_SHOWN = "Drawn before this scale stopped being evidence, so it is not shown;"


@dataclass(frozen=True)
class Work:
    """Finished jobs of one kind.

    Attributes:
        name: of the rule.
        jobs: how many.
        seconds: that they took together, by the clock.
        first: when the first began, as ISO 8601.
        last: when the last ended.
    """

    name: str
    jobs: int
    seconds: float
    first: str
    last: str


def page(parts: Sequence[Part], work: Sequence[Work], about: Mapping[str, str], description: str) -> str:
    """The page of a study, as HTML.

    Args:
        parts: what there is, in the order in which it is shown.
        work: the jobs that made it.
        about: the program and the machine that made the page, name by name.
        description: what all of it is, one paragraph.

    Raises:
        DataError: if a ledger or a file of numbers is not what it claims to be.
    """
    template = Template((files("flexnet.report") / "page.html").read_text(encoding="utf-8"))
    judged = [part for part in parts if part.ledger and part.evidence]
    body = [
        *(
            f"<section><h2 id='{_id(part)}-claims'>Claims, {part.title}</h2>{ledger_html(part)}</section>"
            for part in judged
        ),
        *(_part(part, with_ledger=part not in judged) for part in parts),
        _provenance(parts, about),
        _work(work),
    ]
    return template.substitute(
        description=html.escape(description), menu=_menu(parts, judged), body="\n".join(body)
    )


def _menu(parts: Sequence[Part], judged: Sequence[Part]) -> str:
    links = [(f"{_id(part)}-claims", f"claims, {part.title}") for part in judged]
    links += [(_id(part), f"figures, {part.title}") for part in parts]
    links += [("provenance", "provenance"), ("work", "run statistics")]
    return " · ".join(f"<a href='#{name}'>{html.escape(title)}</a>" for name, title in links)


def _id(part: Part) -> str:
    return "scale-" + (part.home.strip("/").replace("/", "-") or "paper")


def _part(part: Part, *, with_ledger: bool) -> str:
    note = f"<p class='note'>{html.escape(part.note)}</p>" if part.note else ""
    claims = ledger_html(part) if with_ledger else ""
    ledger = _claims_picture(part) if part.ledger else ""
    shown = "\n".join(_picture(picture, part) for picture in part.pictures)
    return f"<section><h2 id='{_id(part)}'>Figures, {part.title}</h2>{note}{claims}{ledger}{shown}</section>"


def _claims_picture(part: Part) -> str:
    """The drawing of the ledger, whose table is on the page already."""
    path = (part.ledger or Path()).parents[1] / "figures" / f"{LEDGER}.pdf"
    if not path.with_suffix(".png").is_file() or not may_show(part):
        return ""
    words = path.with_suffix(".md")
    caption = words.read_text(encoding="utf-8").partition("\n\n|")[0] if words.is_file() else ""
    return _figure(f"{part.home}figures/{LEDGER}.pdf", "claims", path, caption, outdated=part.outdated)


def _picture(picture: Picture, part: Part) -> str:
    title = f"{picture.name}, {picture.protocol} protocol: {picture.shows}"
    if picture.outdated and not part.evidence:
        again = f"{NOT_SHOWN} snakemake {picture.target} draws it again."
        return f"<figure><h3>{html.escape(title)}</h3><p class='note'>{html.escape(again)}</p></figure>"
    words = picture.path.with_suffix(".md")
    caption = words.read_text(encoding="utf-8") if words.is_file() else ""
    return _figure(picture.target, title, picture.path, caption, outdated=picture.outdated)


def _figure(target: str, title: str, path: Path, caption: str, *, outdated: bool = False) -> str:
    image, name = path.with_suffix(".png"), html.escape(title)
    shown = f"<img alt='{name}' src='{_data(image, 'image/png')}'>" if image.is_file() else LACKING
    old = OUTDATED if outdated else ""
    links = [
        f"<a download='{each.name}' href='{_data(each, kind)}'>{word}</a>"
        for each, kind, word in (
            (path, "application/pdf", "PDF"),
            (path.with_suffix(".csv"), "text/csv", "numbers"),
        )
        if each.is_file()
    ]
    return (
        f"<figure><h3>{name}</h3>{old}{shown}<figcaption>{caption_html(caption)}"
        f"<p class='links'><code>{html.escape(target)}</code> {' '.join(links)}</p></figcaption></figure>"
    )


def _data(path: Path, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _provenance(parts: Sequence[Part], about: Mapping[str, str]) -> str:
    """This page's, and that of published rows."""
    rows = [["this page", name, value] for name, value in about.items()]
    for part in parts:
        for number, run in enumerate(part.runs, 1):
            machine = ", ".join(f"{key} {value}" for key, value in run.get("machine", {}).items())
            jobs = run.get("wall_time", {}).values()
            seconds = sum(float(entry["seconds"]) for entry in jobs)
            told = {
                "command": run.get("command", ""),
                "commit": run.get("commit", ""),
                "machine": machine,
                "jobs": f"{sum(int(entry['jobs']) for entry in jobs)}, {in_words(seconds)} together",
            }
            rows += [[f"{part.title}, run {number}", key, str(value)] for key, value in told.items()]
    return f"<section><h2 id='provenance'>Provenance</h2>{table_html(['of', 'what', ''], rows)}</section>"


def _work(work: Sequence[Work]) -> str:
    rows = [[each.name, str(each.jobs), in_words(each.seconds), each.first, each.last] for each in work]
    head = ["kind of job", "jobs", "time, together", "first began", "last ended"]
    said = table_html(head, rows) if rows else "<p>Nothing of this was made here.</p>"
    return f"<section><h2 id='work'>Run statistics</h2>{said}</section>"
