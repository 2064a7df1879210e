"""Clients that come, go and are cut off inside the window: the ledger holds for them as well."""

from collections.abc import Callable

import pytest

from tests.race.running import Race
from wirerace.clock import NS_PER_SECOND
from wirerace.observe.account import Subscription
from wirerace.record.result import Raw

pytestmark = pytest.mark.processes

STEPS = "clients.steps.stages=[{clients = 5, seconds = 1}, {clients = 20, seconds = 2}, {clients = 8, seconds = 1}]"


def grace_ns_of(raw: Raw) -> float:
    """Return the grace period of a client that leaves: the interval, a second, and all waiting."""
    assert raw.measured.server is not None
    before, after = (sample.waited_seconds or 0.0 for sample in raw.measured.server)
    waited = sum(process.waited_seconds or 0.0 for process in raw.account.processes)
    return NS_PER_SECOND * (0.2 + 1 + after - before + waited)


def due_to(subscription: Subscription, made: dict[int, int], grace_ns: float) -> int:
    """Return how many of the updates a client is expected to get, as docs/measuring.md says."""
    first, last, left_ns = subscription.first, subscription.last, subscription.left_ns
    after = {seq: ts for seq, ts in made.items() if seq > first.seq}
    if last is None or left_ns is None:
        return len(after)
    return sum(seq <= last.seq or ts < left_ns - grace_ns for seq, ts in after.items())


def expected_of(raw: Raw) -> int:
    """Return how many deliveries all clients together are expected to get."""
    (epoch,) = raw.truth.epochs
    made = {seq: ts for seq, ts in zip(epoch.seq, epoch.ts, strict=True) if raw.window.has(ts)}
    return raw.account.subscribed * len(made) + sum(due_to(part, made, grace_ns_of(raw)) for part in raw.account.partly)


def test_clients_that_come_and_go_are_expected_to_get_what_was_made_meanwhile(race: Callable[..., Race]) -> None:
    keys = ("clients.shape=steps", STEPS, "window.measure_seconds=4", "load.processes=2", 'transports=["polling"]')
    started = race(*(part for key in keys for part in ("--set", key)))
    assert started.wait() == 0, started.said
    trial, raw = started.trial("polling"), started.raw("polling")
    assert (1.0, 0, 0) == (trial.reach, trial.duplicated, trial.reordered)
    assert expected_of(raw) == trial.expected > 5 * trial.updates
    assert raw.account.subscribed <= 5, "Locust stops whom it likes"
    assert 20 == raw.account.subscribed + len(raw.account.partly) == raw.account.clients
    assert 5 * 4.0 < trial.client_seconds < 20 * 4.0
    assert 20 == trial.clients


@pytest.mark.faults
def test_nothing_is_lost_across_a_storm(race: Callable[..., Race]) -> None:
    started = race("--set", 'faults=[{kind = "cut", on = "clients", at_seconds = 1}]')
    assert started.wait() == 0, started.said
    for trial in started.result["trials"]:
        back = trial["return_seconds"]
        assert (trial["reach"], trial["lost"], trial["duplicated"], trial["reordered"]) == (1.0, 0, 0, 0)
        assert (20, 20, 40) == (trial["cuts"], back["count"], trial["connects"])
        assert 0 < back["mean"] <= back["p99"] <= back["max"] * 1.001
        assert 20 == started.raw(trial["transport"]).account.subscribed, "who is cut off stays subscribed"


@pytest.mark.faults
def test_storm_with_jitter_spreads_the_returns(race: Callable[..., Race]) -> None:
    cut = 'faults=[{kind = "cut", on = "clients", at_seconds = 0.5, jitter_seconds = 1}]'
    keys = (cut, 'transports=["websocket"]')
    started = race(*(part for key in keys for part in ("--set", key)))
    assert started.wait() == 0, started.said
    trial = started.trial("websocket")
    back = trial.return_seconds
    assert (1.0, 20, 20) == (trial.reach, trial.cuts, back.count)
    assert back.mean is not None
    assert back.max is not None
    assert 0.25 < back.mean < back.max - 0.25, "on a busy machine all are later, and as far from each other"


def test_contestants_race_beside_the_shorthand(race: Callable[..., Race]) -> None:
    closed = 'contestants=[{id = "polling-closed", transport = "polling", options = {keep_alive = false}}]'
    keys = (closed, 'transports=["polling"]', "window.measure_seconds=1")
    started = race(*(part for key in keys for part in ("--set", key)))
    assert started.wait() == 0, started.said
    by_id = {trial["contestant"]: trial for trial in started.result["trials"]}
    assert 20 == by_id["polling"]["connects"] < by_id["polling-closed"]["connects"]
    assert {"1-polling.json", "1-polling-closed.json"} <= {path.name for path in (started.out / "raw").iterdir()}
    assert "Polling (closed)" in started.stderr
