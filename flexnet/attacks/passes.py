"""Passes of an attack through a model: gradients of the input alone, draws named."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from flexnet.attacks.balls import Ball
from flexnet.attacks.checks import (
    check_attacked_logits,
    check_finite,
    check_images,
    check_labels,
    check_model,
    finite_images,
)
from flexnet.attacks.fgsm import frozen_parameters
from flexnet.attacks.keys import Key
from flexnet.attacks.losses import Loss, margin
from flexnet.attacks.precision import full_precision
from flexnet.errors import ConfigError
from flexnet.inputs import trusted_inputs
from flexnet.layers.randomness import stochastic_layers
from flexnet.seeds import derive_seed


@dataclass(frozen=True)
class Seen:
    """What passes through a model told of some images; all but the logits are of the type of the images.

    Attributes:
        logits: mean over the draws, (n, K).
        margin: mean over the draws of the largest other logit minus the true one, (n,).
        fooled: bool, (n,): for a single draw whether the model was wrong, else whether it was in most.
        loss: mean over the draws of what is climbed, (n,); only with a gradient.
        gradient: mean over the draws, (n, C, H, W); only with a gradient.
    """

    logits: Tensor
    margin: Tensor
    fooled: Tensor
    loss: Tensor
    gradient: Tensor


@contextmanager
def attacking(images: Tensor, *models: nn.Module) -> Iterator[None]:
    """Where attacks run: parameters frozen, full precision, no gradient but that of the input.

    Frozen once for all steps. The range was checked at the entry, and an attack may leave it.
    """
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        for model in models:
            stack.enter_context(frozen_parameters(model))
        for context in (full_precision(images.device), torch.no_grad(), trusted_inputs()):
            stack.enter_context(context)
        yield


@contextmanager
def named_draws(model: nn.Module, seed: int, device: torch.device) -> Iterator[None]:
    """Let a stochastic model draw from a generator of this seed; afterwards all is as it was.

    Its layers draw from the same one, one after another: from a generator each, of one seed, they would all
    draw the same. What else draws, from the global generator, has a seed of its own.
    """
    layers = list(stochastic_layers(model))
    before = [layer.generator for layer in layers]
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(derive_seed(seed, "global"))
        shared = torch.Generator(device).manual_seed(seed)
        for layer in layers:
            layer.generator = shared
        try:
            yield
        finally:
            for layer, generator in zip(layers, before, strict=True):
                layer.generator = generator


class Passes:
    """All passes of one attack on a batch through one model.

    The draws of a stochastic model are named by key, purpose, number of the pass and draw: all images see
    the same, in whatever batch they are.
    """

    def __init__(
        self, model: nn.Module, key: Key, purpose: str, highest: int, draws: int = 1, *, fixed: bool = False
    ) -> None:
        self.model, self.highest, self.draws = model, highest, draws
        self._fixed = fixed  # known to be deterministic: there is nothing to name
        self._number = 0
        self._seed = key.purpose("attack", purpose)
        self._name = type(model).__name__

    def forward(self, images: Tensor, labels: Tensor) -> Seen:
        """Logits alone."""
        return self._mean(images, labels, None)

    def gradient(self, images: Tensor, labels: Tensor, loss: Loss) -> Seen:
        """Logits, and the gradient of the summed loss with respect to the images."""
        return self._mean(images, labels, loss)

    def gradients(self, images: Tensor, values: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Logits, values (n,) made of them, and the gradient of each value at its image.

        Values and gradients are of the type of the images, whatever that of the logits is.
        """
        with self._named(0, images.device):
            logits, value, gradient = self._once(images, values)
        self._number += 1
        return logits, value, gradient

    def _mean(self, images: Tensor, labels: Tensor, loss: Loss | None) -> Seen:
        seen = [self._draw(images, labels, loss, draw) for draw in range(self.draws)]
        self._number += 1
        if len(seen) == 1:
            return seen[0]
        names = ("logits", "margin", "loss", "gradient")
        means = (torch.stack([getattr(each, name) for each in seen]).mean(0) for name in names)
        logits, margins, losses, gradient = means
        wrong = torch.stack([each.fooled for each in seen]).sum(0)
        return Seen(logits, margins, 2 * wrong > self.draws, losses, gradient)

    def _draw(self, images: Tensor, labels: Tensor, loss: Loss | None, draw: int) -> Seen:
        with self._named(draw, images.device):
            if loss is None:
                logits, value, gradient = self._logits(images), images.new_zeros(len(images)), images[:0]
            else:
                logits, value, gradient = self._once(images, lambda found: loss(found, labels))
        # What is kept for each image stands beside the images: a model may answer in a wider type.
        behind = margin(logits, labels).to(images)
        return Seen(logits, behind, logits.argmax(1) != labels, value, gradient)

    def _logits(self, images: Tensor) -> Tensor:
        logits = check_attacked_logits(self.model(images), len(images), self.highest, self._name)
        check_finite("finite logits", finite_images(logits), f"attack on a {self._name}")
        return logits

    def _once(self, images: Tensor, values: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        with torch.enable_grad():
            leaf = images.detach().requires_grad_()
            logits = check_attacked_logits(self.model(leaf), len(images), self.highest, self._name)
            value = values(logits)
            if not value.requires_grad:
                raise cut_off(self._name)
            (gradient,) = torch.autograd.grad(value.sum(), leaf, allow_unused=True)
        if gradient is None:
            raise cut_off(self._name)
        finite = finite_images(logits, value, gradient)
        check_finite("finite logits, losses and gradients", finite, f"attack on a {self._name}")
        return logits.detach(), value.detach().to(images), gradient

    @contextmanager
    def _named(self, draw: int, device: torch.device) -> Iterator[None]:
        if self._fixed:
            yield
            return
        with named_draws(self.model, derive_seed(self._seed, self._number, draw), device):
            yield


def cut_off(name: str) -> ConfigError:
    """The error for a model whose answer does not lead back to its images."""
    return ConfigError(
        f"{name}: expected logits that gradients lead from to the images; got some that are cut off; "
        "remove torch.no_grad() or .detach() from its forward, or attack it without gradients "
        "(square_attack, hopskipjump) or through a surrogate (source=...)"
    )


def check_attacked(
    model: nn.Module, images: Tensor, labels: Tensor, ball: Ball, key: Key, source: nn.Module | None = None
) -> int:
    """Check what every attack is given, see `flexnet.attacks.checks`; return the highest label.

    Raises:
        ConfigError: if one of them cannot be attacked so.
    """
    if not isinstance(ball, Ball):
        raise ConfigError(
            f"ball of an attack: expected a Ball; got {type(ball).__name__}; "
            "make one with Ball(epsilon, space)"
        )
    if not isinstance(key, Key):
        raise ConfigError(f"key of an attack: expected a Key; got {type(key).__name__}; use Key(seed)")
    check_model(model)
    check_images(images, model, ball.space)
    if ball.epsilon > ball.widest(images) * (1 + 1e-9):
        raise ConfigError(
            f"epsilon of an attack: expected at most {ball.widest(images):.4g}, the whole range of such "
            f"images in {ball.norm}; got {ball.epsilon}; give it in units of the space"
        )
    if source is not None:
        check_model(source)
        check_images(images, source, ball.space)
    key.of(len(images))
    return check_labels(labels, images)
