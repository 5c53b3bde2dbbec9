"""What named targets stand for."""

from collections.abc import Collection
from functools import cache
from pathlib import Path, PurePosixPath

from flexnet.errors import ConfigError
from flexnet.study.figures import LEDGER
from flexnet.study.study import Study


def everything(study: Study, home: str) -> list[str]:
    """All figures under the protocols of everything (schematics under one), and the ledger of claims."""
    shown = [
        (variant, figure)
        for variant, protocol in study.variants.items()
        for figure in study.figures
        if study.in_everything(home, figure, protocol)
    ]
    figures = [f"{home}figures/{variant}{figure}.pdf" for variant, figure in shown]
    ledger = _ledger(home, {figure for _, figure in shown})
    return [*figures, *ledger, *([f"{home}results/{LEDGER}.csv"] if ledger else [])]


def published_figures(study: Study) -> list[str]:
    """Every figure whose rows are published, and the ledgers."""
    shown = [
        (home, variant, figure)
        for home in study.published_rows
        for variant, protocol in study.variants.items()
        for figure in study.figures
        if study.is_published(home, protocol, figure)
    ]
    figures = [f"{home}figures/{variant}{figure}.pdf" for home, variant, figure in shown]
    of = {home: {figure for there, _, figure in shown if there == home} for home in study.published_rows}
    return [*figures, *(path for home, there in of.items() for path in _ledger(home, there))]


def _ledger(home: str, figures: Collection[str]) -> list[str]:
    """The drawing of a ledger, and its numbers: drawings of before they were written lack them.

    None if no claim is judged by the rows of any of these figures: there is nothing to draw.
    """
    if _judged().isdisjoint(figures):
        return []
    return [f"{home}figures/{LEDGER}.pdf", f"{home}figures/{LEDGER}.csv"]


@cache
def _judged() -> frozenset[str]:
    """Figures by whose rows a claim is judged."""
    # Behind it stands pandas, which plans of single figures need not wait for.
    from flexnet.claims.catalogue import packaged_claims

    return frozenset(claim.figure for claim in packaged_claims())


def made(study: Study, homes: list[str]) -> list[str]:
    """For a report: what there is of everything of some homes.

    Raises:
        ConfigError: if there is nothing.
    """
    there = {home: [name for name in everything(study, home) if _is_made(study, name)] for home in homes}
    # A ledger without its figure was not made here, but came with published rows.
    found = [
        name
        for home, names in there.items()
        for name in names
        if f"{home}figures/{LEDGER}.pdf" in names or name != f"{home}results/{LEDGER}.csv"
    ]
    if not found:
        raise ConfigError(
            "expected figures for the report; got none; make some first, such as `snakemake demo`, or name"
            " them: `snakemake published/laptop/figures/fig4c.pdf --report report.zip`"
        )
    return found


def figure_at(study: Study, target: str) -> tuple[str, str] | None:
    """Protocol and figure of a target at the papers' scale, such as figures/release/fig4d.pdf, else None.

    No figure's name begins like a protocol, so a path is one figure's under one protocol.
    """
    for variant, protocol in study.variants.items():
        figure = target.removeprefix(f"figures/{variant}").removesuffix(PurePosixPath(target).suffix)
        if target.startswith(f"figures/{variant}") and figure in study.figures:
            return protocol, figure
    return None


def _is_made(study: Study, path: str) -> bool:
    """Whether a file is there, as jobs find it."""
    return Path(study.placed(path)).is_file()
