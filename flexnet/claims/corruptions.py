"""Kinds of rules about networks under corruptions: by category, and along the bandwidth of the images."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from flexnet.claims.differences import compared, conditions_text, differences
from flexnet.claims.estimates import estimate
from flexnet.claims.floor import above_floor
from flexnet.claims.kinds import AtChance, Measurement, NotMeasured, rule_kind
from flexnet.claims.model import Comparison, Rule, Window
from flexnet.claims.seeds import Levels, complete_levels
from flexnet.corruptions.names import GROUPINGS, NAMES, SYNTHETIC
from flexnet.errors import ConfigError
from flexnet.families.corruptions import AT_MOST, EDGE
from flexnet.statistics.categories import by_original_name, category_rows
from flexnet.statistics.correlation import correlation, mean_correlation, pearson

PAPER = "flexible-layer"  # whose categories a rule means where its figure is in no other paper's folder
FOLDERS = {"pushpull": "push-pull"}
ALL = "all"  # instead of a category
NOISES = (*GROUPINGS[PAPER]["noise"], "speckle_noise")


def names_of(category: str, rows: pd.DataFrame) -> tuple[str, ...]:
    """The corruptions that a rule means by a category: those of the paper whose figure is judged, or all.

    Empty if that paper has no such category.
    """
    if category == ALL:
        return NAMES
    folders = {str(figure).split("/")[0] for figure in rows["figure"]} if "figure" in rows.columns else set()
    papers = {FOLDERS.get(folder, PAPER) for folder in folders} or {PAPER}
    return GROUPINGS[papers.pop()].get(category, ())


@rule_kind(needs=("against", "category"), reads=("universal",))
def category_difference(
    rows: pd.DataFrame, rule: Rule, comparison: Comparison, window: Window
) -> Measurement:
    """The mean difference over severities of the mean accuracy over the corruptions of a category."""
    levels = _category_levels(rows, rule, comparison, window, _named(rows, comparison))
    detail = f"{comparison.text}, {conditions_text(levels.conditions, rule.over)}"
    return estimate(differences(levels), rule, detail, levels.notes)


@rule_kind(needs=("against", "category"))
def category_majority(rows: pd.DataFrame, rule: Rule, comparison: Comparison, window: Window) -> Measurement:
    """Whether a category makes up more than half of a difference over all corruptions, and there is one.

    The mean over all corruptions is the sum of the category's part and that of all others. So twice the
    category's part less the whole is above zero where the category adds more than the others; but it is also
    where the others take away what the category adds, or more. Both it and the whole must lie on the claimed
    side: the less favourable of the two is the effect, as it is at each end of the interval.
    """
    names = _named(rows, comparison)
    own = _category_levels(rows, rule, comparison, window, names)
    whole = _category_levels(rows, rule, comparison, window, NAMES)
    if own.conditions != whole.conditions or own.seeds != whole.seeds:
        raise NotMeasured(f"{comparison.text}: other seeds or severities than over all corruptions")
    share = len(names) / len(NAMES)
    lead = 2 * share * differences(own) - differences(whole)
    parts = [estimate(grid, rule, "", own.notes) for grid in (lead, differences(whole))]
    detail = f"{comparison.text}: the less favourable of the mean over all {len(NAMES)} corruptions,"
    detail += f" {_words(parts[1])}, and its part of that less the rest, {_words(parts[0])};"
    return replace(weakest(parts, rule), detail=f"{detail} {conditions_text(own.conditions, rule.over)}")


def weakest(parts: Sequence[Measurement], rule: Rule) -> Measurement:
    """Several effects that must all lie on the claimed side, as one.

    The effect, and each end of the interval, is the least favourable of all: the interval lies on the claimed
    side where all of them do, and on the other where one does. Seeds are those of the least effect.
    """
    least = min if rule.sign > 0 else max
    ends = [[getattr(part, name) for part in parts] for name in ("low", "high")]
    low, high = (math.nan if any(map(math.isnan, found)) else least(found) for found in ends)
    return replace(least(parts, key=lambda part: part.effect), low=low, high=high)


def _words(part: Measurement) -> str:
    """An effect with its interval, if it has one."""
    told = f"{part.effect:.2f}"
    return told if math.isnan(part.low) else f"{told} ({part.low:.2f} to {part.high:.2f})"


def _named(rows: pd.DataFrame, comparison: Comparison) -> tuple[str, ...]:
    """The corruptions of a comparison's category.

    Raises:
        ConfigError: if the paper whose figure is judged has no such category.
    """
    names = names_of(comparison.category, rows)
    if not names:
        raise ConfigError(
            f"rule about a category, of {comparison.series}: expected a category of the paper whose figure is"
            f" judged; got {comparison.category!r}; name one of its own, or {ALL!r}"
        )
    return names


def _category_levels(
    rows: pd.DataFrame, rule: Rule, comparison: Comparison, window: Window, names: tuple[str, ...]
) -> Levels:
    """Mean accuracies over some corruptions, all of which must have been asked about."""
    lacking = len(set(names) - set(by_original_name(rows)["corruption"]))
    if lacking:
        raise NotMeasured(f"{comparison.text}: {lacking} of {len(names)} corruptions were not asked about")
    part = category_rows(rows, {comparison.category: names})
    levels = compared(part.drop(columns=["category", "corruptions"]), rule, comparison, window)
    made = [SYNTHETIC[name] for name in names if SYNTHETIC.get(name) in set(rows["corruption"])]
    return levels.at(levels.conditions, *(f"with {name}, no photographs" for name in made))


@rule_kind(needs=("against", "measure"))
def bandwidth_correlation(
    rows: pd.DataFrame, rule: Rule, comparison: Comparison, window: Window
) -> Measurement:
    """The correlation over corruptions of a ratio of accuracies with a measure of bandwidth, seed by seed.

    The ratio is that of the series and the one that it is compared with. Corruptions at which neither rises
    above chance, or the other one is right about nothing, are left out. The interval is that over training
    seeds, of Fisher's z, with these corruptions; how sure the correlation is over corruptions, of which these
    are some, is told beside it.
    """
    if not comparison.measure or len(comparison.against) != 1:
        raise ConfigError(
            f"bandwidth_correlation of {comparison.series}: expected a measure and one series in against; "
            "add them"
        )
    column = f"{comparison.measure}_fold"
    if column not in rows.columns:
        raise NotMeasured(f"{comparison.text}: no column {column!r} in the rows")
    names, levels = _levels(rows, rule, comparison, window)
    ratio = (levels.grids[0].accuracy / levels.grids[1].accuracy).replace(math.inf, math.nan).dropna(axis=1)
    folds = _folds(rows, column, window)
    kept = [place for place in ratio.columns if math.isfinite(folds.get(names[int(place)], math.nan))]
    rest = [place for place in kept if names[int(place)] not in NOISES]
    by_seed = _by_seed(ratio[kept], names, folds, comparison)
    mean, low, high = mean_correlation(by_seed)
    quiet = (
        mean_correlation(_by_seed(ratio[rest], names, folds, comparison))[0] if len(rest) > 2 else math.nan
    )
    over = correlation([folds[names[int(place)]] for place in kept], ratio[kept].mean().tolist())
    detail = f"{comparison.text}: correlation over {len(kept)} corruptions; without noise types {quiet:.2f}"
    detail += f"; of the mean ratio {over.pearson:.2f}, over corruptions [{over.low:.2f}, {over.high:.2f}]"
    detail += f", p = {over.p:.2g}"
    detail += _bounds(rows, comparison.measure, [names[int(place)] for place in kept], window)
    return Measurement(mean, low, high, len(ratio), detail, (), levels.notes, tuple(by_seed))


def _levels(
    rows: pd.DataFrame, rule: Rule, comparison: Comparison, window: Window
) -> tuple[list[str], Levels]:
    """Accuracies of both networks at the severity of a window; its conditions are places of corruptions."""
    part = by_original_name(rows)
    part = part[[value in window for value in part["severity"].astype(float)]]
    if part["severity"].nunique() != 1:
        found = sorted(set(part["severity"]))
        raise NotMeasured(f"{comparison.text}: expected one severity in {window.text}; got {found}")
    names = list(dict.fromkeys(part["corruption"]))
    placed = part.assign(severity=part["corruption"].map(names.index)).drop(columns="corruption")
    both = (comparison.series, *comparison.against)
    try:
        levels = complete_levels(placed, both, "severity", Window(), where=rule.at(comparison))
        levels = above_floor(levels, rule, comparison.text)
    except AtChance as reason:
        notes = [_by_name(note, names) for note in reason.notes]
        raise AtChance(f"{comparison.text}: no network rises above chance", reason.n, notes) from None
    except NotMeasured as reason:
        raise NotMeasured(_by_name(str(reason), names)) from None
    return names, replace(levels, notes=tuple(_by_name(note, names) for note in levels.notes))


def _by_name(text: str, names: list[str]) -> str:
    """Words about severities, for which places of corruptions stood, as words about corruptions."""

    def named(found: re.Match[str]) -> str:
        return "corruption " + ", ".join(names[int(place)] for place in found[1].split(", "))

    return re.sub(r"severity (\d+(?:, \d+)*)", named, text)


def _folds(rows: pd.DataFrame, column: str, window: Window) -> dict[str, float]:
    """Bandwidth of the images of each corruption, which is the same for all networks."""
    part = by_original_name(rows)
    part = part[[value in window for value in part["severity"].astype(float)]]
    return {str(name): float(value) for name, value in part.groupby("corruption")[column].mean().items()}


def _bounds(rows: pd.DataFrame, measure: str, names: list[str], window: Window) -> str:
    """What is said of corruptions whose bandwidth is for most images the edge of the spectrum."""
    if f"{measure}_edge" != EDGE or EDGE not in rows.columns:
        return ""
    shares = _folds(rows, EDGE, window)
    bounds = sum(shares[name] > AT_MOST for name in names)
    return f"; of {bounds} the width is the edge of the spectrum, a bound" if bounds else ""


def _by_seed(
    ratio: pd.DataFrame, names: list[str], folds: dict[str, float], comparison: Comparison
) -> list[float]:
    """The correlation of each training seed, in their order."""
    x = [folds[names[int(place)]] for place in ratio.columns]
    if len(set(x)) < 2 or len(x) < 3 or (ratio.nunique(axis=1) < 2).any():
        raise NotMeasured(f"{comparison.text}: {len(x)} corruptions are too few, or too alike, to correlate")
    return [pearson(x, ratio.loc[seed].tolist()) for seed in sorted(ratio.index)]
