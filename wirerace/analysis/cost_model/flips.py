"""Flips: the values of clients, rate and freshness at which the answer becomes another one."""

import msgspec

from wirerace.analysis.cost_model.estimate import Need, Prices, advised
from wirerace.analysis.cost_model.model import CostModel

STEP = 10 ** (1 / 8)
"""The answer is looked at eight times a decade, from the value that is asked for; a flip within a step is found by
halving. Two flips within one step stay unseen.
"""
DECADES = 3
HALVINGS = 20
LIMITS = {
    "clients": (1.0, 1e8),
    "updates_per_second": (1e-4, 1e4),
    "fresh_within_seconds": (0.001, 3600.0),
}
"""The values that are looked at, for each quantity that may flip the answer."""


class Flip(msgspec.Struct, frozen=True):
    """From `value` of a quantity on, up or down, the answer is `take`; None if nothing meets the need there."""

    quantity: str
    direction: str
    value: float
    take: str | None


def flips_of(model: CostModel, need: Need, prices: Prices) -> list[Flip]:
    """Return the nearest flip of each quantity, in each direction, within three decades; none if there is none."""
    found = (_nearest(model, need, prices, quantity, direction) for quantity in LIMITS for direction in ("down", "up"))
    return [flip for flip in found if flip is not None]


def _nearest(model: CostModel, need: Need, prices: Prices, quantity: str, direction: str) -> Flip | None:
    start = getattr(need, quantity)
    least, most = LIMITS[quantity]
    now = _answer(model, need, prices, quantity, start)
    factor = STEP if direction == "up" else 1 / STEP
    before = start
    for index in range(1, 8 * DECADES + 1):
        value = start * factor**index
        if not least <= value <= most:
            return None
        if _answer(model, need, prices, quantity, value) != now:
            return _halved(model, need, prices, Flip(quantity, direction, value, now), before)
        before = value
    return None


def _halved(model: CostModel, need: Need, prices: Prices, flip: Flip, same: float) -> Flip:
    """Return the flip between a value with the answer as now, which `flip` has, and one with another."""
    other, now = flip.value, flip.take
    for _ in range(HALVINGS):
        middle = (same * other) ** 0.5
        if _answer(model, need, prices, flip.quantity, middle) == now:
            same = middle
        else:
            other = middle
    return Flip(flip.quantity, flip.direction, other, _answer(model, need, prices, flip.quantity, other))


def _answer(model: CostModel, need: Need, prices: Prices, quantity: str, value: float) -> str | None:
    take = advised(model, msgspec.structs.replace(need, **{quantity: value}), prices).take
    return None if take is None else take.transport
