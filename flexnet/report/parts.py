"""What a page shows of a study: figures and ledgers, scale by scale, as far as they are there."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flexnet.study.figures import LEDGER
from flexnet.study.published import runs_of
from flexnet.study.study import Study, scale_name


@dataclass(frozen=True)
class Picture:
    """A figure.

    Attributes:
        target: path of its PDF, as one types it.
        name: of the figure.
        protocol: under which it was drawn.
        shows: what it shows, in some words.
        path: of its PDF on disk; PNG, caption and numbers lie beside it.
        outdated: whether today's settings or code would draw another.
    """

    target: str
    name: str
    protocol: str
    shows: str
    path: Path
    outdated: bool = False


@dataclass(frozen=True)
class Part:
    """What there is of one scale.

    Attributes:
        home: of the scale: "", "laptop/", "published/laptop/", ...
        title: what the page calls it.
        evidence: whether today's configuration says that its results are evidence.
        note: what readers of its rows must know.
        ledger: its ledger of claims, if there is one.
        outdated: whether today's settings or code would judge otherwise.
        pictures: in the order of the registry, the paper's protocol first.
        runs: how published rows were made; empty of rows that are made here.
    """

    home: str
    title: str
    evidence: bool
    note: str
    ledger: Path | None
    outdated: bool
    pictures: tuple[Picture, ...]
    runs: tuple[Mapping[str, Any], ...]


def parts_of(study: Study, targets: Iterable[str], outdated: Collection[str] = ()) -> list[Part]:
    """Sort what is to be shown by scale; those that are evidence come first.

    Args:
        study: what the targets are of.
        targets: paths of PDFs and ledgers, as one types them; other files are left out.
        outdated: those of them that would be made again today.
    """
    wanted = set(targets)
    found = [_part(study, home, wanted, outdated) for home in (*study.published_rows, *study.scales)]
    there = [part for part in found if part.pictures or part.ledger]
    return sorted(there, key=lambda part: not part.evidence)


def _part(study: Study, home: str, wanted: Collection[str], outdated: Collection[str]) -> Part:
    ledger, drawn = f"{home}results/{LEDGER}.csv", f"{home}figures/{LEDGER}.pdf"
    path = Path(study.placed(ledger))
    has_ledger = bool({ledger, drawn} & set(wanted)) and path.is_file()
    name = scale_name(home)
    return Part(
        home,
        f"{name} scale, published rows" if home in study.published_rows else f"{name} scale",
        study.evidence(home),
        study.note(home),
        path if has_ledger else None,
        bool({ledger, drawn} & set(outdated)),
        tuple(_pictures(study, home, wanted, outdated)),
        tuple(runs_of(study.published_rows[home])) if home in study.published_rows else (),
    )


def _pictures(
    study: Study, home: str, wanted: Collection[str], outdated: Collection[str]
) -> Iterable[Picture]:
    for figure, row in study.figures.items():
        for variant, protocol in study.variants.items():
            target = f"{home}figures/{variant}{figure}.pdf"
            path = Path(study.placed(target))
            if target in wanted and path.is_file():
                yield Picture(target, figure, protocol, str(row.get("shows", "")), path, target in outdated)
