import pytest

from flexnet.errors import ConfigError
from flexnet.families.fgsm import FgsmSettings

PAPER = {
    "space": "normalised",
    "clamp": "loose",
    "loss": "cross_entropy",
    "epsilons": [0, 0.05, 0.1],
    "draws": 10,
}


def test_defaults_of_what_is_not_named():
    settings = FgsmSettings.from_mapping(PAPER)
    assert settings == FgsmSettings(
        space="normalised",
        clamp="loose",
        loss="cross_entropy",
        epsilons=(0, 0.05, 0.1),
        draws=10,
        eot_draws=1,
        counting="all",
        redraw=False,
        batch=100,
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epsilons": [0.1, -0.1]}, r"fgsm: epsilons\.1: expected a number of at least 0; got -0\.1"),
        ({"epsilons": [True]}, "expected a number of at least 0; got True"),
        ({"epsilons": ["0.1"]}, "at least 0; got '0.1', which is text; write 0.1"),
        ({"epsilons": [float("nan")]}, "at least 0; got nan"),
        ({"epsilons": [float("inf")]}, "at least 0; got inf"),
        ({"epsilons": []}, r"epsilons: expected a list of numbers, at least one; got \[\]"),
        ({"epsilons": [0.1, 0.1]}, r"none of them twice; got \[0\.1, 0\.1\] with 0.1 twice"),
        ({"epsilons": 0.1}, r"epsilons: expected a list of numbers, at least one; got 0\.1"),
        ({"space": "pixels"}, r"space: expected one of \['normalised', 'pixel'\]; got 'pixels'"),
        ({"clamp": "tight"}, r"clamp: expected one of \['loose', 'valid'\]; got 'tight'"),
        ({"space": "pixel"}, "clamp: expected 'valid', the only clamp of the space 'pixel'; got 'loose'"),
        (
            {"loss": "nll"},
            r"loss: expected one of \['cross_entropy', 'negative_logit', 'margin'\]; got 'nll'",
        ),
        ({"counting": "most"}, r"counting: expected one of \['all', 'drop_last_of_batch'\]; got 'most'"),
        ({"draws": 0}, "draws: expected a whole number of at least 1; got 0"),
        ({"draws": True}, "draws: expected a whole number of at least 1; got True"),
        ({"eot_draws": 2.5}, r"eot_draws: expected a whole number of at least 1; got 2\.5"),
        ({"batch": -1}, "batch: expected a whole number of at least 1; got -1"),
        ({"redraw": "yes"}, "redraw: expected true or false; got 'yes'"),
        ({"epsilon": 0.1}, "unknown key 'epsilon'; expected keys among .*; did you mean 'epsilons'"),
    ],
)
def test_what_is_not_allowed(change, message):
    with pytest.raises(ConfigError, match=message):
        FgsmSettings.from_mapping({**PAPER, **change})


@pytest.mark.parametrize("missing", ["space", "clamp", "loss", "epsilons"])
def test_required_keys(missing):
    values = {key: value for key, value in PAPER.items() if key != missing}
    with pytest.raises(ConfigError, match=f"expected the key {missing!r} as well; add it"):
        FgsmSettings.from_mapping(values)
