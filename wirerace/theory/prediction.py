"""A prediction: the means that theory expects of a trial."""

import msgspec

from wirerace.record.trial import Condition


class Prediction(msgspec.Struct, frozen=True):
    """Means that theory expects. None: does not apply, or no closed form is known.

    `updates_per_response` counts answers that hold any; a WebSocket's response is a frame. `conditions` are those under
    which the means hold, with the values that they have here.
    """

    latency_seconds: float | None = None
    age_seconds: float | None = None
    empty_fraction: float | None = None
    updates_per_response: float | None = None
    responses_per_client_second: float | None = None
    conditions: tuple[Condition, ...] = ()
