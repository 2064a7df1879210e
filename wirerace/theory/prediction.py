"""A prediction: the means that theory expects of a trial."""

import msgspec

from wirerace.record.trial import Condition


class Prediction(msgspec.Struct, frozen=True):
    """Means that theory expects; None if one does not apply, or if no closed form is known.

    `updates_per_response` counts only answers that have updates; a WebSocket's response is a frame.
    `server_requests_per_second` is for all clients, where a shared cache answers some of them. The means hold under
    `conditions`, which have their values in this trial.
    """

    latency_seconds: float | None = None
    age_seconds: float | None = None
    empty_fraction: float | None = None
    updates_per_response: float | None = None
    responses_per_client_second: float | None = None
    server_requests_per_second: float | None = None
    conditions: tuple[Condition, ...] = ()
