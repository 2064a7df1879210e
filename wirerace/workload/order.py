"""An order: what an experiment asks of one load, as one value between two processes."""

from typing import Any

import msgspec


class LoadOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A contestant's clients: their transport and its options, where their server is, and the shape they come in.

    `shape` has the keys of the shape's own table; which shape it is, and how many clients there are, Locust is told in
    its own words. `seed` is that of phases and jitter. A load with an order waits for the window of its experiment
    before a shape's time begins.
    """

    transport: str
    options: dict[str, Any]
    url: str
    shape: dict[str, Any] = {}
    seed: int = 1
