from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from flexnet.figures.facts import Facts
from flexnet.figures.look import journal
from flexnet.tables.facts import FigureFacts

LABELS = {"baseline": "Baseline", "flexible": "Flexible, learned", "random": "Flexible, random"}


RUN = {
    "network": "vgg16",
    "options": {},
    "recipe": {"epochs": 3, "batch_size": 100, "learning_rate": 0.01, "precision": "float32"},
    "title": "shapes",
    "content": "official",
    "classes": 10,
    "training_images": 1000,
    "scored_images": 500,
    "seeds": [1, 2],
}
RULES = {"paper": ("sem", "normalised"), "release": ("sem", "normalised"), "corrected": ("interval", "pixel")}


@pytest.fixture
def make_runs():
    """Facts of the runs of some series; `each` changes one series, other keywords change all of them."""

    def build(*series, figure="fig4b", protocol="paper", each=None, **changes):
        band, space = RULES[protocol]
        runs = [
            {"name": name, "model": name, **RUN, **changes, **(each or {}).get(name, {})} for name in series
        ]
        document = {"figure": figure, "protocol": protocol, "band": band, "space": space, "series": runs}
        return FigureFacts.from_document(document, "test")

    return build


@pytest.fixture
def make_facts(make_runs):
    """Facts of a figure; keywords that are no texts of it are facts of its runs."""

    def build(**changes):
        texts = {entry.name for entry in fields(Facts)}
        words = {"scale": "demo", "protocol": "paper", "labels": LABELS, "network": "VGG16"}
        words |= {key: value for key, value in changes.items() if key in texts}
        run = {key: value for key, value in changes.items() if key not in texts}
        runs = make_runs(*(words["labels"] or LABELS), protocol=words["protocol"], **run)
        return Facts(**{"runs": runs, **words})

    return build


@pytest.fixture
def history_rows():
    """Three series, three seeds, three epochs, both splits; the mean at epoch e is base + e / 10."""
    return pd.DataFrame(
        [
            {
                "figure": "fig4b",
                "protocol": "paper",
                "series": series,
                "model": series,
                "seed": seed,
                "epoch": epoch,
                "split": split,
                "n": 500,
                "correct": 0,
                "accuracy": base + epoch / 10 + (seed - 2) / 50 + (0.2 if split == "train" else 0.0),
            }
            for series, base in (("baseline", 0.3), ("flexible", 0.2), ("random", 0.1))
            for seed in (1, 2, 3)
            for epoch in (3, 1, 2)
            for split in ("train", "test")
        ]
    )


@pytest.fixture
def fgsm_rows():
    """Three series, three seeds, two draws, under two protocols with their own grids."""
    grids = {"paper": (0.0, 0.2, 0.4, 1.0), "corrected": (0.0, 1 / 255, 16 / 255, 1.0)}
    return pd.DataFrame(
        [
            {
                "figure": "fig4d",
                "protocol": protocol,
                "series": series,
                "model": series,
                "seed": seed,
                "epsilon": epsilon,
                "draw": draw,
                "n": 500,
                "correct": 0,
                "accuracy": base - 0.3 * epsilon + (seed - 2) / 50 + (draw - 0.5) / 100,
            }
            for protocol, grid in grids.items()
            for series, base in (("baseline", 0.7), ("flexible", 0.6), ("random", 0.5))
            for seed in (1, 2, 3)
            for epsilon in grid
            for draw in (0, 1)
        ]
    )


def shown_texts(figure):
    """Every text that is drawn, with its box in pixels; ticks beyond the ends of an axis are not."""
    figure.draw_without_rendering()
    renderer = FigureCanvasAgg(figure).get_renderer()
    hidden = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            beyond = [tick for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high]
            unseen = [*beyond, *axis.get_minor_ticks()] if axes.axison else axis.get_major_ticks()
            hidden |= {text for tick in unseen for text in (tick.label1, tick.label2)}
    texts = [text for text in figure.findobj(Text) if text not in hidden]
    texts = [text for text in texts if text.get_visible() and text.get_text().strip()]
    return [(text.get_text(), text.get_window_extent(renderer)) for text in texts]


def overlapping(boxes):
    """Places of every two boxes that share a point."""
    x0, y0, x1, y1 = np.array([box.extents for _, box in boxes]).reshape(-1, 4).T
    shared = (x0[:, None] <= x1) & (x0 <= x1[:, None]) & (y0[:, None] <= y1) & (y0 <= y1[:, None])
    return np.argwhere(np.triu(shared, k=1))


@pytest.fixture
def text_faults():
    """Finds texts of a drawn figure, of any kind, that cover each other or leave the page."""

    def find(figure):
        with journal():
            boxes, page = shown_texts(figure), figure.bbox
        tall, wide = page.y1 + 0.5, page.x1 + 0.5  # half a pixel is rounding
        faults = [
            (words, "page")
            for words, box in boxes
            if min(box.x0, box.y0) < -0.5 or box.x1 > wide or box.y1 > tall
        ]
        return faults + [(boxes[one][0], boxes[other][0]) for one, other in overlapping(boxes)]

    return find
