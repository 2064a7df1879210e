"""Predicting messages: theory beside what was measured of them."""

from statistics import fmean

from wirerace.analysis.tolerances import TOLERANCES
from wirerace.analysis.validity.theory import is_predicted
from wirerace.clock import NS_PER_SECOND
from wirerace.experiment.plans import Plan
from wirerace.record.result import Raw
from wirerace.record.trial import Cell, Condition, MessageQuantity, Trial
from wirerace.theory.inputs import seconds_to_open
from wirerace.theory.messages import MessagePath, predict

US = 1e-6


def messages_beside(plan: Plan, raw: Raw, trial: Trial, cells: list[Cell]) -> tuple[list[Cell], list[Condition]]:
    """Return theory beside the measured messages, and its conditions; `cells` are those of deliveries."""
    messages = trial.messages
    if messages is None or not is_predicted(plan.experiment) or (path := path_of(plan, raw, trial)) is None:
        return [], []
    delivery = next((cell.given for cell in cells if cell.quantity == "latency_seconds"), None)
    given = predict(path, delivery)
    rows: list[tuple[MessageQuantity, float | None, float | None]] = [
        ("message_latency_seconds", messages.latency_seconds.mean, given.message_seconds),
        ("acknowledgement_seconds", messages.acknowledge_seconds.mean, given.acknowledge_seconds),
        ("relayed_latency_seconds", messages.relayed_seconds.mean, given.relayed_seconds),
    ]
    found = [
        _cell(quantity, measured, expected)
        for quantity, measured, expected in rows
        if measured is not None and expected is not None
    ]
    return found, list(given.conditions)


def path_of(plan: Plan, raw: Raw, trial: Trial) -> MessagePath | None:
    """Return the way of messages as it was measured, None when too little is known of it."""
    messages, upstream, traffic = trial.messages, plan.experiment.upstream, raw.account.traffic[1]
    if messages is None or not messages.acknowledged:
        return None
    if raw.path.bandwidth_bits_per_second or raw.path.held_back_bytes(plan.transport):
        return None
    trip_seconds = raw.path.round_trip_seconds
    if traffic.connections:
        trip_seconds += traffic.round_trip_us / traffic.connections * US
    is_framed = plan.transport.two_way and upstream.connection == "same"
    opening_seconds = 0.0 if is_framed else seconds_to_open(plan, raw, trial)
    answers = [
        (one.acknowledged_ns - one.left_ns) / NS_PER_SECOND
        for of_client in raw.account.messages.values()
        for one in of_client
        if one.acknowledged_ns
    ]
    return MessagePath(
        rate_per_second=upstream.rate_per_second,
        late_seconds=messages.late_seconds.mean or 0.0,
        one_way_seconds=opening_seconds + trip_seconds / 2,
        trip_seconds=opening_seconds + trip_seconds,
        answer_seconds=None if is_framed else fmean(answers),
        answer_square=fmean(seconds**2 for seconds in answers),
        relay_seconds=messages.relay_seconds if upstream.fan_out else None,
    )


def _cell(quantity: MessageQuantity, measured: float, expected: float) -> Cell:
    relative, absolute = TOLERANCES[quantity]
    tolerance = relative * expected + absolute
    return Cell(
        quantity=quantity,
        measured=measured,
        given=expected,
        closed=None,
        deviation=None,
        ratio=measured / expected if expected else None,
        tolerance=tolerance,
        within=abs(measured - expected) <= tolerance,
    )
