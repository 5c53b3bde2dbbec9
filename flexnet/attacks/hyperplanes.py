"""The nearest point of a hyperplane within a box: each step of the boundary attack, in closed form."""

import numpy as np
import torch
from torch import Tensor

TINY = 1e-12
LOW = (1 << 32) - 1  # the lower half of a key


def to_hyperplane(weight: Tensor, gap: Tensor, down: Tensor, up: Tensor, norm: str) -> Tensor:
    """The smallest delta with <weight, delta> = gap and down <= delta <= up (Croce and Hein 2020, eq. (4)).

    In both norms each |delta_i| is the smaller of its room and of t u_i, with u = 1 in "linf" and |weight| in
    "l2", and the reached sum rises with t, piece by piece linear. Sorting the values of t at which a
    coordinate runs out of room gives the piece, and so t. If the box holds no such point, it is the corner
    that comes nearest.

    Args:
        weight: normal of the hyperplane, (n, d).
        gap: what is to be reached, (n,), of either sign.
        down: lower ends of the box, (n, d), at most 0.
        up: upper ends, (n, d), at least 0.
        norm: "linf" or "l2".

    Returns:
        delta, (n, d).
    """
    weight = weight * gap.sign()[:, None]
    slope, need = weight.abs(), gap.abs()
    room = torch.where(weight > 0, up, -down)
    pace = torch.ones_like(slope) if norm == "linf" else slope
    # Without weight a coordinate does not help: it never moves and never runs out of room.
    full = torch.where(slope > 0, room / pace.clamp_min(TINY), torch.inf)
    times, order = in_order(full)
    rate = (slope * pace).gather(1, order)
    gained = (slope * room).gather(1, order).where(times.isfinite(), 0.0)
    # Once the first k have run out: their gains, and the rate of the others.
    spent = torch.nn.functional.pad(gained.cumsum(1), (1, 0))
    left = torch.nn.functional.pad(rate.flip(1).cumsum(1).flip(1), (0, 1))
    reached = spent[:, :-1] + times.where(times.isfinite(), 0.0) * left[:, :-1]
    short = (reached < need[:, None]) & times.isfinite()
    piece = short.sum(1, keepdim=True).clamp_max(slope.shape[1])
    rest = need[:, None] - spent.gather(1, piece)
    rate_left = left.gather(1, piece)
    time = torch.where(rate_left > TINY * left[:, :1], rest / rate_left.clamp_min(1e-30), torch.inf)
    moved = torch.minimum(torch.where(slope > 0, time * pace, 0.0), room)
    return moved * weight.sign()


def in_order(times: Tensor) -> tuple[Tensor, Tensor]:
    """Sort rows of values (n, d), infinite ones too; of equal values the first stays first.

    As `times.sort(dim=1, stable=True)`, which on a processor takes some eight times as long: NumPy sorts
    whole numbers there, whose upper half is the value, whose bits rise with it if none is negative, and whose
    lower is its place.
    """
    if times.dtype != torch.float32 or not times.is_cpu or bool((times < 0).any()):
        found = times.sort(dim=1, stable=True)
        return found.values, found.indices
    values = (times + 0.0).contiguous().numpy()  # -0.0 becomes 0.0, whose bits are 0
    keys = values.view(np.uint32).astype(np.uint64)
    keys <<= np.uint64(32)
    keys |= np.arange(values.shape[1], dtype=np.uint64)
    keys.sort(axis=1)
    order = torch.from_numpy((keys & np.uint64(LOW)).view(np.int64))
    keys >>= np.uint64(32)
    return torch.from_numpy(keys.astype(np.uint32).view(np.float32)), order
