"""Paths that hold updates back: how long a buffer takes to fill, how long bytes take to leave, and what is refused.

A buffer before a stream passes nothing on until it is full. So an update may wait for all that fill the buffer after
it. Priming, warm-up and drain have to allow for that.
"""

from collections.abc import Iterable
from math import sqrt

from msgspec.structs import replace

from wirerace.errors import BadInput
from wirerace.experiment.contestants import Contestant
from wirerace.experiment.model import Experiment
from wirerace.experiment.plans import Plan, schedule_of
from wirerace.workload.amounts import DEVIATIONS, mean_update_bytes
from wirerace.workload.schedule import Schedule

MOST_FILLING_SECONDS = 300.0
"""The longest that a buffer may take to fill: a trial waits for it twice."""
FILLING_PER_SECOND = 100.0
"""Updates a second that are made while clients come to a path that holds back, so that they need not wait long."""
FILLING_DELIVERIES = 5_000.0
"""The most deliveries a second of these. A trial that has more keeps them."""


def filling_seconds(contestant: Contestant, schedule: Schedule) -> float:
    """Return how long the updates of a channel take to fill the buffer of a client, on average; 0 without a buffer."""
    held = contestant.path.held_back_bytes(contestant.transport)
    return held / (schedule.rate_per_second * mean_update_bytes(schedule)) if held else 0.0


def holding_seconds(contestant: Contestant, schedule: Schedule) -> float:
    """Return the longest that an update may be held back: by a buffer, and by what leaves before it."""
    held = contestant.path.held_back_bytes(contestant.transport)
    seconds = sending_seconds(contestant, schedule)
    if held:
        updates = held / mean_update_bytes(schedule) + 1
        seconds += (updates + DEVIATIONS * (1 + sqrt(updates))) / schedule.rate_per_second
        if schedule.arrivals == "bursty":
            seconds += schedule.on_seconds + schedule.off_seconds
    return seconds


def holding_of(plan: Plan) -> float:
    """Return the longest that an update of a trial may be held back. A trace is read only if it matters."""
    path = plan.path
    if not (path.bandwidth_bits_per_second or path.held_back_bytes(plan.transport)):
        return 0.0
    return holding_seconds(plan.contestant, schedule_of(plan.experiment, plan.seed, 0))


def sending_seconds(contestant: Contestant, schedule: Schedule) -> float:
    """Return the longest that an update may take to leave at the bandwidth, with all that was there before it."""
    load, bits = link_load(contestant, schedule), contestant.path.bandwidth_bits_per_second
    if not bits:
        return 0.0
    pause = contestant.options.period_seconds or contestant.options.pause_seconds
    together = mean_update_bytes(schedule) * (1 + pause * schedule.rate_per_second)
    return 8 * together / bits * (1 + DEVIATIONS / max(1 - load, 0.01))


def link_load(contestant: Contestant, schedule: Schedule) -> float:
    """Return the part of the time in which updates leave over the link of a client; 0 if their size is not known."""
    bits = 0.0 if contestant.path.compression != "off" else contestant.path.bandwidth_bits_per_second
    return 8 * schedule.rate_per_second * mean_update_bytes(schedule) / bits if bits else 0.0


def filling_schedule(plan: Plan) -> Schedule:
    """Return the schedule by which updates are made while clients come to a path that holds back.

    It is that of the trial, but faster if it is slow. So the head of each client's answer comes soon.
    """
    schedule, bits = schedule_of(plan.experiment, plan.seed, None), plan.path.bandwidth_bits_per_second
    fastest = min(FILLING_PER_SECOND, FILLING_DELIVERIES / plan.experiment.clients.most / schedule.channels)
    if bits:
        fastest = min(fastest, bits / 8 / mean_update_bytes(schedule) / 2)
    return replace(schedule, rate_per_second=max(schedule.rate_per_second, fastest))


def check_holding(experiment: Experiment, schedule: Schedule, contestants: Iterable[Contestant]) -> None:
    """Raise BadInput, naming the key and the cure, when updates cannot pass, or when buffers take too long to fill."""
    for contestant in contestants:
        if (load := link_load(contestant, schedule)) >= 1:
            size, bits = mean_update_bytes(schedule), contestant.path.bandwidth_bits_per_second
            raise BadInput(
                f"bandwidth_bits_per_second: {schedule.rate_per_second:g} updates a second of some {size:,.0f} bytes "
                f"are {load * bits:,.0f} bit/s, and the path of {contestant.id} carries {bits:,.0f}: raise it, or "
                f"lower producer.rate_per_second or producer.payload_bytes"
            )
        _check_filling(experiment, schedule, contestant)


def _check_filling(experiment: Experiment, schedule: Schedule, contestant: Contestant) -> None:
    seconds, window = filling_seconds(contestant, schedule), experiment.window
    if not seconds:
        return
    if getattr(contestant.options, "deflate", "off") != "off":
        raise BadInput(
            f"{contestant.id}.deflate: how soon compressed updates fill the buffer of its path is not known: leave one "
            "of them out"
        )
    key = "buffer_bytes" if contestant.path.buffer_bytes else f'proxy = "{contestant.path.proxy}"'
    what = (
        f"{key}: {schedule.rate_per_second:g} updates a second of some {mean_update_bytes(schedule):,.0f} "
        f"bytes fill the buffer of {contestant.id} in {_spelled(seconds)}"
    )
    if seconds > MOST_FILLING_SECONDS:
        cure = "lower it" if contestant.path.buffer_bytes else 'take settings = "tuned"'
        raise BadInput(f"{what}, and a trial waits {MOST_FILLING_SECONDS:g} s at most: {cure}")
    if window.warmup_seconds < seconds:
        raise BadInput(f"{what}: window.warmup_seconds must be at least that, got {window.warmup_seconds:g}")
    if experiment.clients.browsers:
        raise BadInput(f"{what}, and a browser's tab waits for the first byte: leave clients.browsers out")


def _spelled(seconds: float) -> str:
    """Return a time for people."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:,.0f} minutes" if seconds < 7200 else f"{seconds / 3600:,.1f} hours"
