"""Figures and tables of the push-pull paper, and layers side by side: their numbers."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flexnet import config as settings
from flexnet.claims.catalogue import published
from flexnet.corruptions.names import NAMES, SYNTHETIC
from flexnet.errors import DataError
from flexnet.evaluation.responses import describe as responses
from flexnet.figures import layers
from flexnet.figures.layers import summarise_rows as compared
from flexnet.figures.palette import style_of
from flexnet.figures.pushpull import fig4, fig5, fig7, table1, table2, table3, table4, table5
from flexnet.figures.pushpull.errors import measures_of, summarise_errors
from flexnet.figures.pushpull.fig3 import parts_of
from flexnet.figures.pushpull.roles import ROLES, pairs_of
from flexnet.networks.describe import describe
from flexnet.statistics.corruption_errors import alexnet_cifar10

ROOT = Path(__file__).parents[2]
MEANS, CLEAN = alexnet_cifar10()
PULLED = {"kind": "pushpull", "alpha": 1, "h": 2}
NETWORKS = [
    f"{name}{end}"
    for name in (
        *("resnet20", "resnet32", "resnet44", "resnet56"),
        *("densenet40-12", "densenet100-12", "densenet100-24"),
    )
    for end in ("", "-pushpull")
]


def corrupted(series, errors, clean, seed=1, severities=(1, 2, 3, 4, 5)):
    """Rows of one network whose error is the same at all severities."""
    rows = [("none", 0, clean)]
    rows += [
        (SYNTHETIC.get(name, name), severity, error)
        for name, error in errors.items()
        for severity in severities
    ]
    return pd.DataFrame(
        [
            {"figure": "pushpull/table3", "protocol": "paper", "series": series, "model": series,
             "seed": seed, "corruption": name, "severity": severity, "n": 10_000,
             "correct": round(1e4 * (1 - error)),
             "accuracy": 1 - error}
            for name, severity, error in rows
        ]
    )  # fmt: skip


def test_alexnet_measured_against_itself_is_100_and_twice_its_errors_200():
    own = measures_of(corrupted("a", MEANS, CLEAN))
    assert own["mce"] == pytest.approx(1)
    assert own["relative_mce"] == pytest.approx(1)
    assert own["none"] == pytest.approx(CLEAN)
    assert own["frost"] == pytest.approx(MEANS["frost"])
    twice = measures_of(corrupted("a", {name: min(1, 2 * e) for name, e in MEANS.items()}, 2 * CLEAN))
    assert twice["mce"] == pytest.approx(2)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_papers_errors_give_its_summary(network):
    """Its Table 2 through our measures gives its Table 3: whole numbers, after its rounding."""
    errors = {name: value / 100 for name, value in published("push-pull", f"table2_{network}").value.items()}
    assert set(errors) == set(NAMES)
    clean = published("push-pull", "table3_clean").value[network] / 100
    found = measures_of(corrupted(network, errors, clean))
    for key in ("mce", "relative_mce"):
        assert 100 * found[key] == pytest.approx(
            published("push-pull", f"table3_{key}").value[network], abs=0.6
        )
    assert 100 * found["mean"] == pytest.approx(
        published("push-pull", "table3_mean").value[network], abs=0.011
    )


def test_the_authors_files_are_those_of_their_table_where_they_are_of_the_same_weights():
    for network in ("resnet20", "resnet20-pushpull", "resnet32", "resnet32-pushpull"):
        table, files = (published("push-pull", f"{kind}_{network}").value for kind in ("table2", "files"))
        assert all(table[name] == pytest.approx(files[name], abs=0.0051) for name in NAMES)
    for network, mean in (("densenet40-12", 31.25), ("densenet40-12-pushpull", 29.02)):
        files = published("push-pull", f"files_{network}").value
        assert sum(files.values()) / 19 == pytest.approx(mean, abs=0.0051)


def test_fewer_corruptions_or_severities_have_no_mce():
    some = dict(list(MEANS.items())[:18])
    assert "mce" not in measures_of(corrupted("a", some, CLEAN))
    assert "mce" not in measures_of(corrupted("a", MEANS, CLEAN, severities=(1, 5)))


@pytest.mark.parametrize("change", ["corruption", "severity"])
def test_networks_under_other_corruptions_are_not_set_side_by_side(change):
    """A mean over fewer corruptions or severities would pass for one over all."""
    fewer = {name: error for name, error in MEANS.items() if name != "fog" or change == "severity"}
    severities = (1, 2, 3, 4, 5) if change == "corruption" else (1, 2, 3, 4)
    rows = pd.concat([corrupted("a", MEANS, CLEAN), corrupted("b", fewer, CLEAN, severities=severities)])
    with pytest.raises(DataError, match="expected 'a' and 'b' under the same corruptions"):
        summarise_errors(rows)


def test_seeds_are_the_unit_of_errors():
    rows = pd.concat([corrupted("a", {"fog": e}, 0.1, seed) for seed, e in ((1, 0.2), (2, 0.3), (3, 0.4))])
    table = summarise_errors(rows).set_index("measure")
    assert table.loc["mean", "mean"] == pytest.approx(0.3)
    assert table.loc["mean", "n"] == 3
    assert table.loc["mean", "sem"] == pytest.approx(0.1 / math.sqrt(3))
    assert [float(value) for value in table.loc["fog", "by_seed"].split()] == pytest.approx([0.2, 0.3, 0.4])


@pytest.mark.parametrize("module", [table2, table3])
def test_a_demonstration_shows_no_number_of_the_paper(module, make_facts):
    rows = corrupted("resnet20", MEANS, CLEAN)
    table = module.summarise_rows(rows)
    facts = {evidence: make_facts(labels={"resnet20": "R"}, evidence=evidence) for evidence in (True, False)}
    texts = {evidence: module.body(table, facts[evidence]) for evidence in facts}
    assert "30.29" in texts[True]  # Table 3's mean error
    assert "7.56" in texts[True]
    for number in ("30.29", "7.56", "104", "169", "57.41"):
        assert number not in texts[False]
    assert "paper" not in texts[False]
    assert "mCE" not in texts[False]


@pytest.mark.parametrize(("ours", "theirs"), [("clean images", "7.56"), ("mean of corruptions", "30.29")])
def test_numbers_of_the_paper_stand_below_ours_of_the_same_kind(make_facts, ours, theirs):
    table = table2.summarise_rows(corrupted("resnet20", MEANS, CLEAN))
    lines = table2.body(table, make_facts(labels={"resnet20": "R"})).splitlines()
    (place,) = (place for place, line in enumerate(lines) if ours in line)
    assert "paper" in lines[place + 1]
    assert theirs in lines[place + 1]


def test_the_authors_files_stand_beside_their_weights_alone(make_facts):
    table = table2.summarise_rows(corrupted("resnet20", MEANS, CLEAN))
    trained = make_facts(labels={"resnet20": "R"}, each={"resnet20": {"model": "resnet20"}})
    theirs = make_facts(labels={"resnet20": "R"}, each={"resnet20": {"model": "resnet20-published"}})
    assert "authors' file" in table2.body(table, theirs)
    assert "authors' file" not in table2.body(table, trained)


def noisy(series, accuracy):
    base = {
        "figure": "pushpull/fig4",
        "protocol": "paper",
        "model": series,
        "series": series,
        "seed": 1,
        "n": 100,
    }
    sizes = [("gaussian", v, 1.0) for v in (0.0, 0.001, 0.1, 0.5)] + [("poisson", 0.0, c) for c in (1.0, 0.5)]
    return pd.DataFrame(
        [{**base, "noise": noise, "variance": v, "contrast": c, "draw": draw,
          "accuracy": accuracy + draw / 10}
         for noise, v, c in sizes for draw in (0, 1)]
    )  # fmt: skip


def test_each_figure_of_the_lenets_shows_its_noise_and_sizes_alone():
    rows = noisy("a", 0.5)
    assert fig4.summarise_rows(rows)["variance"].tolist() == [0.0, 0.1, 0.5]  # not those of Table 4
    assert fig5.summarise_rows(rows)["contrast"].tolist() == [1.0, 0.5]
    assert fig4.summarise_rows(rows)["mean"].tolist() == pytest.approx([0.55] * 3)  # draws are repeats


@pytest.mark.parametrize("evidence", [True, False])
def test_the_papers_points_stand_at_their_sizes_beside_evidence_alone(evidence, make_facts):
    rows = pd.concat([noisy("a", 0.5), noisy("pa", 0.6)])
    each = {"pa": {"options": {"layer": PULLED}}}
    facts = make_facts(labels={"a": "A", "pa": "PA"}, evidence=evidence, each=each)
    figure = fig4.draw(fig4.summarise_rows(rows), facts)
    lines = {line.get_gid(): line for line in figure.axes[0].get_lines()}
    assert len(figure.axes) == 1  # a network and its twin share a panel
    assert np.allclose(lines["push-pull"].get_ydata(), 65)
    if evidence:
        assert lines["paper push-pull"].get_ydata().tolist() == [99.11, 95.27, 62.80]
        assert lines["paper push-pull"].get_xdata().tolist() == [0, 1, 2]
    assert ("paper push-pull" in lines) == evidence


def cells(text, first):
    """Cells of the line of a table in Markdown that begins so."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {first} |"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_table_4_has_errors_in_per_cent_beside_the_papers(make_facts):
    rows = noisy("h2-a1", 0.5).replace({"variance": {0.1: 0.005}})
    rows = rows[rows["variance"].isin([0.0, 0.001, 0.005])].assign(figure="pushpull/table4")
    table = table4.summarise_rows(rows)
    text = table4.body(table, make_facts(labels={"h2-a1": "wide"}))
    theirs = published("push-pull", "table4_h2-a1").value
    expected = [words for level in (0, 0.001, 0.005) for words in ("45.00", f"{theirs[level]:.2f}")]
    assert cells(text, "wide") == expected
    assert "here" in text


def test_table_5_has_errors_of_its_own_networks_beside_its_own_numbers(make_facts):
    rows = corrupted("resnet20-learned", MEANS, CLEAN).assign(figure="pushpull/table5")
    text = table5.body(table5.summarise_rows(rows), make_facts(labels={"resnet20-learned": "learned"}))
    ours = [f"{100 * CLEAN:.2f}", f"{100 * np.mean(list(MEANS.values())):.2f}"]
    theirs = [
        f"{published('push-pull', f'table5_{key}').value['resnet20-learned']:.2f}"
        for key in ("clean", "mean")
    ]
    found = cells(text, "learned")
    assert [cell.split()[0] for cell in found[::2]] == ours
    assert found[1::2] == theirs


def test_whole_numbers_of_the_paper_have_no_digits_that_it_does_not_give(make_facts):
    table = table3.summarise_rows(corrupted("resnet20", MEANS, CLEAN).assign(figure="pushpull/table3"))
    found = cells(table3.body(table, make_facts(labels={"resnet20": "R"})), "R")
    for key in ("mce", "relative_mce"):
        assert f"{published('push-pull', f'table3_{key}').value['resnet20']:.0f}" in found
    assert "7.56" in found


def test_figure_7_marks_mean_errors_and_the_papers(make_facts):
    rows = pd.concat(
        corrupted(f"resnet20{end}", {name: by * error for name, error in MEANS.items()}, CLEAN)
        for end, by in (("", 1.0), ("-pushpull", 0.5))
    ).assign(figure="pushpull/fig7")
    labels = {"resnet20": "R", "resnet20-pushpull": "RP"}
    each = {"resnet20-pushpull": {"options": {"layer": PULLED}}}
    facts = make_facts(labels=labels, series=list(labels), each=each)
    figure = fig7.draw(fig7.summarise_rows(rows), facts)
    mean = 100 * np.mean(list(MEANS.values()))
    marks = {
        line.get_gid(): line.get_xdata()[0]
        for axes in figure.axes
        for line in axes.get_lines()
        if line.get_gid()
    }
    theirs = published("push-pull", "table3_mean").value
    assert marks == {
        "baseline": pytest.approx(mean),
        "push-pull": pytest.approx(mean / 2),
        "paper baseline": theirs["resnet20"],
        "paper push-pull": theirs["resnet20-pushpull"],
    }


def without_p(name):
    return name.removeprefix("p")


def test_twins_find_each_other_and_others_stand_alone(make_facts):
    names = ["a", "pa", "b", "pc", "plain", "flexible", "mine", "whole", "conv", "pwhole"]
    each = {name: {"options": {"layer": PULLED}} for name in ("pa", "pc", "mine", "pwhole")}
    each |= {
        "flexible": {"options": {"layer": {"scheme": "learned"}}},
        "whole": {"network": "my.networks.Net"},
    }
    each |= {"conv": {"options": {"layer": {"scheme": "conv"}}}}
    facts = make_facts(labels=dict.fromkeys(names, "x"), each=each)
    assert pairs_of(names, facts, without_p) == [
        {"baseline": "a", "push-pull": "pa"},
        {"baseline": "b"},
        {"push-pull": "pc"},
        {"baseline": "plain"},
        {"flexible": "flexible"},
        {"push-pull": "mine"},
        {"whole": "whole"},
        {"baseline": "conv"},
        {"push-pull": "pwhole"},
    ]


def test_names_alone_tell_what_was_not_run(make_facts):
    facts = make_facts(labels={"b": "B"})
    assert pairs_of(["a", "pa", "b", "pb"], facts, without_p) == [
        {"baseline": "a", "push-pull": "pa"},
        {"baseline": "b", "push-pull": "pb"},
    ]


def test_a_lenet_with_another_layer_has_its_own_look_and_name(make_facts):
    labels = {"a": "A", "pa": "PA", "plain": "Plain", "lp": "Low-pass"}
    layers_of = {"pa": PULLED, "lp": {"kind": "lowpass"}}
    each = {name: {"options": {"layer": layer}} for name, layer in layers_of.items()}
    rows = pd.concat([noisy(name, 0.5) for name in labels])
    facts = make_facts(labels=labels, series=list(labels), each=each, figure="pushpull/fig4")
    figure = fig4.draw(fig4.summarise_rows(rows), facts)
    shown = [{line.get_gid() for line in axes.get_lines()} & {*labels, *ROLES} for axes in figure.axes]
    assert shown == [{"baseline", "push-pull"}, {"baseline"}, {"lp"}]
    assert [axes.get_title() for axes in figure.axes] == ["A and PA", "Plain", "Low-pass"]
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {word for word in words if "paper" not in word} == {"Low-pass", "convolution", "push-pull layer"}
    (line,) = (line for line in figure.axes[2].get_lines() if line.get_gid() == "lp")
    assert (line.get_color(), line.get_marker()) == (style_of("lp").colour, style_of("lp").marker)


def test_many_lenets_can_be_read(make_facts, text_faults):
    labels = {f"net{number}": f"Net {number}" for number in range(7)}
    known = pd.concat([noisy(name, 0.5) for name in labels])
    more = [known[known["variance"] == 0.1].assign(variance=size) for size in (0.01, 0.2, 0.3)]
    table = fig4.summarise_rows(pd.concat([known, *more]))
    facts = make_facts(labels=labels, series=list(labels), figure="pushpull/fig4")
    figure = fig4.draw(table, facts)
    assert len(figure.axes) == 7
    assert text_faults(figure) == []


def test_figure_7_goes_by_what_networks_are(make_facts):
    labels = {"resnet20": "R", "resnet20-pushpull": "RP", "resnet20-learned": "Learned", "mine": "Mine"}
    layers_of = {"resnet20-pushpull": PULLED, "resnet20-learned": PULLED, "mine": {"kind": "my.own.Layer"}}
    each = {name: {"options": {"layer": layer}} for name, layer in layers_of.items()}
    rows = pd.concat(corrupted(name, MEANS, CLEAN) for name in labels).assign(figure="pushpull/fig7")
    facts = make_facts(labels=labels, series=list(labels), each=each, evidence=False)
    figure = fig7.draw(fig7.summarise_rows(rows), facts)
    shown = [(line.get_gid(), round(float(line.get_ydata()[0]), 2)) for line in figure.axes[0].get_lines()]
    assert shown == [("baseline", -0.14), ("push-pull", 0.14), ("push-pull", 1.14), ("mine", 2.0)]
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == ["R", "Learned", "Mine"]
    words = {text.get_text() for text in figure.legends[0].get_texts()}
    assert words == {"convolution", "push-pull layer", "Mine"}


def test_blocks_hold_all_weights_and_the_shape_that_the_next_layer_gets():
    options = {"depth": 40, "growth": 12, "layer": {"kind": "pushpull"}}
    rows = pd.DataFrame([{"network": "densenet", **row} for row in describe("densenet", options)])
    parts = parts_of(rows.astype({"kernel": float}))
    assert sum(part.weights for part in parts) == 176_122
    assert [part.text for part in parts][:4] == [
        "image",
        "push-pull 3\u00d73",
        "6 conv 1\u00d71, 6 conv 3\u00d73",
        "conv 1\u00d71, mean-pool 2\u00d72",
    ]
    assert parts[2].shape == "96\u00d732\u00d732"  # specification, 2.3: after block 1


def test_the_lenets_have_the_papers_kernels(make_facts):
    series = {name: describe("lenet", {"variant": name}) for name in "abcd"}
    rows = pd.DataFrame(
        [{"figure": table1.NAME, "protocol": "paper", "series": name, "network": "lenet", **row}
         for name, layers in series.items() for row in layers]
    )  # fmt: skip
    facts = make_facts(labels=dict.fromkeys(series, "net"), runs=None)
    for line in table1.body(rows.astype({"kernel": float}), facts).splitlines()[2:]:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert [cell.split(" ")[0] for cell in cells[1:9:2]] == cells[2:9:2]


def test_the_drawn_responses_are_the_layers_own():
    options = {"variant": "a", "layer": {"kind": "pushpull", "alpha": 0.5, "h": 2}}
    example = {"kernel_size": 5, "input_size": 28, "seed": 4}
    table = pd.DataFrame(responses("lenet", options, example))
    maps = {
        key: own.pivot(index="row", columns="column", values="value").to_numpy()
        for key, own in table.groupby(["part", "level"])
    }
    push, pull = maps["push", 0.0], maps["pull", 0.0]
    assert maps["pull kernel", 0.0].shape == (11, 11)
    assert np.allclose(maps["output", 0.0], push - 0.5 * pull)
    assert push.max() > 0 < pull.max()
    assert np.allclose(np.maximum(maps["convolution", 0.0], 0), push)
    noise = maps["image", 0.5] - maps["image", 0.0]
    assert noise.var() == pytest.approx(0.5, rel=0.15)


def side_by_side():
    """Two layers, two seeds; the second is better by 1 point clean, 2 corrupted, 3 in noise, -4 attacked."""
    base = {"figure": "layers", "protocol": "corrected", "n": 100}
    rows = []
    for series, gain in (("baseline", 0), ("mine", 1)):
        for seed, shift in ((1, 0.0), (2, 0.1)):
            run = {**base, "series": series, "model": series, "seed": seed, "draw": 0}
            plain = {"corruption": "none", "severity": 0, "noise": "none", "epsilon": 0.0}
            asked = [("corruptions", {}, 0.01), ("noise", {"noise": "gaussian"}, 0.01), ("fgsm", {}, 0.01)]
            for name, severity in (("fog", 1), ("fog", 5), ("snow", 1), ("snow", 5)):
                asked.append(("corruptions", {"corruption": name, "severity": severity}, 0.02))
            for size, change in ((0.05, 0.5), (0.1, 0.03), (0.5, 0.5)):
                asked.append(("noise", {"noise": "gaussian", "epsilon": size}, change))
            asked.append(("noise", {"noise": "uniform", "epsilon": 0.1}, 0.5))
            asked += [("fgsm", {"epsilon": size}, change) for size, change in ((0.01, -0.04), (0.1, 0.5))]
            for family, at, change in asked:
                told = {"family": family, "accuracy": 0.4 + shift + gain * change}
                rows.append({**run, **plain, **at, **told})
            for check, left, share in (
                ("clean", 90, None),
                ("reference", 60, None),
                ("noise", 55, 0.0),
                ("steps", 40 + 5 * gain + seed, 0.5 * gain * (seed == 2)),
            ):
                told = {
                    "family": "audit",
                    "check": check,
                    "epsilon": 0.02,
                    "share": share,
                    "correct": left,
                    "accuracy": left / 100,
                    "evidence": '{"chance": [0.1]}',
                }
                rows.append({**run, **plain, **told})
    return pd.DataFrame(rows)


def test_layers_are_compared_by_question_with_pairs_of_seeds():
    table = compared(side_by_side()).set_index(["series", "question"])
    found = {question: row["change"] for (series, question), row in table.iterrows() if series == "mine"}
    assert found == pytest.approx(
        {"clean": 0.01, "corrupted": 0.02, "noise": 0.03, "attack": -0.04, "audit": 0.05}
    )
    assert table.loc[("mine", "noise"), "size"] == 0.1
    assert table.loc[("mine", "attack"), "size"] == 0.01
    assert set(table["n"]) == {2}
    assert table.loc[("baseline", "clean"), "mean"] == pytest.approx(0.45)


def test_layers_under_fewer_corruptions_are_not_set_side_by_side():
    rows = side_by_side()
    lacking = rows[(rows["series"] == "baseline") | (rows["corruption"] != "snow")]
    with pytest.raises(DataError, match="corrupted: expected all networks under as many conditions"):
        compared(lacking)


def test_an_attack_that_has_no_size_is_no_question():
    rows = side_by_side()
    table = compared(rows[(rows["family"] != "fgsm") | (rows["epsilon"] == 0)])
    assert set(table["question"]) == {"clean", "corrupted", "noise", "audit"}


def test_the_audit_stands_beside_the_layers_with_its_verdict_and_what_it_was_not_asked(make_facts):
    """What withstands the last check counts, not the reference; a seed that fails is told beside others."""
    table = compared(side_by_side())
    audited = table[table["question"] == "audit"].set_index("series")
    assert audited.loc["baseline", ["mean", "size", "verdict"]].tolist() == pytest.approx(
        [0.415, 0.02, "robust"]
    )
    assert audited.loc["mine", "verdict"] == "1 robust, 1 undecided"
    assert set(table[table["question"] != "audit"]["verdict"]) == {""}
    labels = {"baseline": "Convolution", "mine": "Mine"}
    facts = make_facts(figure="layers", protocol="corrected", labels=labels, series=list(labels))
    figure = layers.draw(table, facts)
    assert [text.get_text() for text in figure.axes[-1].texts] == ["1 robust\n1 undecided"]
    assert "(robust)" in figure.axes[-1].get_title()
    text = layers.body(table, facts)
    assert text.splitlines()[3].endswith("| 1 robust, 1 undecided |")
    assert "Not asked in the audit, so that robust says less: zero_gradients, single_step, transfer" in text


@pytest.mark.parametrize("figure", ["pushpull/fig4", "pushpull/fig5"])
def test_what_the_captions_say_of_the_corrected_protocol_is_what_it_does(figure):
    config, figures = (settings.read_yaml(ROOT / f"config/{name}.yaml") for name in ("config", "figures"))
    paper, corrected = (config["protocols"][name]["sensor"] for name in ("paper", "corrected"))
    words = " ".join(figures[figure]["caption"].split())
    assert (
        "Under the protocol corrected noisy images are cut to [0, 1] and the noise is drawn several" in words
    )
    assert corrected["clip"] is True
    assert corrected["draws"] > 1
    assert paper.get("clip", False) is False
    assert paper.get("draws", 1) == 1
