"""A capacity in result.json: how far a knob can be turned up until an objective is missed, and what gives out."""

from typing import Literal

import msgspec

GaveOut = Literal["server", "reverse proxy", "load", "producer", "machine", "none", "trial", "most"]
"""What gave out. `none`: the objective is missed with a server that is not at its limit. `trial`: trials could not be
completed. `most`: nothing did, up to the highest value that was to be tried.
"""


class CapacityRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The capacity of one contestant: the `knob` was at its limit between `low` and `high`.

    Every trial that counts met the objectives up to `low`, and missed them from `high` on; either is None if there is
    no such value. `carried` is the highest value that most trials met, `missed` the lowest one that they did not. They
    are `low` and `high` unless repeats disagree. `gave_out` is what was at its limit at `missed`, and `why` what was
    seen there. If that is not the server, the capacity is at least `low`.

    `value_carried` and `value_missed` are the first objective's `figure` there, in its `unit`, means over the trials
    that count. `cpus` is the servers' quota in cores, None without one.

    `again` is the highest value at which servers that had been driven at `missed` met the objectives again, None if
    that is not known or there is none; `tried_again` says whether any was tried. `trials` counts all trials, `void`
    those that do not count. `ended` is false if the search was interrupted.
    """

    contestant: str
    knob: str
    low: float | None
    high: float | None
    carried: float | None
    missed: float | None
    gave_out: GaveOut
    why: str
    figure: str
    value_carried: float | None
    value_missed: float | None
    unit: str
    cpus: float | None
    again: float | None
    tried_again: bool
    trials: int
    void: int
    ended: bool
