"""`snakemake --report report.html`: one page of everything, as it is written and as a browser shows it."""

import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

FIGURES = ("fig4c", "corrected/fig4c", "table2")
TARGETS = (
    *(f"published/laptop/figures/{name}.pdf" for name in FIGURES),
    "published/laptop/figures/claims.pdf",
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Asks the browser what it has made of the page, once everything is there.
PROBE = """
<script>
addEventListener("load", () => {
  const width = image => image.getBoundingClientRect().width;
  const shown = [...document.images].map(image => [image.alt, image.naturalWidth, width(image)]);
  const loaded = performance.getEntriesByType("resource").map(entry => entry.name.slice(0, 40));
  const found = {shown, loaded};
  document.body.innerHTML = "<pre id=found>" + JSON.stringify(found).replaceAll("<", "&lt;") + "</pre>";
});
</script>
"""


@pytest.fixture(scope="module")
def project(new_project: Callable[[], Any]) -> Any:
    """A copy in which some of the published figures and the ledger were made."""
    made = new_project()
    assert made.make(*TARGETS) == {"draw_figure": 3, "judge_claims": 1}
    return made


def report(project: Any, *targets: str) -> str:
    done = project.snakemake("--report", "report.html", "--", *targets)
    assert done.returncode == 0, done.stdout
    assert "Traceback" not in done.stdout
    return (project.folder / "report.html").read_text(encoding="utf-8")


def figures_in(text: str) -> list[str]:
    return re.findall(r"<img alt='([\w/]+(?:, \w+)?)", text)


def test_it_shows_what_there_is_and_computes_nothing(project: Any) -> None:
    """Of seventeen published figures three are there: a page of these, and none of the others is drawn."""
    text = report(project)
    assert figures_in(text) == ["claims", "fig4c, paper", "fig4c, corrected", "table2, paper"]
    assert figures_in(report(project, "published")) == figures_in(text)
    assert not (project.folder / "published/laptop/figures/fig3.pdf").exists()
    assert text.index("Claims, laptop scale, published rows") < text.index("<img")
    assert "Outdated" not in text
    caption = (project.folder / "published/laptop/figures/corrected/fig4c.md").read_text().strip()
    assert f"<p>{caption}</p>" in text


def test_figures_can_be_named(project: Any) -> None:
    text = report(project, "published/laptop/figures/table2.pdf")
    assert figures_in(text) == ["table2, paper"]
    assert "Claims, laptop" not in text


def test_it_tells_how_long_jobs_took_and_what_they_came_from(project: Any) -> None:
    text = re.sub(r"<[^>]+>", "|", report(project))
    assert re.search(r"\|draw_figure\|\|3\|\|(\d+ seconds|[\d.]+ minutes)\|\|2\d{3}-", text)
    assert re.search(r"\|judge_claims\|\|1\|\|(\d+ seconds|[\d.]+ minutes)\|", text)
    provenance = json.loads((project.folder / "published/laptop/provenance.json").read_text())
    assert all(run["commit"] in text and run["command"] in text for run in provenance["runs"])
    assert "|this page||commit||not known|" in text  # a copy without git


def test_what_would_be_made_again_is_marked(project: Any) -> None:
    with project.edited("config/figures.yaml", 'training, on 1,000 images"', 'training"'):
        assert "Outdated" not in report(project)  # words of the list of targets change no figure
    with project.edited("config/figures.yaml", "fig4c:\n", "fig4c:\n  published: Other words.\n"):
        text = report(project)
    marked = re.findall(r"<figure><h3>(\w+), (\w+)[^<]*</h3><p class='note'>Outdated", text)
    assert marked == [("fig4c", "paper"), ("fig4c", "corrected")]
    assert text.count("Outdated") == 2


def test_it_can_follow_a_run(project: Any) -> None:
    target = "published/laptop/figures/table2.pdf"
    (project.folder / target).unlink()
    done = project.snakemake("--report", "report.html", "--report-after-run", "--", target)
    assert done.returncode == 0, done.stdout
    text = (project.folder / "report.html").read_text(encoding="utf-8")
    assert figures_in(text) == ["table2, paper"]
    assert "Outdated" not in text


def test_no_verdict_is_shown_once_a_scale_is_no_evidence(project: Any) -> None:
    with project.edited("config/scales/laptop.yaml", "evidence: true", "evidence: false"):
        text = report(project)
    assert "class='verdict'" not in text
    assert "contradicted" not in text
    assert figures_in(text) == []
    assert text.count("so it is not shown") == 3


def test_a_zip_is_still_that_of_snakemake(project: Any) -> None:
    done = project.snakemake("--report", "report.zip", "--", *TARGETS)
    assert done.returncode == 0, done.stdout
    with zipfile.ZipFile(project.folder / "report.zip") as archive:
        assert {"fig4c.pdf", "table2.pdf"} <= {Path(name).name for name in archive.namelist()}


def test_a_damaged_ledger_is_named_and_leaves_the_earlier_page(project: Any) -> None:
    before = report(project)
    ledger = project.folder / "published/laptop/results/claims.csv"
    text = ledger.read_text()
    ledger.write_text(text.replace("verdict", "verdikt", 1))
    done = project.snakemake("--report", "report.html")
    ledger.write_text(text)
    assert done.returncode != 0
    assert "claims.csv" in done.stdout
    assert "Traceback" not in done.stdout
    assert (project.folder / "report.html").read_text(encoding="utf-8") == before


# --- in a browser -----------------------------------------------------------------------------------


def browser(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a headless browser."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(f"needs a browser to look at the page: one of {', '.join(BROWSERS)}")
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        "--window-size=1200,2000",
    ]
    return subprocess.run(
        [program, *options, *arguments], capture_output=True, text=True, check=True, timeout=120
    )


def test_a_browser_shows_every_picture_at_once_without_network_or_complaint(
    project: Any, tmp_path: Path
) -> None:
    text = report(project)
    asked = tmp_path / "asked.html"
    asked.write_text(text.replace("</body>", f"{PROBE}</body>"), encoding="utf-8")
    done = browser("--virtual-time-budget=20000", "--dump-dom", asked.as_uri())
    answer = re.search(r"<pre id=\"found\">(.*?)</pre>", done.stdout, re.DOTALL)
    assert answer is not None, done.stderr
    found = json.loads(answer[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    assert [name for name, *_ in found["shown"]] == re.findall(r"<img alt='([^']*)'", text)
    assert len(found["shown"]) == 4
    assert all(natural > 500 and width > 300 for _, natural, width in found["shown"])
    assert [name for name in found["loaded"] if not name.startswith("data:")] == []
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []


def test_the_browser_test_sees_a_picture_that_is_missing(tmp_path: Path) -> None:
    """Else it would pass for any page."""
    asked = tmp_path / "asked.html"
    broken = "<img alt='a' src='http://127.0.0.1:9/nowhere.png'><script>console.error('complaint')</script>"
    asked.write_text(f"<!DOCTYPE html><body>{broken}{PROBE}</body>", encoding="utf-8")
    done = browser("--virtual-time-budget=5000", "--dump-dom", asked.as_uri())
    assert '["a",0,' in done.stdout
    assert "nowhere.png" in done.stdout
    assert "complaint" in "".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


def test_a_picture_of_the_page_is_not_blank(project: Any, tmp_path: Path) -> None:
    report(project)
    picture = tmp_path / "page.png"
    browser(f"--screenshot={picture}", (project.folder / "report.html").as_uri())
    with Image.open(picture) as image:
        assert image.size == (1200, 2000)
        colours = image.convert("RGB").getcolors(2**24)
    assert colours is not None
    assert len(colours) > 50
