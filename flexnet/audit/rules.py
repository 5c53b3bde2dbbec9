"""What the audit asks, with thresholds that were set before any model was asked.

Each check measures a share in [0, 1] that is small where robustness is real, and fails above its threshold.
Shares of images are of those that the reference attack leaves standing and something else fools: that
something cannot be stronger than a gradient that tells the truth, up to a few images of luck.
"""

from dataclasses import dataclass

from flexnet.by_name import ByName

MASKED, UNDECIDED, ROBUST = "masked", "undecided", "robust"


@dataclass(frozen=True)
class Rule:
    """One check.

    Attributes:
        measures: what the share is.
        threshold: largest share that passes.
        failure: what the model is then: "masked" where only a misleading gradient explains it, "undecided"
            where the attack may just have been too weak.
        means: what a failure means, for a reader.
    """

    measures: str
    threshold: float
    failure: str
    means: str


RULES: ByName[Rule] = {
    "zero_gradients": Rule(
        "images that are answered rightly and whose input gradient is exactly zero",
        0.05,
        MASKED,
        "The gradient vanishes, so attacks that follow it stand still; their failure says nothing.",
    ),
    "single_step": Rule(
        "images that one step fools and the iterated attack does not",
        0.05,
        MASKED,
        "One step does what many cannot: the gradient does not point the way beyond the next corner.",
    ),
    "noise": Rule(
        "images that random noise of the same size fools and the attack does not",
        0.05,
        MASKED,
        "Noise beats the attack: the gradient is of no use, or leads away.",
    ),
    "transfer": Rule(
        "images that the gradient of another network fools and its own does not",
        0.05,
        MASKED,
        "A stranger's gradient works better than its own: its own is hidden.",
    ),
    "black_box": Rule(
        "images that the square attack fools, from logits alone, and the gradient attack does not",
        0.05,
        MASKED,
        "A search without gradients is stronger than one with them: the gradients mislead.",
    ),
    "decision": Rule(
        "of a few images, those less one that only an attack by the chosen class fools",
        0.1,
        MASKED,
        "Knowing less was worth more: what gradients and logits tell misleads.",
    ),
    "softened_gate": Rule(
        "images that the gradient through softer gates fools and the exact one does not",
        0.05,
        MASKED,
        "The steep gates hide a direction that softer ones show.",
    ),
    "frozen_gate": Rule(
        "images that the gradient with constant gates or masks fools and the exact one does not",
        0.05,
        MASKED,
        "The switching of the gates itself hides a direction that exists without it.",
    ),
    "float64": Rule(
        "images that the attack fools in float64 and not in float32",
        0.05,
        MASKED,
        "Rounding protects the images, not the network.",
    ),
    "expectation": Rule(
        "images that a gradient averaged over draws fools and one of a single draw does not",
        0.05,
        MASKED,
        "Randomness hides the gradient; who averages sees it.",
    ),
    "suite": Rule(
        "images that the standard suite fools and the reference attack does not",
        0.15,
        MASKED,
        "Attacks of other kinds get much further: the reference attack is held up by something they pass.",
    ),
    "epsilon": Rule(
        "accuracy where the attack may change everything, above chance",
        0.0,
        MASKED,
        "With the whole range at its disposal an attack must win; it does not, so it does not work.",
    ),
    "steps": Rule(
        "accuracy that is still lost when the steps are doubled",
        0.05,
        UNDECIDED,
        "The attack has not ended: more steps would fool more.",
    ),
    "restarts": Rule(
        "accuracy that is still lost when the restarts are doubled",
        0.05,
        UNDECIDED,
        "The outcome hangs on where the attack starts: more restarts would fool more.",
    ),
    "monotone": Rule(
        "of the rise of the mean loss over the steps, the part that it falls back",
        0.25,
        UNDECIDED,
        "The loss does not rise steadily: the steps are too long, or the gradient is not that of the loss.",
    ),
}
