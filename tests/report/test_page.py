"""The page of a study from files made by hand: what it shows, and what it must not show."""

import base64
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from flexnet.claims.ledger import write_ledger
from flexnet.errors import DataError
from flexnet.report.about import about, commit_of
from flexnet.report.page import Work, page
from flexnet.report.parts import Part, Picture

ROW = {
    "id": "C01",
    "paper": "a-paper",
    "protocol": "paper",
    "scale": "laptop",
    "title": "layers help",
    "statement": "They gain 2 points.",
    "comparison": "flexible - baseline",
    "paper_value": 2.0,
    "measured_value": 3.5,
    "unit": "points",
    "low": 2.5,
    "high": 4.5,
    "n": 5,
    "by_seed": "none",
    "claimed_low": 1.0,
    "claimed_high": float("inf"),
    "verdict": "reproduced",
    "summary": "reproduced",
    "detail": "flexible - baseline, epsilon 0",
    "source": "Table 1",
}
UNJUDGED = {
    "verdict": "no evidence",
    "summary": "no evidence",
    "paper_value": float("nan"),
    "claimed_low": float("nan"),
    "claimed_high": float("nan"),
}
OTHER = {
    "protocol": "corrected",
    "verdict": "contradicted",
    "summary": "contradicted",
    "measured_value": -1.25,
}


@pytest.fixture
def part(tmp_path: Path) -> Part:
    """A scale that is evidence, with a ledger and one figure."""
    figures = tmp_path / "laptop/figures"
    figures.mkdir(parents=True)
    for name in ("fig3", "claims"):
        (figures / f"{name}.pdf").write_bytes(b"%PDF-" + name.encode())
        (figures / f"{name}.png").write_bytes(b"PNG of " + name.encode())
        (figures / f"{name}.md").write_text(f"Caption of {name}.\n\n| A |\n| --- |\n| of {name} |\n")
        (figures / f"{name}.csv").write_text(f"{name}\n1\n")
    ledger = tmp_path / "laptop/results/claims.csv"
    write_ledger(ledger, [ROW, ROW | OTHER])
    picture = Picture("laptop/figures/fig3.pdf", "fig3", "paper", "thresholds", figures / "fig3.pdf")
    return Part("laptop/", "laptop scale", True, "A note.", ledger, False, (picture,), ())


def made(*parts: Part, work: tuple[Work, ...] = ()) -> str:
    return page(parts, work, {"flexnet": "1.2.3", "commit": "abc"}, "What it is.")


def embedded(text: str, kind: str) -> set[bytes]:
    return {base64.b64decode(data) for data in re.findall(f"data:{kind};base64,([\\w+/=]+)", text)}


def test_pictures_numbers_captions_and_claims_are_in_the_page(part: Part) -> None:
    text = made(part)
    assert embedded(text, "image/png") == {b"PNG of fig3", b"PNG of claims"}
    assert embedded(text, "text/csv") == {b"fig3\n1\n", b"claims\n1\n"}
    assert embedded(text, "application/pdf") == {b"%PDF-fig3", b"%PDF-claims"}
    assert "Caption of fig3." in text
    assert "<td>of fig3</td>" in text
    assert "of claims</td>" not in text  # the ledger's own table is there, once
    assert "A note." in text
    assert "+3.50 [+2.50, +4.50] points" in text


def test_claims_stand_above_all_figures_and_have_a_column_for_each_protocol(part: Part) -> None:
    text = made(part)
    assert text.index("<h2 id='scale-laptop-claims'>") < text.index("<figure>")
    summary = re.sub(r"<[^>]+>", "|", text[text.index("<tbody>") : text.index("</tbody>")])
    assert re.findall(r"[\w.]+(?: [\w.]+)*", summary) == [
        "C01", "a", "paper", "layers help. They gain 2 points.", "reproduced", "contradicted",
    ]  # fmt: skip


def test_nothing_is_loaded_from_elsewhere(part: Part) -> None:
    text = made(part)
    assert re.findall(r"""(?:src|href)\s*=\s*['"](?!data:|#)""", text) == []
    assert "<script" not in text
    assert "@import" not in text
    assert "url(" not in text
    links = set(re.findall(r"href='#([^']+)'", text))
    assert links <= set(re.findall(r"id='([^']+)'", text))
    assert len(links) == 4


def test_a_scale_that_is_no_evidence_has_no_verdict_and_no_number_of_a_paper(part: Part) -> None:
    assert part.ledger is not None
    write_ledger(part.ledger, [ROW | UNJUDGED])
    text = made(replace(part, evidence=False))
    assert "no evidence: nothing is judged" in text
    assert "+3.50 [+2.50, +4.50] points" in text
    assert "class='verdict'" not in text
    assert "Verdict" not in text
    assert "+2.00" not in text
    assert b"PNG of claims" in embedded(text, "image/png")


def test_verdicts_from_when_a_scale_was_evidence_are_not_shown(part: Part) -> None:
    old = replace(part.pictures[0], outdated=True)
    text = made(replace(part, evidence=False, pictures=(old,)))
    for word in ("reproduced", "contradicted", "They gain 2 points", "Caption of", "+3.50"):
        assert word not in text
    assert embedded(text, "image/png") == set()
    assert "<code>snakemake laptop/figures/claims.pdf</code> judges again" in text
    assert "snakemake laptop/figures/fig3.pdf draws it again" in text


def test_a_ledger_from_when_a_scale_was_no_evidence_says_so(part: Part) -> None:
    assert part.ledger is not None
    write_ledger(part.ledger, [ROW | UNJUDGED])
    text = made(part)
    assert "from when this scale was no evidence" in text
    assert b"PNG of claims" not in embedded(text, "image/png")


def test_partial_results_give_a_page_of_what_there_is(part: Part) -> None:
    assert part.ledger is not None
    part.pictures[0].path.with_suffix(".png").unlink()
    part.pictures[0].path.with_suffix(".md").unlink()
    text = made(replace(part, ledger=None))
    assert "Its picture is not there." in text
    assert "Nothing of this was made here." in text
    write_ledger(part.ledger, [ROW | {"n": 0, "verdict": "not measured", "summary": "not measured"}])
    assert "No claim was measured yet." in made(part)


def test_a_damaged_ledger_is_named(part: Part) -> None:
    assert part.ledger is not None
    part.ledger.write_text("id,verdict\nC01,reproduced\n")
    with pytest.raises(DataError, match=r"claims\.csv"):
        made(part)


def test_outdated_results_are_marked(part: Part) -> None:
    assert "Outdated" not in made(part)
    old = replace(part, outdated=True, pictures=(replace(part.pictures[0], outdated=True),))
    assert made(old).count("Outdated") == 3  # the claims, their drawing, the figure


def test_provenance_and_run_statistics(part: Part) -> None:
    run = {
        "command": "snakemake laptop",
        "commit": "fedcba",
        "machine": {"cores": 2},
        "wall_time": {"train/a": {"jobs": 3, "seconds": 4000}, "fgsm/a": {"jobs": 1, "seconds": 50}},
    }
    work = Work("train", 6, 75.4, "2026-01-02 03:04:05+00:00", "2026-01-02 04:04:05+00:00")
    text = re.sub(r"<[^>]+>", " ", made(replace(part, runs=(run,)), work=(work,)))
    for words in ("this page  commit  abc", "snakemake laptop", "fedcba", "cores 2", "4, 1.1 hours together"):
        assert words in text
    assert "train  6  1.3 minutes  2026-01-02 03:04:05+00:00  2026-01-02 04:04:05+00:00" in text


def test_the_commit_is_that_of_the_checkout_alone(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        name = ("-c", "user.name=test", "-c", "user.email=test@example.org")
        done = subprocess.run(
            ["git", *name, *words], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "-q")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "-qm", "one")
    assert commit_of(tmp_path) == git("rev-parse", "HEAD")
    (tmp_path / "file").write_text("2")
    assert commit_of(tmp_path) == f"{git('rev-parse', 'HEAD')}, with changes"
    (tmp_path / "inside").mkdir()
    assert about(tmp_path / "inside")["commit"] == "not known"
