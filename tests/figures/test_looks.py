"""Every figure, drawn from rows that no network made: few and many seeds, series missing, extreme values.

A new figure is drawn here as soon as there is its module; a new family needs its conditions in CONDITIONS.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flexnet import config as settings
from flexnet.audit import RULES
from flexnet.claims.catalogue import packaged_claims
from flexnet.corruptions.names import CLEAN, NAMES, SYNTHETIC
from flexnet.data.arrays import ImageArrays
from flexnet.data.manifest import manifest_of, store
from flexnet.errors import DataError
from flexnet.families.registry import family_of
from flexnet.figures.captions import caption
from flexnet.figures.names import drawn
from flexnet.figures.registry import load
from flexnet.stages.command import main
from flexnet.study.figures import LEDGER
from flexnet.tables.columns import LEDGER as LEDGER_COLUMNS

ROOT = Path(__file__).parents[2]


CONFIG = settings.resolve(settings.read_yaml(ROOT / "config/config.yaml"))
FIGURES = settings.read_yaml(ROOT / "config/figures.yaml")
SCHEMATICS = [name for name, row in FIGURES.items() if family_of(row["family"]).subject == "modules"]
MEASURED = [name for name in drawn() if name not in (*SCHEMATICS, LEDGER)]
PROTOCOLS = ["paper", "release", "corrected"]
RATIOS = ("fig5b", "fig5")  # divide by the accuracy of their first series
COMPARED = ("fig5b", "fig5", "fig5_errors")  # with their first series, without which they show nothing


def shown(name):
    return SYNTHETIC.get(name, name)


# Values of the conditions of each family, in every combination.
CONDITIONS = {
    "history": {"epoch": range(1, 9), "split": ["test", "train_eval"]},
    "fgsm": {"epsilon": [0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0]},
    "noise": {"noise": ["uniform", "gaussian"], "epsilon": [0.0, 0.05, 0.1, 0.3, 1.0]},
    "losses": {"objective": ["cross_entropy", "margin", "negative_logit"], "epsilon": [0.0, 0.05, 0.2, 1.0]},
    "sensor": {"noise": ["gaussian", "poisson"], "variance": [0.0, 0.001, 0.1, 0.5], "contrast": [1.0, 0.4]},
    "corruptions": {"corruption": [CLEAN, *map(shown, NAMES)], "severity": range(6)},
    "pgd": {
        "attack": ["none", "clamp", "white", "black"],
        "scoring": ["last", "worst"],
        "epsilon": [0.0, 8 / 255],
        "steps": [0, 20, 100],
    },
    "suite": {
        "attack": ["none", "apgd-ce", "apgd-t", "fab-t", "square"],
        "norm": ["linf", "l2"],
        "epsilon": [0.0, 2 / 255, 8 / 255],
    },
    "audit": {"check": ["clean", "reference", *RULES], "epsilon": [2 / 255]},
    "bandpass": {
        "filter": ["none", "paper", "release", "contrast", "low_pass", "high_pass"],
        "frequency": [0.0, 1.0, 6.0, 156.0],
    },
    "fourier": {"strength": [0.0, 4.0], "vertical": range(0, 13, 6), "horizontal": range(-12, 13, 6)},
    "drawings": {"images": ["own", "contours", "line_drawings", "silhouettes"], "inverted": [0, 1]},
    "maps": {"layer": [0, 2, 4, 7, 10]},
    "sweep": {"threshold": [0.0, 0.1, 0.5, 0.6, 1.0]},
    "interventions": {"intervention": ["trained", "shuffled", "normal(-0.5,0.1)"], "epsilon": [0.0, 0.1]},
}
# Of the conditions of a family, those that there are.
THERE = {
    "corruptions": lambda rows: (rows["corruption"] == CLEAN) == (rows["severity"] == 0),
    "sensor": lambda rows: (
        ((rows["noise"] != "gaussian") | (rows["contrast"] >= 1))
        & ((rows["noise"] != "poisson") | (rows["variance"] <= 0))
    ),
    "bandpass": lambda rows: (rows["filter"] == "none") == (rows["frequency"] == 0),
    "fourier": lambda rows: (rows["strength"] > 0) | ((rows["vertical"] == 0) & (rows["horizontal"] == 0)),
    "drawings": lambda rows: (rows["images"] != "own") | (rows["inverted"] == 0),
}
# Of an audit: what its checks need of theirs.
EVIDENCE = {"chance": [0.1], "accuracy": [1.0, 0.5, 0.2, 0.0], "steps": [5, 10, 20, 40]}
EVIDENCE |= {"restarts": [1, 2, 3, 4], "epsilon": [0.03, 0.06, 0.12, 1.0]}
# What families measure that is no number between 0 and 1.
TOLD = {
    "drawings": {"title": "drawings of a dataset with a name of some length", "digest": "d"},
    "maps": {"picture": "2x3:0f12a9 1x1:0"},
}
# Figures whose axes are not those of accuracies.
OWN_AXES = ("fig4c_start", "fig4c_long", "layers", "pushpull/fig7", "pushpull/fig7_published")
# Figures of so many networks and corruptions that some cases must do.
LARGE = [name for name in MEASURED if name.startswith(("pushpull/table", "pushpull/fig7"))]
# Figures that are drawn as one before them, of other networks or images.
ALIKE = ["audit_small", "fig4c", "fig4c_long", "fig6_colour", "pushpull/fig5", "table2_controls"]
ALIKE += ["table3_suite"]
OTHERS = [name for name in MEASURED if not name.endswith("_published")]  # without the same ones again
# Accuracies of seeds with odd and with even numbers.
LEVELS = {"middle": (0.601, 0.587), "nothing": (0.0, 0.0), "all": (1.0, 1.0), "apart": (1.0, 0.0)}
CASES = [
    ("paper", 1, "middle"),
    ("paper", 2, "apart"),
    ("corrected", 3, "apart"),
    ("corrected", 10, "all"),
    ("release", 3, "nothing"),
]


def rows_of(figure, protocol, seeds, level):
    """Rows of all series of a figure; each differs from the one before by a tenth of a point."""
    row = FIGURES[figure]
    family, series = family_of(row["family"]), list(settings.series_of(row, protocol))
    frame = pd.DataFrame({"figure": figure, "protocol": protocol, "seed": range(1, seeds + 1)})
    frame = frame.merge(pd.DataFrame({"series": series, "model": series}), how="cross")
    families = [family.name, *row.get("also", ())]
    parts = [asked_of(name, frame) for name in families]
    frame = pd.concat([part.assign(family=name) for part, name in zip(parts, families, strict=True)])
    words = ("corruption", "noise", "filter", "check", "objective")
    frame = frame.fillna({name: "none" if name in words else 0 for name in frame}).reset_index(drop=True)
    if not row.get("also"):
        frame = frame.drop(columns="family")
    accuracy = np.where(frame["seed"] % 2, *LEVELS[level]) + frame["series"].map(series.index) / 1000
    frame["accuracy"] = np.clip(accuracy, 0.0, 1.0)
    frame["n"], frame["correct"] = 1000, (frame["accuracy"] * 1000).round().astype(int)
    known = {"threshold_shift": 3.5e-5, "evidence": json.dumps(EVIDENCE)}
    measured = [name for each in families for name in family_of(each).measures]
    usual = frame["corruption"].str.len() / 8 if "corruption" in frame else frame["accuracy"]
    measures = {name: known.get(name, usual) for name in measured}
    measures |= TOLD.get(family.name, {})
    if "paired" in row:  # six more of ten images: told apart from five on
        frame["gained"], frame["lost"] = 8 + 40 * (frame["seed"] % 2), 2
    return frame.assign(**{name: value for name, value in measures.items() if name not in frame})


def asked_of(family, frame):
    """Rows of every combination of a family's conditions that can be."""
    for name, values in CONDITIONS[family].items():
        frame = frame.merge(pd.DataFrame({name: list(values)}), how="cross")
    return frame[THERE[family](frame)] if family in THERE else frame


@pytest.fixture
def facts_of(make_facts):
    """Facts of a figure as its registry row and its models tell them."""

    def build(figure, protocol, **changes):
        row, models = FIGURES[figure], settings.series_of(FIGURES[figure], protocol)
        options = {
            name: {"model": model, "options": CONFIG["models"][model]["options"]}
            for name, model in models.items()
        }
        words = {"labels": row.get("labels", {}), "network": row["network"], "series": list(models)}
        words |= {"figure": figure, "each": options, "scale": "laptop", "protocol": protocol}
        return make_facts(**{**words, **changes})

    return build


def draw(figure, rows, facts):
    module = load(figure)
    return module.draw(module.summarise_rows(rows), facts)


def words(figure):
    return " ".join(text.get_text() for text in [*figure.texts, *(t for a in figure.axes for t in a.texts)])


def heights(axes):
    """Every height in per cent at which something of a series is drawn."""
    lines = [line.get_ydata() for line in axes.get_lines() if line.get_gid() not in ("trained", "crossing")]
    paths = [path.vertices[:, 1] for found in axes.collections for path in found.get_paths()]
    drawn_at = np.concatenate([np.asarray(part, dtype=float) for part in [*lines, *paths]])
    return drawn_at[np.isfinite(drawn_at)]


@pytest.mark.parametrize(
    ("name", "protocol", "seeds", "level"),
    [(name, *case) for name in MEASURED for case in (CASES[1:3] if name in [*LARGE, *ALIKE] else CASES)],
)
def test_every_figure_can_be_read(name, protocol, seeds, level, facts_of, text_faults):
    if name in RATIOS and min(LEVELS[level][: min(seeds, 2)]) == 0:
        with pytest.raises(DataError, match="to be right about an image in every seed"):
            draw(name, rows_of(name, protocol, seeds, level), facts_of(name, protocol))
        return
    figure = draw(name, rows_of(name, protocol, seeds, level), facts_of(name, protocol))
    assert text_faults(figure) == []
    told = words(figure)
    assert "shapes" in told.lower()
    assert f"n = {seeds}" in told
    assert f"laptop scale, {protocol} protocol" in told
    for axes in figure.axes if name not in OWN_AXES else ():
        gids = {line.get_gid() for line in axes.get_lines()}
        if axes.images or axes.get_label() == "<colorbar>":
            continue
        if "equal" in gids:  # ratios, not accuracies
            assert axes.get_ylim()[0] == 0.0
            continue
        assert axes.get_ylim() == (0.0, 100.0)
        assert 0.0 <= heights(axes).min() <= heights(axes).max() <= 100.0
        assert "chance" in {line.get_gid() for line in axes.get_lines()}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", [name for name in MEASURED if "{epsilon_units}" in FIGURES[name]["caption"]])
@pytest.mark.parametrize("evidence", [True, False])
def test_a_caption_tells_of_the_papers_crossing_where_it_is_drawn(name, protocol, evidence, facts_of):
    rows, facts = rows_of(name, protocol, 3, "middle"), facts_of(name, protocol, evidence=evidence)
    for shown in (rows, rows[rows["epsilon"] <= 0.2]):
        figure, table = draw(name, shown, facts), load(name).summarise_rows(shown)
        drawn_here = "crossing" in {line.get_gid() for axes in figure.axes for line in axes.get_lines()}
        assert drawn_here == ("paper's curves cross" in caption(FIGURES[name]["caption"], table, facts))
        reaches = shown["epsilon"].max() > 0.22
        assert drawn_here == (name == "fig4d" and evidence and reaches and protocol != "corrected")


@pytest.mark.parametrize("missing", [0, -1])
@pytest.mark.parametrize("name", [name for name in OTHERS if name not in ALIKE])
def test_a_figure_that_lacks_a_series_can_be_read(name, missing, facts_of, text_faults):
    rows = rows_of(name, "corrected", 3, "middle")
    gone = list(dict.fromkeys(rows["series"]))[missing]
    if name in COMPARED and missing == 0:
        with pytest.raises(DataError, match="expected rows of 'baseline'"):
            draw(name, rows[rows["series"] != gone], facts_of(name, "corrected"))
        return
    assert text_faults(draw(name, rows[rows["series"] != gone], facts_of(name, "corrected"))) == []


@pytest.mark.parametrize("name", OTHERS)
def test_names_of_any_length_have_room(name, facts_of, text_faults):
    labels = {series: f"{series}: " + "a label of many words " * 5 for series in FIGURES[name]["series"]}
    title = "images that somebody called by a name that does not end on the line where it began"
    facts = facts_of(name, "corrected", labels=labels, title=title)
    assert text_faults(draw(name, rows_of(name, "corrected", 3, "middle"), facts)) == []


@pytest.mark.parametrize("classes", [2, 10, 100])
def test_chance_has_a_name_that_covers_nothing(classes, facts_of, text_faults):
    for name in ("fig4b", "fig4d"):
        facts = facts_of(name, "paper", classes=classes)
        figure = draw(name, rows_of(name, "paper", 3, "middle"), facts)
        assert "chance" in words(figure)
        assert text_faults(figure) == []


def test_two_numbers_of_classes_have_two_lines_and_one_name(facts_of, text_faults):
    rows = rows_of("fig4b", "paper", 3, "middle")
    facts = facts_of("fig4b", "paper", each={"baseline": {"classes": 2}, "random": {"classes": 100}})
    figure = draw("fig4b", rows, facts)
    levels = [line.get_ydata()[0] for line in figure.axes[0].get_lines() if line.get_gid() == "chance"]
    assert levels == [50.0, 10.0, 1.0]
    assert "chance (2 to 100 classes)" in words(figure)
    assert text_faults(figure) == []


def artists(figure, ending):
    found = [artist for axes in figure.axes for artist in [*axes.get_lines(), *axes.collections]]
    return [artist for artist in found if str(artist.get_gid()).endswith(ending)]


@pytest.mark.parametrize("name", ["fig3", "fig4a", "fig4d", "noise", "pushpull/fig4", "pushpull/fig5"])
def test_two_seeds_are_shown_themselves_and_three_by_their_spread(name, facts_of):
    for protocol in ("paper", "corrected"):
        two = draw(name, rows_of(name, protocol, 2, "middle"), facts_of(name, protocol))
        assert artists(two, " band") == []
        values = {value for line in artists(two, " seed") for value in np.round(line.get_ydata(), 3)}
        assert {60.1, 58.7} <= values
        three = draw(name, rows_of(name, protocol, 3, "middle"), facts_of(name, protocol))
        assert artists(three, " seed") == []
        assert artists(three, " band")
        one = draw(name, rows_of(name, protocol, 1, "middle"), facts_of(name, protocol))
        assert artists(one, " seed") + artists(one, " band") == []


def test_a_line_of_a_seed_is_that_of_one_seed(facts_of):
    rows = rows_of("fig4b", "paper", 2, "middle")
    # The seeds cross: mean and standard error alone would not tell which is which.
    late = rows["epoch"] > 4
    rows.loc[late, "accuracy"] = rows.loc[late, "seed"].map({1: 0.2, 2: 0.4})
    figure = draw("fig4b", rows, facts_of("fig4b", "paper"))
    found = [line.get_ydata() for line in figure.axes[0].get_lines() if line.get_gid() == "baseline seed"]
    assert [line[0] > line[-1] for line in found] == [True, True]
    assert [round(float(line[-1])) for line in found] == [20, 40]
    assert [round(float(line[0]), 1) for line in found] == [60.1, 58.7]


@pytest.mark.parametrize("name", [name for name in MEASURED if name.startswith("table")])
def test_a_table_of_two_seeds_holds_both_and_its_bounds_are_possible(name, facts_of):
    module = load(name)
    two = module.body(
        module.summarise_rows(rows_of(name, "corrected", 2, "middle")), facts_of(name, "corrected")
    )
    assert "59.4 (60.1, 58.7)" in two
    apart = module.body(
        module.summarise_rows(rows_of(name, "corrected", 3, "apart")), facts_of(name, "corrected")
    )
    assert "66.7 [0.0, 100.0]" in apart  # the t interval is that of -76.8 to 210.1


def described(name, protocol, folder):
    row = FIGURES[name]
    models = settings.series_of(row, protocol)
    series = {key: {part: CONFIG["models"][model][part] for part in ("network", "options")}
              for key, model in models.items()}  # fmt: skip
    asked = {"family": row["family"], "figure": name, "protocol": protocol, "series": series}
    asked |= {key: row[key] for key in ("example",) if key in row}
    family, images = family_of(row["family"]), []
    for entry in series.values():
        entry["more"] = {} if family.told is None else {"told": family.told({}, 224)}
        entry["more"] |= {"image": 1, "title": "shapes"} if family.images else {}
    if family.images:
        pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32), dtype=np.uint8)
        arrays = ImageArrays(pixels, np.array([0, 1]), ("a", "b"))
        origin = dict.fromkeys(("dataset", "split", "source", "content_digest"), "x") | {
            "content": "generated"
        }
        store(folder / "images.safetensors", arrays, manifest_of(arrays, **origin))
        images = ["--images", str(folder / "images.safetensors")]
    path = folder / f"{name}.csv"
    assert main(["describe", "--settings", json.dumps(asked), "--output", str(path), *images]) == 0
    return load(name).read(path)


@pytest.mark.parametrize("name", SCHEMATICS)
def test_a_schematic_can_be_read_and_has_no_scale(name, make_facts, text_faults, tmp_path):
    rows = described(name, "release", tmp_path)
    texts = {}
    for protocol in ("paper", "release"):
        facts = make_facts(labels=FIGURES[name]["labels"], protocol=protocol, scale="laptop", runs=None)
        figure = draw(name, rows.assign(protocol=protocol), facts)
        assert text_faults(figure) == []
        texts[protocol] = words(figure)
    assert not [text for text in texts.values() if "scale" in text or "laptop" in text]
    assert "release protocol" in texts["release"]
    assert "protocol" not in texts["paper"]
    assert "{scale}" not in FIGURES[name]["caption"]


def ledger(seeds, effect, reach):
    """Two claims, of one comparison and of three, under three protocols."""
    known = dict.fromkeys(LEDGER_COLUMNS.required, "") | {"paper": "flexible-layer", "unit": "points"}
    known |= {"claimed_low": 3.0, "claimed_high": np.inf, "paper_value": -12.5, "summary": "not measured"}
    rows = [
        {"id": name, "protocol": protocol, "comparison": f"{series} - best of baseline, flexible"}
        | {"title": "what the paper claims of its networks", "n": seeds, "measured_value": effect}
        | {"low": effect - reach, "high": effect + reach, "verdict": "contradicted", "dataset": "CIFAR-10"}
        for name, several in (("C01", ("random",)), ("C02", ("above", "frozen", "uniform threshold 0.6")))
        for protocol in PROTOCOLS
        for series in several
    ]
    return pd.DataFrame([{**known, **row} for row in rows])


@pytest.mark.parametrize("protocols", [PROTOCOLS, PROTOCOLS[:1]])
@pytest.mark.parametrize(
    ("seeds", "effect", "reach"),
    [(1, 5.0, np.nan), (2, -4.0, 300.0), (3, 100.0, 400.0), (10, 1e-3, 1e-4), (10, 0.0, np.nan)],
)
def test_the_claims_can_be_read(protocols, seeds, effect, reach, make_facts, text_faults):
    table = ledger(seeds, effect, reach)
    for evidence in (True, False):
        figure = draw(LEDGER, table[table["protocol"].isin(protocols)], make_facts(evidence=evidence))
        assert text_faults(figure) == []


def test_every_packaged_claim_has_room_and_images_of_any_name(make_facts, text_faults):
    one = ledger(3, 5.0, 1.0).iloc[:1]
    # Two papers, whose names stand before the claims' ids, and images that may not be the official ones.
    told = {
        "summary": "undecided",
        "dataset": "Fashion-MNIST (content not the official one, or not known to be)",
    }
    claims = [(claim.paper, claim.id, claim.title) for claim in packaged_claims()]
    parts = [
        one.assign(paper=paper, id=name, title=title, protocol=protocol, comparison=compared, **told)
        for paper, name, title in [*claims, ("another", "C01", "another paper's claim")]
        for protocol in PROTOCOLS
        for compared in ("flexible - baseline", "random - best of baseline, flexible")
    ]
    figure = draw(LEDGER, pd.concat(parts), make_facts())
    assert text_faults(figure) == []
    assert words(figure).count("known to be)") == len(claims) + 1
