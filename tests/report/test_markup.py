"""Captions as HTML."""

from flexnet.figures.verdict_marks import COLOURS
from flexnet.report.markup import caption_html, table_html


def test_a_paragraph_and_a_table() -> None:
    text = "Means of\n3 seeds.\n\n| Network | Accuracy |\n| --- | --- |\n| A \\| B | 1 ± 2 |\n"
    assert caption_html(text).replace("\n", "") == (
        "<p>Means of 3 seeds.</p><div class='table'><table>"
        "<thead><tr><th>Network</th><th>Accuracy</th></tr></thead>"
        "<tbody><tr><td>A | B</td><td>1 ± 2</td></tr></tbody></table></div>"
    )


def test_what_is_written_is_shown_and_never_run() -> None:
    hostile = "<script>alert(1)</script> a < b & **bold**"
    assert caption_html(hostile) == (
        "<p>&lt;script&gt;alert(1)&lt;/script&gt; a &lt; b &amp; <b>bold</b></p>"
    )
    assert "<img" not in table_html(["<img src=x>"], [["<img src=x>", "y"], ["<img src=x>", ""]])


def test_a_row_with_one_cell_is_a_heading_and_a_verdict_has_its_colour() -> None:
    text = table_html(
        ["a", "b"], [["C01: title", ""], ["x", "contradicted (claim: mixed)"], ["y", "reproduced"]]
    )
    assert "<th class='group' colspan='2'>C01: title</th>" in text
    assert (
        f"<b class='verdict' style='color:{COLOURS['contradicted']}'>contradicted</b> (claim: mixed)" in text
    )
    assert f"<b class='verdict' style='color:{COLOURS['reproduced']}'>reproduced</b>" in text
    assert text.count("verdict") == 2


def test_nothing_gives_nothing() -> None:
    assert caption_html("\n") == ""
