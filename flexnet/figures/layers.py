"""Layers side by side: one network with each of them, under corruptions, noise, an attack and the audit.

Whatever stands in the place of a convolution can be a series here, a layer of one's own too: it needs a row
of models and a label, and no code.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flexnet.audit.rules import RULES
from flexnet.corruptions.names import CLEAN
from flexnet.errors import DataError
from flexnet.figures.auditing import told_of_seeds, verdicts_of
from flexnet.figures.captions import spread
from flexnet.figures.cells import BLANK, change_text, estimate_text
from flexnet.figures.curves import FEW, PER_CENT, one_protocol
from flexnet.figures.epsilon import short_size
from flexnet.figures.facts import Facts
from flexnet.figures.look import FAINT, PAGE_MM, SMALL
from flexnet.figures.notes import identity_of
from flexnet.figures.style import drawing
from flexnet.figures.typeset import Block, Column, Line, Sheet, markdown
from flexnet.figures.words import wrapped
from flexnet.statistics.changes import with_changes
from flexnet.statistics.conditions import of_family
from flexnet.statistics.summary import per_seed, summarise

if TYPE_CHECKING:
    from typing import TypeAlias

    Record: TypeAlias = "pd.Series[float]"

NAME = "layers"
REFERENCE: Final = "baseline"
KEYS: Final = ("figure", "protocol", "series")
LINE_MM, NAME_MM, FOOT_MM, LABEL_MM = 5.0, 3.0, 16.0, 28.0
LEAST: Final = 1.0  # points that the axis reaches on both sides, however small the changes
MOST_NOISE: Final = 0.1  # the noise shown is the largest up to this; the attack shown is the smallest
QUESTIONS: Final = {
    "clean": "Clean images",
    "corrupted": "Corruptions",
    "noise": "Noise",
    "attack": "FGSM",
    "audit": "Audit",
}
VERDICT: Final = "verdict"


def summarise_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Summarise accuracy per series and question, with the change from the baseline paired by training seed.

    Questions: "clean"; "corrupted", the mean over corruptions and severities; "noise", Gaussian, at the
    largest size up to 0.1; "attack", FGSM at the smallest size above 0; "audit", what withstands all of its
    attacks, with the verdict of all seeds, or how many have which. `size` is that of noise, attack or audit.

    Raises:
        DataError: if a family has no rows, a column is missing or a series mixes several models.
    """
    asked = pd.concat(list(_asked(rows)), ignore_index=True)
    by = [*KEYS, "question", "size"]
    table = with_changes(summarise(asked, by), asked, by, None, REFERENCE)
    return _with_verdicts(table, of_family(rows, "audit"))


def _with_verdicts(table: pd.DataFrame, audited: pd.DataFrame) -> pd.DataFrame:
    """The verdicts on the seeds of a series, and the checks that it was not asked, in rows of the audit."""
    words, audit = verdicts_of(audited), table["question"] == "audit"
    keys = zip(table["protocol"], table["series"], strict=True)
    told = pd.Series([told_of_seeds(words.get(key, {})) for key in keys], table.index)
    asked = {str(series): set(part["check"]) for series, part in audited.groupby("series")}
    lacking = [[name for name in RULES if name not in asked.get(series, ())] for series in table["series"]]
    missing = pd.Series(map(", ".join, lacking), table.index, dtype=object)
    return table.assign(**{VERDICT: told.where(audit, ""), "unasked": missing.where(audit, "")})


def _asked(rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """One accuracy for each series, seed and question."""
    corrupted = of_family(rows, "corruptions")
    found = per_seed(corrupted, [*KEYS, "corruption", "severity"])
    yield _mean(found[found["corruption"] == CLEAN], "clean", 0.0)
    yield _mean(found[found["corruption"] != CLEAN], "corrupted", 0.0)
    noisy = of_family(rows, "noise")
    noisy = noisy[noisy["noise"] == "gaussian"]
    sizes = [size for size in noisy["epsilon"] if 0 < size <= MOST_NOISE]
    if sizes:
        part = noisy[noisy["epsilon"] == max(sizes)]
        yield _mean(per_seed(part, [*KEYS, "epsilon", "noise"]), "noise", max(sizes))
    attacked = of_family(rows, "fgsm")
    steps = [size for size in attacked["epsilon"] if size > 0]
    if steps:
        part = attacked[attacked["epsilon"] == min(steps)]
        yield _mean(per_seed(part, [*KEYS, "epsilon"]), "attack", min(steps))
    yield _withstanding(of_family(rows, "audit"))


def _withstanding(audited: pd.DataFrame) -> pd.DataFrame:
    """Of each series and seed the share of images that withstand every check of its audit."""
    grouped = audited.groupby([*KEYS, "seed"], sort=False)
    left = grouped.agg(n=("n", "min"), accuracy=("accuracy", "min"), size=("epsilon", "max")).reset_index()
    return left.assign(question="audit")


def _mean(found: pd.DataFrame, question: str, size: float) -> pd.DataFrame:
    """The mean of each series and seed over what is left of its conditions, all with the same weight.

    Raises:
        DataError: if one series was asked under fewer conditions than another, whose mean is then another.
    """
    grouped = found.groupby([*KEYS, "seed"], sort=False)
    numbers = grouped.size().groupby("series").max()
    if numbers.nunique() > 1:
        raise DataError(
            f"{question}: expected all networks under as many conditions; got {numbers.to_dict()}; evaluate "
            "all under the same"
        )
    means = grouped.agg(n=("n_images", "min"), accuracy=("accuracy", "mean")).reset_index()
    return means.assign(question=question, size=size)


def draw(table: pd.DataFrame, facts: Facts) -> Figure:
    """Draw changes from the baseline in percentage points: a panel for each question, a line for each layer.

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    part = one_protocol(table, facts)
    shown = [question for question in QUESTIONS if question in set(part["question"])]
    layers = [name for name in dict.fromkeys(part["series"]) if name != REFERENCE]
    names = ["\n".join(wrapped(facts.label(name), LABEL_MM, 7.0)) for name in layers]
    breaks = max(text.count("\n") for text in (*names, *map(_in_lines, part[VERDICT])))
    height = FOOT_MM + len(names) * max(LINE_MM, NAME_MM * (breaks + 1.5))
    with drawing(part, facts, height_mm=height, width_mm=PAGE_MM, panels=len(shown)) as page:
        for axes, question in zip(page.panels, shown, strict=True):
            own = part[part["question"] == question].set_index("series")
            axes.axvline(0.0, color=FAINT, linewidth=0.8, zorder=1, gid="baseline")
            for place, name in enumerate(layers):
                if name in own.index:
                    _mark(axes, own.loc[name], place, str(name), facts)
                    _tell(axes, str(own.loc[name, VERDICT]), place)
            axes.set_title(_title(own, question, facts), fontsize=SMALL)
            axes.set_xlabel("Change (points)")
        low, high = page.panels[0].get_xlim()
        page.panels[0].set_xlim(min(low, -LEAST), max(high, LEAST))
        page.panels[0].set_yticks(range(len(layers)), names)
        page.panels[0].set_ylim(len(layers) - 0.5, -0.5)
    return page.figure


def _title(own: pd.DataFrame, question: str, facts: Facts) -> str:
    """The question with its size, and the baseline's accuracy there; each verdict on it has its line."""
    words = _words(own, question, facts)
    if question == "audit":
        words = words.replace(", ", "\n")
    if REFERENCE not in own.index:
        return words
    verdict = f"\n({_in_lines(own[VERDICT][REFERENCE])})" if own[VERDICT][REFERENCE] else ""
    return f"{words}\nbaseline {float(own['mean'][REFERENCE]) * PER_CENT:.1f} %{verdict}"


def _words(own: pd.DataFrame, question: str, facts: Facts) -> str:
    size = float(own["size"].iloc[0])
    return QUESTIONS[question] + (f", \u03b5 = {short_size(size, facts)}" if size else "")


def _mark(axes: Axes, record: "Record", place: float, name: str, facts: Facts) -> None:
    """The change of one layer with its uncertainty, or that of each seed where there are few."""
    if np.isnan(record["change"]):
        return
    style = facts.style(name)
    axes.plot([record["change"] * PER_CENT], [place], marker=style.marker, color=style.colour, gid=name)
    if 1 < record["change_n"] < FEW:
        values = [float(value) * PER_CENT for value in str(record["change_by_seed"]).split()]
        looks: dict[str, Any] = {"marker": "o", "markersize": 1.8, "linestyle": "none", "color": style.colour}
        axes.plot(values, [place] * len(values), gid=f"{name} seed", **looks)
    low, high = _edges(record, facts)
    if np.isfinite(low) and record["change_n"] >= FEW:
        ends = [low * PER_CENT, high * PER_CENT]
        axes.plot(ends, [place, place], color=style.colour, linewidth=0.8, gid=f"{name} band")


def _tell(axes: Axes, verdict: str, place: float) -> None:
    """A verdict at the right of its panel, which is the last; of seeds that differ each in its line."""
    if verdict:
        looks: dict[str, Any] = {"fontsize": SMALL, "va": "center", "linespacing": 1.0}
        axes.text(1.03, place, _in_lines(verdict), transform=axes.get_yaxis_transform(), **looks)


def _in_lines(verdict: str) -> str:
    return verdict.replace(", ", "\n")


def _edges(record: "Record", facts: Facts) -> tuple[float, float]:
    """Ends of the bar, as a fraction."""
    if facts.band == "sem":
        change, sem = float(record["change"]), float(record["change_sem"])
        return change - sem, change + sem
    return float(record["change_low"]), float(record["change_high"])


def body(table: pd.DataFrame, facts: Facts) -> str:
    """The table in Markdown: accuracies and changes of every layer."""
    part = one_protocol(table, facts)
    shown = [question for question in QUESTIONS if question in set(part["question"])]
    columns = [Column("layer", "First layer")]
    for question in shown:
        head = _words(part[part["question"] == question], question, facts)
        columns += [Column(f"{question} {key}", key, head) for key in ("accuracy (%)", "change")]
    columns.append(Column(VERDICT, "verdict"))
    lines = []
    for name, own in part.groupby("series", sort=False):
        found = {record["question"]: record for _, record in own.iterrows()}
        cells = [facts.label(str(name))]
        for question in shown:
            record = found.get(question)
            cells += [estimate_text(record, facts), change_text(record, facts)]
        cells.append(str(found["audit"][VERDICT]) if "audit" in found else BLANK)
        lines.append(Line(str(name), tuple(cells)))
    note = (
        f"{facts.network} on {identity_of(facts)}. Uncertainties as in the figure, n = {spread(part['n'])}."
    )
    missing = sorted(set(filter(None, part["unasked"])))
    note += f" Not asked in the audit, so that robust says less: {'; '.join(missing)}." if missing else ""
    return markdown(Sheet(tuple(columns), (Block("", tuple(lines)),))) + f"\n\n{note}"
