"""Tolerances: how far measured quantities may be from their predictions."""

from typing import NamedTuple

from wirerace.record.trial import Quantity


class Tolerance(NamedTuple):
    """How far a measurement may be from the prediction given the schedule: a fraction of it plus an absolute amount."""

    relative: float
    absolute: float


TOLERANCES: dict[Quantity, Tolerance] = {
    # The time of a poll besides its waiting may be off by a millisecond on a machine with two cores.
    "latency_seconds": Tolerance(0.02, 0.001),
    "age_seconds": Tolerance(0.02, 0.001),
    "empty_fraction": Tolerance(0.0, 0.005),
    "updates_per_response": Tolerance(0.02, 0.0),
    "responses_per_client_second": Tolerance(0.03, 0.0),
    # One request more or less in a short window; two that come while the first is under way may both be let through.
    "server_requests_per_second": Tolerance(0.05, 0.3),
    # A visit ends with the closing of its connection, which takes a WebSocket a round trip.
    "first_age_seconds": Tolerance(0.05, 0.002),
    "visit_seconds": Tolerance(0.02, 0.003),
    "requests_per_visit": Tolerance(0.03, 0.02),
    # Waking up the server, and the client for the answer, take some tenths of a millisecond each.
    "message_latency_seconds": Tolerance(0.05, 0.002),
    "acknowledgement_seconds": Tolerance(0.05, 0.003),
    "relayed_latency_seconds": Tolerance(0.05, 0.003),
    # A timeout and an update may come at nearly the same time; a client's pause is drawn.
    "breaks_per_client_second": Tolerance(0.05, 0.01),
    "return_seconds": Tolerance(0.05, 0.01),
}

FAN_OUT_LATENCY = Tolerance(0.25, 0.0002)
"""Latency of a fan-out. Theory assumes that sends take equal times, and that all of the server's CPU time is sending.
Measured latencies were within 13 % with 50 to 500 clients, plus some tenths of a millisecond for waking up."""

FAR: dict[Quantity, Tolerance] = {
    "latency_seconds": Tolerance(1.0, 0.03),
    "age_seconds": Tolerance(0.5, 0.05),
    "empty_fraction": Tolerance(0.0, 0.2),
    "updates_per_response": Tolerance(0.5, 0.1),
    "responses_per_client_second": Tolerance(0.25, 0.0),
    "server_requests_per_second": Tolerance(0.5, 1.0),
    "first_age_seconds": Tolerance(1.0, 0.05),
    "visit_seconds": Tolerance(0.5, 0.1),
    "requests_per_visit": Tolerance(0.25, 0.1),
    "message_latency_seconds": Tolerance(1.0, 0.05),
    "acknowledgement_seconds": Tolerance(1.0, 0.05),
    "relayed_latency_seconds": Tolerance(1.0, 0.05),
    "breaks_per_client_second": Tolerance(0.5, 0.05),
    "return_seconds": Tolerance(1.0, 0.1),
}
"""A larger deviation is not a matter of tolerances: something stood still, or another setting was measured.

No run in which the parts had cores has shown twice the latency plus 30 ms. A load that stops for one second of ten adds
50 ms to the mean latency of push.
"""
