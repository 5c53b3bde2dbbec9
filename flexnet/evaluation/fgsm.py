"""Accuracy under the fast gradient sign method, over a grid of epsilons and repeats.

Three protocols share this code: the paper's (normalised units, loose clamp, cross entropy, repeats of
a stochastic model averaged), that of the authors' released code (other loss, odd counting, thresholds
redrawn per repeat) and a corrected one (pixels that stay in [0, 1], gradient averaged over draws).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from flexnet.attacks.checks import broken_images, check_count
from flexnet.attacks.fgsm import mean_gradient
from flexnet.attacks.precision import full_precision, require_full_precision
from flexnet.attacks.spaces import Space
from flexnet.errors import ConfigError, NumericalError
from flexnet.evaluation.accuracy import check_judged, on_device
from flexnet.evaluation.counting import full_batches, kept_images, shuffle_seed
from flexnet.evaluation.judging import as_it_came, fitting_space, judge_steps, require_declared
from flexnet.evaluation.outcomes import BROKEN, RIGHT, mark_broken
from flexnet.evaluation.subject import Answer, Job, Subject
from flexnet.families.fgsm import FgsmSettings
from flexnet.inputs import trusted_inputs
from flexnet.layers.randomness import is_redrawn, is_stochastic, redraw_layers, set_generator
from flexnet.layers.tracing import evaluation_mode
from flexnet.seeds import derive_seed
from flexnet.training.batches import to_unit
from flexnet.training.streamed import Pixels, parts

Progress = Callable[[int], None]


def evaluate(subject: Subject, settings: Mapping[str, Any], asked: None, job: Job) -> Iterator[Answer]:
    """Answers at each epsilon and repeat: conditions epsilon and draw. Errors as `fgsm_outcomes`."""
    attack = FgsmSettings.from_mapping(settings)
    yield from attacked(subject, attack, job, subject.run.derive(job.protocol), subject.name)


def attacked(subject: Subject, attack: FgsmSettings, job: Job, seed: int, name: str) -> Iterator[Answer]:
    """Answers of a subject under an attack of this seed; `name` is how messages call it."""
    images, labels = subject.scored.images, subject.scored.labels
    outcomes = fgsm_outcomes(
        subject.model,
        images,
        labels,
        attack,
        seed=seed,
        device=images.device,
        batch_size=job.batch_size,
        progress=job.progress,
        name=f"{name}, protocol {job.protocol}",
    )
    yield from _answers(outcomes, attack, seed)


def evaluate_fgsm(
    model: nn.Module,
    images: np.ndarray | Pixels,
    labels: np.ndarray | Tensor,
    settings: FgsmSettings,
    *,
    seed: int,
    device: torch.device | str,
    batch_size: int,
    progress: Progress | None = None,
    name: str = "",
) -> list[dict[str, Any]]:
    """Accuracy of a model at each epsilon and repeat.

    Arguments and errors are those of `fgsm_outcomes`.

    Returns:
        Rows with epsilon, draw (repeat, from 0), n, correct and accuracy (correct / n, in [0, 1]), in
        the order of the epsilons, then of the repeats. A deterministic model has one repeat, unless
        the counting varies; then all repeats are counted from the same outcomes.
    """
    outcomes = fgsm_outcomes(
        model,
        images,
        labels,
        settings,
        seed=seed,
        device=device,
        batch_size=batch_size,
        progress=progress,
        name=name,
    )
    return [answer.row() for answer in _answers(outcomes, settings, seed)]


def _answers(outcomes: Tensor, settings: FgsmSettings, seed: int) -> Iterator[Answer]:
    """Outcomes (draws, epsilons, N) as the protocol counts them."""
    number, all_count = outcomes.shape[-1], settings.counting == "all"
    draws = len(outcomes) if all_count else settings.draws
    n = number if all_count else full_batches(number, settings.batch)
    for place, epsilon in enumerate(settings.epsilons):
        for draw in range(draws):
            right = outcomes[draw % len(outcomes), place]
            if not all_count:
                kept = kept_images(number, batch=settings.batch, seed=shuffle_seed(seed, draw))
                right = right & kept.to(right.device)
            yield Answer({"epsilon": float(epsilon), "draw": draw}, right, n)


def fgsm_outcomes(
    model: nn.Module,
    images: np.ndarray | Pixels,
    labels: np.ndarray | Tensor,
    settings: FgsmSettings,
    *,
    seed: int,
    device: torch.device | str,
    batch_size: int,
    progress: Progress | None = None,
    name: str = "",
) -> Tensor:
    """Whether each image is classified correctly, for each repeat and epsilon.

    All draws come from generators named by seed, repeat and batch, so the result depends neither on
    the order of the batches nor on how many epsilons share a pass: those of one repeat and batch see
    the same mask.

    Args:
        model: takes images in [0, 1], has a first layer `normalise`, lies on `device`. It is left as
            it came: mode, thresholds, gradients.
        images: uint8, (N, C, H, W), arrays or tensors.
        labels: true classes, (N,), whole numbers from 0 to K - 1 for a model of K logits.
        settings: what the protocol prescribes.
        seed: of all draws.
        device: where to compute.
        batch_size: most images per pass. Keep it a multiple of `settings.batch`; below that it also
            becomes the number of images that share a mask, and so changes the draws.
        progress: called after each batch with its number of images, such as `Progress.advance`.
        name: how messages call the model.

    Returns:
        bool, (draws, epsilons, N); one draw for a model whose output does not vary.

    Raises:
        ConfigError: if the model or the settings cannot be attacked so.
        DataError: if images and labels have another type or shape.
        NumericalError: if a logit, a loss or a gradient is NaN or infinite, after the first batch where one
            is, with the number of such images among all.
    """
    _check_arguments(settings, seed, batch_size)
    pixels, classes = on_device(images, labels, device)
    name = check_judged(model, pixels, name)
    require_full_precision(model, torch.empty(0))
    space = fitting_space(model, settings.space, settings.clamp, settings.epsilons, pixels)
    require_declared(model, pixels, name)
    attack = _Attack(model, space, settings, seed, batch_size, int(classes.max()))
    outcomes = []
    with evaluation_mode(model), as_it_came(model), full_precision(pixels.device), trusted_inputs():
        for index, (batch, truth) in enumerate(attack.batches(pixels, classes)):
            outcomes.append(attack.judge(to_unit(batch), truth, index))
            if bool((outcomes[-1] == BROKEN).any()):
                raise _broken(attack, attack.batches(pixels, classes), outcomes[-1], name)
            if progress is not None:
                progress(len(batch))
    return torch.cat(outcomes, dim=-1) == RIGHT


def _check_arguments(settings: object, seed: object, batch_size: object) -> None:
    check_count("batch_size", batch_size)
    if not isinstance(settings, FgsmSettings):
        raise ConfigError(
            f"settings of an evaluation: expected FgsmSettings; got {type(settings).__name__}; "
            "use FgsmSettings.from_mapping for a mapping"
        )
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise ConfigError(f"seed of an evaluation: expected a whole number; got {seed!r}; use 0")


def _broken(
    attack: "_Attack", batches: Iterator[tuple[Tensor, Tensor]], found: Tensor, name: str
) -> NumericalError:
    """The error for the first condition of a batch's outcomes that is broken, counted over all batches."""
    settings = attack.settings
    seen = (found == BROKEN).sum(dim=-1).T  # (epsilons, draws)
    epsilon, draw = seen.nonzero()[0].tolist()
    settings = replace(settings, epsilons=(settings.epsilons[epsilon],), draws=draw + 1)
    alone = replace(attack, settings=settings)
    broken = total = 0
    for index, (batch, truth) in enumerate(batches):
        broken += int((alone.judge(to_unit(batch), truth, index)[-1] == BROKEN).sum())
        total += len(batch)
    condition = f"{name}, epsilon {settings.epsilons[0]:g}, draw {draw}"
    # A model that draws on its own may answer otherwise this time.
    broken = max(broken, int(seen[epsilon, draw]))
    return broken_images("finite logits, losses and gradients", broken, total, condition)


@dataclass(frozen=True)
class _Attack:
    """One model under one protocol: attacks and judges it batch by batch."""

    model: nn.Module
    space: Space
    settings: FgsmSettings
    seed: int
    batch_size: int
    highest: int  # label

    def batches(self, pixels: Pixels, labels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """All images with their labels, as many at a time as share a mask."""
        size = min(self.settings.batch, self.batch_size)
        return zip(parts(pixels, size), parts(labels, size), strict=True)

    def judge(self, images: Tensor, labels: Tensor, batch: int) -> Tensor:
        """Outcomes of one batch: RIGHT, WRONG or BROKEN, (draws, epsilons, n)."""
        redraws = self.settings.redraw and is_redrawn(self.model)
        draws = self.settings.draws if redraws or is_stochastic(self.model) else 1
        # An averaged gradient belongs to the model and is made once; a single one to its repeat.
        attack_once = self.settings.eot_draws > 1 and not redraws
        outcomes, gradient, finite = [], None, None
        for draw in range(draws):
            if redraws:
                redraw_layers(self.model, self._generator(images, "thresholds", draw))
            if gradient is None or finite is None or not attack_once:
                gradient, finite = self._gradient(images, labels, draw, batch)
            found = self._outcomes(images, labels, gradient, draw, batch)
            moved = [index for index, epsilon in enumerate(self.settings.epsilons) if epsilon > 0]
            found[moved] = mark_broken(found[moved], finite)
            outcomes.append(found)
        return torch.stack(outcomes)

    def _gradient(self, images: Tensor, labels: Tensor, draw: int, batch: int) -> tuple[Tensor, Tensor]:
        """Gradient (n, C, H, W), and whether it and what it was made from are finite, bool (n,)."""
        if not any(self.settings.epsilons):  # clean images alone need none
            return torch.zeros_like(images), torch.ones_like(labels, dtype=torch.bool)
        set_generator(self.model, self._generator(images, "gradient", draw, batch))
        passes = self.settings.eot_draws if is_stochastic(self.model) else 1
        return mean_gradient(self.model, images, labels, self.settings.loss, passes, self.highest)

    def _outcomes(self, images: Tensor, labels: Tensor, gradient: Tensor, draw: int, batch: int) -> Tensor:
        """Outcomes at all epsilons: (epsilons, n)."""
        return judge_steps(
            self.model,
            images,
            labels,
            gradient.sign(),
            self.settings.epsilons,
            self.space,
            at_once=self.batch_size,
            highest=self.highest,
            masks=lambda: self._generator(images, "judge", draw, batch),
        )

    def _generator(self, images: Tensor, purpose: str, *indices: int) -> torch.Generator:
        seed = derive_seed(self.seed, "fgsm " + purpose, *indices)
        return torch.Generator(images.device).manual_seed(seed)
