"""What named targets stand for."""

from pathlib import Path

from flexnet.errors import ConfigError
from flexnet.study.study import Study


def everything(study: Study, home: str) -> list[str]:
    """All figures under every protocol (schematics under one), and the ledger of claims."""
    figures = [
        f"{home}figures/{variant}{figure}.pdf"
        for variant, protocol in study.variants.items()
        for figure in study.figures
        if study.shown(home, figure, protocol)
    ]
    return [*figures, f"{home}figures/claims.pdf", f"{home}results/claims.csv"]


def published_figures(study: Study) -> list[str]:
    """Every figure whose rows are published, and the ledgers."""
    figures = [
        f"{home}figures/{variant}{figure}.pdf"
        for home in study.published_rows
        for variant, protocol in study.variants.items()
        for figure in study.figures
        if study.is_published(home, protocol, figure)
    ]
    return [*figures, *(f"{home}figures/claims.pdf" for home in study.published_rows)]


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
        if f"{home}figures/claims.pdf" in names or not name.endswith("claims.csv")
    ]
    if not found:
        raise ConfigError(
            "expected figures for the report; got none; make some first, such as `snakemake demo`, or name"
            " them: `snakemake published/laptop/figures/fig4c.pdf --report report.zip`"
        )
    return found


def _is_made(study: Study, path: str) -> bool:
    """Whether a file is there, as jobs find it."""
    return Path(study.placed(path)).is_file()
