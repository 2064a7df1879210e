"""Paths that hold back: how long, and how the buffers of clients are filled before a trial."""

import pytest
from msgspec.structs import replace

from tests.wirerace.trials import plan_of
from wirerace.experiment.holding import (
    filling_schedule,
    filling_seconds,
    holding_of,
    holding_seconds,
    link_load,
)
from wirerace.experiment.model import Clients, Experiment
from wirerace.experiment.paths import NetworkPath
from wirerace.experiment.plans import Plan, schedule_of
from wirerace.transports.sse import TRANSPORT as SSE
from wirerace.transports.websocket import TRANSPORT as WEBSOCKET
from wirerace.workload.schedule import Source

UPDATE_BYTES = 200
"""A payload of 100 bytes, and what is around it."""


def plan_over(
    path: NetworkPath, transport: str = "sse", rate: float = 5.0, count: int = 100, spawn: float = 50.0
) -> Plan:
    clients = Clients(count=count, spawn_per_second=spawn)
    plan = plan_of(
        transport, experiment=Experiment("t", [transport], producer=Source(rate_per_second=rate), clients=clients)
    )
    return plan._replace(contestant=replace(plan.contestant, path=path))


def test_a_buffer_holds_back_pushed_updates_only() -> None:
    path = NetworkPath(buffer_bytes=4000)
    pushed, asked = plan_over(path), plan_over(path, "polling")
    schedule = schedule_of(pushed.experiment, 1, 0)

    assert pytest.approx(4000 / UPDATE_BYTES / 5) == filling_seconds(pushed.contestant, schedule)
    assert (
        holding_of(pushed)
        == holding_seconds(pushed.contestant, schedule)
        > 2 * filling_seconds(pushed.contestant, schedule)
    )
    assert 0.0 == filling_seconds(asked.contestant, schedule) == holding_of(asked)


def test_a_bandwidth_holds_back_for_the_time_of_what_is_sent_together() -> None:
    plan = plan_over(NetworkPath(bandwidth_bits_per_second=80_000), "polling", rate=25.0)

    assert 0.5 == link_load(plan.contestant, schedule_of(plan.experiment, 1, 0))
    assert holding_of(plan) > 8 * UPDATE_BYTES * 25 / 80_000


def test_clients_come_to_updates_that_are_made_faster_if_the_trial_is_slow() -> None:
    path = NetworkPath(buffer_bytes=4096)

    assert 50.0 == filling_schedule(plan_over(path, rate=5.0)).rate_per_second, "5,000 deliveries a second"
    assert 100.0 == filling_schedule(plan_over(path, count=2)).rate_per_second
    assert 200.0 == filling_schedule(plan_over(path, rate=200.0)).rate_per_second


def test_filling_keeps_to_what_the_link_can_do() -> None:
    narrow = plan_over(NetworkPath(bandwidth_bits_per_second=32_000, buffer_bytes=100_000), count=10)

    assert 10.0 == filling_schedule(narrow).rate_per_second, "half of the bandwidth"


@pytest.mark.parametrize(
    ("path", "held"),
    [
        (NetworkPath(proxy="nginx"), (4096, 0.0)),
        (NetworkPath(proxy="nginx", tls=True), (16_384, 0.0)),
        (NetworkPath(proxy="nginx", tls=True, http=2), (4096, 0.0)),
        (NetworkPath(proxy="nginx", settings="tuned", tls=True), (0, 0.0)),
        (NetworkPath(proxy="haproxy"), (0, 0.2)),
        (NetworkPath(proxy="haproxy", tls=True), (0, 0.0)),
        (NetworkPath(proxy="haproxy", http=2), (0, 0.0)),
    ],
)
def test_what_proxies_hold_back_depends_on_what_they_speak_to_clients(
    path: NetworkPath, held: tuple[int, float]
) -> None:
    """As measured: docs/paths.md."""
    assert held == (path.held_back_bytes(SSE), path.held_back_seconds(SSE))
    assert (0, 0.0) == (path.held_back_bytes(WEBSOCKET), path.held_back_seconds(WEBSOCKET))
