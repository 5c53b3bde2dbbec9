"""One module per figure: rows -> tidy table -> matplotlib figure, with the facts of the runs behind it."""

from typing import TYPE_CHECKING

from flexnet.lazy import offers

if TYPE_CHECKING:
    from flexnet.figures.captions import caption as caption
    from flexnet.figures.facts import Facts as Facts
    from flexnet.figures.names import drawn as drawn
    from flexnet.figures.registry import load as load
else:
    __getattr__ = offers(
        __name__,
        {
            "Facts": "flexnet.figures.facts",
            "caption": "flexnet.figures.captions",
            "drawn": "flexnet.figures.names",
            "load": "flexnet.figures.registry",
        },
    )

__all__ = ["Facts", "caption", "drawn", "load"]
