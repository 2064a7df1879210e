"""From a need to an answer: processes, latency, age, cores, memory, bandwidth and money for each transport."""

import math
from typing import NamedTuple

import msgspec

from wirerace.analysis.cost_model.model import CostModel
from wirerace.analysis.cost_model.predict import MOST_BUSY, Operated, Predicted, most_load, predicted, send_seconds
from wirerace.analysis.cost_model.terms import way_of
from wirerace.theory.conditions import CONDITIONS
from wirerace.transports import TRANSPORTS
from wirerace.transports.transport import Way

MOST_PROCESSES = 1_000_000
HOLD_SECONDS = 25.0
LEAST_INTERVAL_SECONDS = 0.01
MOST_INTERVAL_SECONDS = 3600.0
HOURS_PER_MONTH = 730.0
GIB = 2.0**30
SIMPLEST_WAY_FIRST: tuple[Way, ...] = ("polled", "pushed", "held")
SIMPLEST_FIRST = tuple(
    sorted(TRANSPORTS, key=lambda name: (TRANSPORTS[name].two_way, SIMPLEST_WAY_FIRST.index(TRANSPORTS[name].way)))
)
"""The order in which the answer prefers transports whose money cannot be told apart. What is not HTTP is last."""
ALIKE_FRACTION = 0.2
ALIKE_MONEY = 1.0
"""What costs at most a fifth, or one unit of money a month, more than the cheapest counts as equally cheap."""


class Need(msgspec.Struct, frozen=True):
    """What is asked for. Each update goes to every client, and reaches it `fresh_within_seconds` later at most."""

    clients: float
    updates_per_second: float
    fresh_within_seconds: float
    payload_bytes: float = 100.0
    round_trip_seconds: float = 0.0


class Prices(msgspec.Struct, frozen=True):
    """Prices in any one currency: for a core and a GiB of memory, each an hour, and for 10⁹ bytes to the clients."""

    core_hour: float = 0.04
    gib_hour: float = 0.005
    gb: float = 0.05


class HostSize(msgspec.Struct, frozen=True):
    """The cores and the memory of a host for servers."""

    cores: float = 4.0
    gib: float = 16.0


class Sized(NamedTuple):
    """A number, and the least and the most that the model's error in half of its trials lets one expect."""

    number: int
    least: int
    most: int


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """The prediction for a transport.

    Where it cannot meet the need, `why_not` says so, and the figures are those of the nearest that it can do.

    `beyond` names what lies outside of the measured range. `broken` are conditions of theory that do not hold: latency
    and age are then lower bounds.
    """

    transport: str
    why_not: str = ""
    interval_seconds: float | None = None
    processes: int
    latency_seconds: float
    latest_seconds: float
    age_seconds: float
    cores: float
    memory_bytes: float
    mbit_in_per_second: float
    mbit_out_per_second: float
    requests_per_second: float
    money_per_month: float
    beyond: list[str] = []
    broken: list[str] = []

    @property
    def meets(self) -> bool:
        """Whether it meets the need."""
        return not self.why_not


class Advice(NamedTuple):
    """The answer: the transport to take, the cheapest, and all estimates. Both are None when none meets the need."""

    take: Estimate | None
    cheapest: Estimate | None
    estimates: list[Estimate]


def advised(model: CostModel, need: Need, prices: Prices) -> Advice:
    """Return the answer for a need: the simplest transport among those that cost as little as the cheapest."""
    estimates = [estimate(model, name, need, prices) for name in model.transports]
    good = [one for one in estimates if one.meets]
    if not good:
        return Advice(None, None, estimates)
    cheapest = min(good, key=lambda one: one.money_per_month)
    alike = [one for one in good if is_alike(one, cheapest)]
    return Advice(min(alike, key=lambda one: SIMPLEST_FIRST.index(one.transport)), cheapest, estimates)


def is_alike(one: Estimate, cheapest: Estimate) -> bool:
    """Return whether a transport's money cannot be told from that of the cheapest, or is not worth a thought."""
    more = one.money_per_month - cheapest.money_per_month
    return more <= max(ALIKE_FRACTION * cheapest.money_per_month, ALIKE_MONEY)


def estimate(model: CostModel, transport: str, need: Need, prices: Prices) -> Estimate:
    """Return what a transport takes to meet a need, with as many processes as that takes."""
    operated = operated_for(model, transport, need)
    processes = processes_for(model, operated, need)
    one = predicted(model, _shared(operated, processes or 1))
    count = processes or 1
    value = model.coefficients[transport]
    each = value["user_memory"].value + value["slab_memory"].value + value["socket_memory"].value
    memory = count * value["base_memory"].value + need.clients * each
    late = need.fresh_within_seconds - (one.latest - _fan_out_seconds(model, operated, count))
    at_once = _fan_out_seconds(model, operated, 1) / late if late > 0 else 0.0
    cores = max(count * one.cpu / MOST_BUSY, at_once)
    gb = count * one.ip_out * 3600 / 1e9
    return Estimate(
        transport=transport,
        why_not=_why_not(processes, one, need),
        interval_seconds=operated.interval_seconds or None,
        processes=count,
        latency_seconds=one.latency,
        latest_seconds=one.latest,
        age_seconds=one.age,
        cores=cores,
        memory_bytes=memory,
        mbit_in_per_second=count * one.ip_in * 8 / 1e6,
        mbit_out_per_second=count * one.ip_out * 8 / 1e6,
        requests_per_second=count * one.requests,
        money_per_month=HOURS_PER_MONTH * (cores * prices.core_hour + memory / GIB * prices.gib_hour + gb * prices.gb),
        beyond=_beyond(model, _shared(operated, count), one),
        broken=[
            CONDITIONS[condition.name].broken(condition.value)
            for condition in one.conditions
            if condition.name in {"server_load", "poll_load"} and condition.value > most_load(transport)
        ],
    )


def servers_of(one: Estimate, model: CostModel) -> Sized:
    """Return how many server processes, replicas of each other, a transport takes: each uses one core at most."""
    return _sized(one.processes, _error(model, one.transport))


def hosts_of(one: Estimate, model: CostModel, host: HostSize) -> Sized:
    """Return how many hosts its servers take, by cores or by memory, whichever takes more."""
    error, by_memory = _error(model, one.transport), one.memory_bytes / GIB / host.gib
    least, number, most = (
        max(1, math.ceil(max(one.cores * part / host.cores, by_memory) - 1e-9))
        for part in (1 / (1 + error), 1.0, 1 + error)
    )
    return Sized(number, least, most)


def _sized(number: int, error: float) -> Sized:
    return Sized(number, max(1, math.ceil(number / (1 + error))), math.ceil(number * (1 + error) - 1e-9))


def _error(model: CostModel, transport: str) -> float:
    """Return the error of the CPU time in half of the trials, as a part of it."""
    return model.residuals[transport]["cpu"].median


def operated_for(model: CostModel, transport: str, need: Need) -> Operated:
    """Return all clients as if at one process: polling at the longest interval that is fresh enough."""
    interval = 0.0
    way = way_of(transport)
    if way == "polled":
        delay = model.value(transport, "delay") + need.round_trip_seconds / 2
        interval = min(MOST_INTERVAL_SECONDS, max(LEAST_INTERVAL_SECONDS, need.fresh_within_seconds - delay))
    hold = HOLD_SECONDS if way == "held" else 0.0
    return Operated(
        transport,
        need.clients,
        need.updates_per_second,
        need.payload_bytes,
        interval,
        hold,
        need.round_trip_seconds,
    )


def _shared(operated: Operated, processes: int) -> Operated:
    return operated._replace(clients=operated.clients / processes)


def processes_for(model: CostModel, operated: Operated, need: Need) -> int | None:
    """Return the least number of processes that are not too busy and fresh enough; None when no number is."""

    def is_enough(processes: int) -> bool:
        one = predicted(model, _shared(operated, processes))
        return one.cpu <= MOST_BUSY and one.latest <= need.fresh_within_seconds * (1 + 1e-9)

    most = 1
    while not is_enough(most):
        if most >= MOST_PROCESSES:
            return None
        most *= 2
    least = most // 2 + 1
    while least < most:
        middle = (least + most) // 2
        if is_enough(middle):
            most = middle
        else:
            least = middle + 1
    return most


def _fan_out_seconds(model: CostModel, operated: Operated, processes: int) -> float:
    """Return how long one fan-out takes in each of some processes."""
    return max(0.0, operated.clients / processes - 1) * send_seconds(model, operated)


def _plain(value: float) -> str:
    """Return a number with three digits, and thousands apart."""
    return f"{float(f'{value:.3g}'):,g}"


def _why_not(processes: int | None, one: Predicted, need: Need) -> str:
    if processes is not None:
        return ""
    if one.latest > need.fresh_within_seconds:
        return "too late"
    return "too much work for a process, however few its clients"


def _beyond(model: CostModel, operated: Operated, one: Predicted) -> list[str]:
    """Return what lies outside of the range that was measured, with the range."""
    values = {
        "clients": ("clients a process", operated.clients),
        "updates_per_second": ("updates a second", operated.updates_per_second),
        "payload_bytes": ("bytes of payload", operated.payload_bytes),
        "interval_seconds": ("seconds between polls", operated.interval_seconds),
        "requests_per_second": ("requests a second and process", one.requests),
        "deliveries_per_second": ("deliveries a second and process", one.deliveries),
    }
    return [
        f"{_plain(values[name][1])} {values[name][0]} (measured: {_plain(span.least)} to {_plain(span.most)})"
        for name, span in model.measured[operated.transport].items()
        if name in values and not span.has(values[name][1])
    ]
