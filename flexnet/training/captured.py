"""A training step as one CUDA graph: launched kernel by kernel, steps of small networks leave a GPU idle.

A graph repeats what one step did: whatever a step decides outside the GPU is decided once. Nothing of torch
and of this package decides anything there. Networks with other modules, with hooks, with a function that was
put in place of a module's own, or with means over all batches so far, are trained kernel by kernel.
"""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.fx import GraphModule

from flexnet.training.optimiser import SGD

Step: TypeAlias = Callable[[Tensor, Tensor], Tensor]

FIRST = 3  # steps taken kernel by kernel: they make what all later ones find, such as momenta and workspaces
KNOWN = ("torch", "flexnet")
LARGEST = 1 << 21  # numbers in a batch: larger ones keep a GPU busy, and a graph would keep their memory


def capturable(model: nn.Module, device: torch.device) -> bool:
    """Whether steps of a model on a device may be recorded: on a GPU, with known code alone."""
    return (
        device.type == "cuda"
        and all(map(_known, model.modules()))
        and not any(map(_hooked, model.parameters()))
    )


def _hooked(parameter: nn.Parameter) -> bool:
    return bool(parameter._backward_hooks or parameter._post_accumulate_grad_hooks)


def _known(module: nn.Module) -> bool:
    """Whether a module does what its class says, and that is known and decides nothing by what it counts."""
    hooks = (getattr(module, name) for name in vars(module) if name.endswith("_hooks"))
    ours = type(module).__module__.split(".")[0] in KNOWN and not isinstance(module, GraphModule)
    replaced = any(callable(getattr(type(module), name, None)) for name in vars(module))
    counts = getattr(module, "momentum", 0.0) is None  # of batches, by which running means are taken
    return ours and not replaced and not counts and not any(hooks)


class CapturedStep:
    """A step that is recorded once, and replayed for each further batch of the same size.

    The learning rate is part of what is recorded: where it changed, the step is recorded anew. Batches of
    another size, as the last of an epoch may be, are taken kernel by kernel, and so are large ones.

    Args:
        step: takes images (n, ...) and labels (n,), changes the model, and gives a tensor; it reads nothing
            back from the GPU.
        optimiser: whose rate the step uses.
        batch_size: n of the batches that are replayed.
    """

    def __init__(self, step: Step, optimiser: SGD, batch_size: int) -> None:
        self.step, self.optimiser, self.batch_size = step, optimiser, batch_size
        self.taken = 0
        self.rate: float | None = None  # of the step that is recorded
        self.graph: torch.cuda.CUDAGraph | None = None
        self.images = self.labels = self.found = torch.empty(0)

    def __call__(self, images: Tensor, labels: Tensor) -> Tensor:
        """Take one step; what it gives is overwritten by the next."""
        fits = len(labels) == self.batch_size and images.numel() <= LARGEST
        if not fits or self.taken < FIRST:
            self.taken += 1
            return self.step(images, labels)
        rate = self.optimiser.param_groups[0]["lr"]
        if self.graph is None or rate != self.rate:
            self._record(images, labels)
            self.rate = rate
        self.images.copy_(images)
        self.labels.copy_(labels)
        assert self.graph is not None
        self.graph.replay()
        return self.found

    def _record(self, images: Tensor, labels: Tensor) -> None:
        """Record a step, which is not taken by that."""
        self.graph = None  # its memory may be used again
        self.images, self.labels = torch.empty_like(images), torch.empty_like(labels)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.device(images.device):  # it need not be the first
            stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
                self.found = self.step(self.images, self.labels)
        self.graph = graph
