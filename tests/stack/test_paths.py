"""Paths on the stack: reverse proxies and links in containers, which exist for their trial only."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests.race.running import Race
from tests.stack.compose import Stack

pytestmark = pytest.mark.stack

BEGINNING = """
title = "Paths"

[producer]
rate_per_second = 20.0

[clients]
count = 10

[polling]
interval_seconds = 0.2

[window]
warmup_seconds = 0.5
measure_seconds = 2.0

"""
WAYS = {
    "websocket": 'proxy = "haproxy"\nsettings = "tuned"\ntls = true\ndelay_seconds = 0.02\n',
    "longpolling": 'proxy = "nginx"\nsettings = "tuned"\ncompression = "br"\n',
    "sse": 'proxy = "haproxy"\nsettings = "tuned"\ntls = true\nhttp = 2\nstreams_per_connection = 5\n',
    "stream": "tls = true\ndelay_seconds = 0.01\n",
    "polling": 'proxy = "caddy"\ncompression = "gzip"\ntls = true\n',
}
PASSING = {"reverse-proxy", "link"}


def experiment(ways: dict[str, str], faults: str = "") -> str:
    """Return the text of an experiment with a contestant for each transport, and a path of its own."""
    tables = (
        f'[[contestants]]\nid = "{name}"\ntransport = "{name}"\npath = "{name}"\n[paths.{name}]\n{keys}'
        for name, keys in ways.items()
    )
    return BEGINNING + "".join(tables) + faults


def left(stack: Stack) -> set[str]:
    """Return which parts of a path are there."""
    return {one["Config"]["Labels"]["com.docker.compose.service"] for one in stack.containers()} & PASSING


def trials_of(race: Race) -> dict[str, dict[str, Any]]:
    return {trial["transport"]: trial for trial in race.result["trials"]}


def test_every_path_carries_every_update_of_its_trial(run: Callable[..., Race], stack: Stack) -> None:
    race = run(experiment=experiment(WAYS))
    assert race.wait() == 0, race.stderr
    trials = trials_of(race)

    assert WAYS.keys() == trials.keys(), race.stderr
    assert {1.0} == {trial["reach"] for trial in trials.values()}
    assert {"stream"} == {name for name, trial in trials.items() if trial["reverse_proxy"] is None}
    for proxy in filter(None, (trial["reverse_proxy"] for trial in trials.values())):
        assert proxy["cpu_seconds"] > 0
        assert proxy["user_bytes"] > 100_000
        assert proxy["version"].count(".") > 1
    assert trials["websocket"]["latency_seconds"]["min"] > 0.02
    assert trials["websocket"]["proxy"]["utilisation"] > 0
    assert {"websocket": 10, "sse": 2, "stream": 10, "polling": 10} == {
        name: trial["handshakes"]["count"] for name, trial in trials.items() if trial["handshakes"]
    }
    assert set() == left(stack)


def test_path_is_killed_restarted_stalled_and_cut_as_the_experiment_asks(
    run: Callable[..., Race], stack: Stack
) -> None:
    faults = "".join(
        f'[[faults]]\nkind = "{kind}"\non = "proxy"\nat_seconds = {at}\n{keys}'
        for kind, at, keys in (
            ("cut", 0.5, ""),
            ("stall", 1.5, "lasts_seconds = 0.7\n"),
            ("kill", 3.5, ""),
            ("restart", 7.5, ""),
        )
    )
    race = run("window.measure_seconds=12", experiment=experiment({"sse": "delay_seconds = 0.01\n"}, faults))
    assert race.wait() == 0, race.stderr
    (trial,) = race.result["trials"]

    assert (1.0, 0, 0) == (trial["reach"], trial["duplicated"], trial["reordered"])
    assert 10 == trial["faults"][0]["cuts"]
    assert {"cut", "stall", "kill", "restart"} == {fault["kind"] for fault in trial["faults"]}
    assert set() == left(stack)


def test_path_that_does_not_come_up_fails_its_trial_in_one_line_and_the_next_one_begins(
    run: Callable[..., Race], stack: Stack
) -> None:
    ways = {"websocket": 'proxy = "nginx"\n', "longpolling": 'proxy = "nginx"\nsettings = "tuned"\n'}
    race = run(experiment=experiment(ways))
    assert race.wait() == 1
    assert "nginx (default) passes no WebSocket on, the handshake gets" in race.stderr
    assert {"longpolling"} == set(trials_of(race))

    with socket.create_server(("127.0.0.1", stack.ports["REVERSE_PROXY_PORT"])):
        race = run(experiment=experiment({"longpolling": ways["longpolling"]}))
        assert race.wait() == 1
    (line,) = [line for line in race.stderr.splitlines() if line.startswith("wirerace: longpolling")]
    assert "docker compose up reverse-proxy: " in line
    assert str(stack.ports["REVERSE_PROXY_PORT"]) in line
    assert set() == left(stack)
