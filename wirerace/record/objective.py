"""An objective in result.json: whether a contestant met it at a setting."""

import msgspec


class ObjectiveRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One objective of the experiment, for a contestant at a point: PASS if `passed`, else FAIL and the `reason`.

    `value` is the figure over the repeats that count, in its `unit`; None when it is not known, and that is a FAIL.
    """

    objective: str
    contestant: str
    point: int
    passed: bool
    value: float | None
    unit: str | None = None
    reason: str = ""
