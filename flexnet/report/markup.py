"""From the Markdown of captions, paragraphs and tables alone, to HTML."""

import html
import re
from collections.abc import Sequence

from flexnet.figures.verdict_marks import COLOURS

_CELL_END = re.compile(r"(?<!\\)\|")
_BOLD = re.compile(r"\*\*(.+?)\*\*")


def caption_html(text: str) -> str:
    """A caption as HTML: what is no table is a paragraph."""
    return "\n".join(
        _block(block.splitlines()) for block in re.split(r"\n\s*\n", text.strip()) if block.strip()
    )


def _block(lines: Sequence[str]) -> str:
    if not all(line.startswith("|") for line in lines):
        return f"<p>{_inline(' '.join(lines))}</p>"
    head, _, *rows = [_cells(line) for line in lines]
    return table_html(head, rows)


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in _CELL_END.split(line.strip())[1:-1]]


def table_html(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table. A row of which only the first cell says something is a heading of those below it."""
    body = "".join(f"<tr>{_row(row)}</tr>\n" for row in rows)
    names = "".join(f"<th>{_inline(name)}</th>" for name in head)
    return f"<div class='table'><table><thead><tr>{names}</tr></thead><tbody>\n{body}</tbody></table></div>"


def _row(row: Sequence[str]) -> str:
    if len(row) > 1 and row[0] and not any(row[1:]):
        return f"<th class='group' colspan='{len(row)}'>{_inline(row[0])}</th>"
    return "".join(f"<td>{_word(cell)}</td>" for cell in row)


def _word(cell: str) -> str:
    """A cell; a verdict is in its colour."""
    word, _, rest = cell.partition(" (")
    if word not in COLOURS:
        return _inline(cell)
    said = _inline(f" ({rest}") if rest else ""
    return f"<b class='verdict' style='color:{COLOURS[word]}'>{word}</b>{said}"


def _inline(text: str) -> str:
    return _BOLD.sub(r"<b>\1</b>", html.escape(text, quote=False))
