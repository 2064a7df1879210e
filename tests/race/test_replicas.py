"""Replicas in real trials: each request may go to another one, and a rolling restart of all loses nothing."""

from collections.abc import Callable

import pytest

from tests.race.running import Race, is_sampled
from wirerace.errors import BadInput
from wirerace.runner.network.reverse.configuration import find_installed
from wirerace.transports import TRANSPORTS

pytestmark = pytest.mark.processes

EXPERIMENT = """
title = "Replicas"
transports = ["polling", "longpolling", "sse", "stream", "websocket"]
path = "balanced"

[producer]
rate_per_second = 20.0

[clients]
count = 8

[polling]
interval_seconds = 0.2

[servers]
replicas = 4

[window]
warmup_seconds = 0.5
measure_seconds = 5.0

[paths.balanced]
proxy = "{}"
settings = "tuned"

[[faults]]
kind = "restart"
on = "server"
at_seconds = 1.0
"""


@pytest.mark.faults
@pytest.mark.parametrize(
    ("proxy", "transports"),
    [("nginx", list(TRANSPORTS)), ("haproxy", ["longpolling", "websocket"]), ("caddy", ["polling", "sse"])],
)
def test_rolling_restart_of_all_replicas_loses_nothing(
    race: Callable[..., Race], proxy: str, transports: list[str]
) -> None:
    try:
        find_installed(proxy)  # type: ignore[arg-type]
    except BadInput as error:
        pytest.skip(str(error))
    started = race("--set", f"transports={transports}", experiment=EXPERIMENT.format(proxy))
    assert started.wait() == 0, started.said
    for name in transports:
        trial = started.trial(name)
        assert (1.0, 0, 0) == (trial.reach, trial.duplicated, trial.reordered), (name, started.said)
        assert 4 == trial.restarts, "each of them once"
        (fault,) = trial.faults
        assert (0, 0) == (fault.lost, fault.duplicated)


def test_polls_go_to_all_replicas_in_turn_and_costs_are_those_of_all(race: Callable[..., Race]) -> None:
    """nginx at its defaults takes one after the other: no two polls of a client in a row get the same one."""
    try:
        find_installed("nginx")
    except BadInput as error:
        pytest.skip(str(error))
    text = EXPERIMENT.format("nginx").replace('settings = "tuned"', "").partition("[[faults]]")[0]
    started = race("--set", 'transports=["polling"]', "--set", "servers.replicas=3", experiment=text)
    assert started.wait() == 0, started.said
    trial = started.trial("polling")

    assert (1.0, 0, 0) == (trial.reach, trial.duplicated, trial.reordered)
    if not is_sampled(trial):
        return  # the machine was too busy
    assert 3 == len(trial.server.replicas)
    busy = [one.utilisation or 0.0 for one in trial.server.replicas]
    assert min(busy) > 0
    assert trial.server.cpu_seconds is not None
    assert sum(busy) * trial.window_seconds == pytest.approx(trial.server.cpu_seconds, rel=0.2)
