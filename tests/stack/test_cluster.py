"""`wirerace run --on kubernetes` with the real kubectl and helm, in a small cluster whose pods are real containers."""

import signal
from typing import Any

import pytest

from tests.race.running import Race
from tests.stack.clustered import ClusterRuns

pytestmark = pytest.mark.stack

TWO = 'transports=["websocket", "polling"]'


def whole(race: Race) -> list[dict[str, Any]]:
    """Return the trials of a run that has lost nothing."""
    assert race.wait() == 0, race.said
    trials: list[dict[str, Any]] = race.result["trials"]
    for trial in trials:
        assert (1.0, 0, 0, 0) == tuple(trial[name] for name in ("reach", "lost", "duplicated", "reordered"))
    return trials


def is_cost(trial: dict[str, Any], figure: float | None) -> bool:
    """Return whether a cost was measured, or the machine was too busy for that, which the verdict says."""
    late = any("sampled" in finding["what"] for finding in trial["verdict"]["findings"])
    return late if figure is None else figure > 0


def test_every_update_is_delivered_in_pods_and_nothing_is_left(runs: ClusterRuns) -> None:
    race = runs.start(TWO)
    trials = whole(race)

    assert ["polling", "websocket"] == sorted(trial["transport"] for trial in trials)
    assert "kubernetes" == race.result["ran_on"]
    for trial in trials:
        assert trial["updates"] > 0
        assert is_cost(trial, trial["server"]["cpu_seconds"])
        assert is_cost(trial, trial["load"]["cpu_seconds"])
        assert trial["server"]["user_bytes"] > 1_000_000
        assert 1 == trial["clocks"]["processes"]
        assert 0 < trial["clocks"]["error_seconds"] < 0.1, "both have the same clock; asking takes some time"
    assert [] == runs.left()


def test_path_with_nginx_and_two_replicas_carries_every_update(runs: ClusterRuns) -> None:
    path = ('transports=["websocket", "sse"]', 'path="balanced"', 'paths.balanced.proxy="nginx"')
    trials = whole(runs.start(*path, 'paths.balanced.settings="tuned"', "servers.replicas=2"))
    for trial in trials:
        assert is_cost(trial, trial["reverse_proxy"]["cpu_seconds"])
        assert trial["reverse_proxy"]["user_bytes"] > 1_000_000
        assert trial["reverse_proxy"]["version"].count(".") > 1
    assert [] == runs.left()


def test_servers_may_follow_the_broker(runs: ClusterRuns) -> None:
    (trial,) = whole(runs.start('transports=["sse"]', 'servers.feed="nats"'))
    assert is_cost(trial, trial["broker"]["utilisation"])
    assert [] == runs.left()


def test_server_and_producer_that_are_killed_lose_nothing(runs: ClusterRuns) -> None:
    faults = ", ".join(
        f'{{kind = "kill", on = "{on}", at_seconds = {at}}}' for on, at in (("server", 1), ("producer", 4))
    )
    (trial,) = whole(runs.start(f"faults=[{faults}]", 'transports=["websocket"]', "window.measure_seconds=8"))
    assert 1 == trial["restarts"]
    assert [("kill", "server"), ("kill", "producer")] == [(one["kind"], one["on"]) for one in trial["faults"]]
    assert [] == runs.left()


def test_path_of_pods_is_stalled_cut_and_killed_as_the_experiment_asks(runs: ClusterRuns) -> None:
    path = ('transports=["sse"]', 'path="far"', "paths.far.tls=true", "paths.far.delay_seconds=0.01")
    stall = '{kind = "stall", on = "proxy", at_seconds = 1, lasts_seconds = 0.7}'
    others = ('{kind = "cut", on = "proxy", at_seconds = 3}', '{kind = "kill", on = "proxy", at_seconds = 4}')
    (trial,) = whole(runs.start(*path, f"faults=[{', '.join((stall, *others))}]", "window.measure_seconds=8"))
    assert ["stall", "cut", "kill"] == [fault["kind"] for fault in trial["faults"]]
    assert 20 == trial["faults"][1]["cuts"]
    assert 0.01 < trial["latency_seconds"]["min"]
    assert [] == runs.left()


def test_broker_that_is_killed_and_a_server_that_stands_still_lose_nothing(runs: ClusterRuns) -> None:
    kill = '{kind = "kill", on = "broker", at_seconds = 1}'
    stall = '{kind = "stall", on = "server", at_seconds = 4, lasts_seconds = 0.7}'
    keys = ('transports=["longpolling"]', 'servers.feed="nats"', "load.processes=2", "window.measure_seconds=8")
    (trial,) = whole(runs.start(*keys, f"faults=[{kill}, {stall}]"))
    assert ["kill", "stall"] == [fault["kind"] for fault in trial["faults"]]
    assert 2 == trial["clocks"]["processes"]
    assert 0 < trial["parts"]["server"]["still_seconds"]
    assert [] == runs.left()


@pytest.mark.parametrize("said", ["warming up", "measuring"])
def test_run_that_is_ended_leaves_no_pods(runs: ClusterRuns, said: str) -> None:
    race = runs.start('transports=["websocket"]', "window.measure_seconds=60", "window.warmup_seconds=5")
    race.wait_for(said)
    race.signal(signal.SIGTERM)
    assert 143 == race.wait(), race.said
    assert "Traceback" not in race.stderr
    assert [] == runs.left()
