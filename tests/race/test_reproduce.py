"""A delay and a stall in a run, and a reproduction at reduced scale: real processes, real sockets."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.race.running import Race
from wirerace.cli.reproduce import reproduce
from wirerace.experiment.model import Clients, Experiment, WindowOptions
from wirerace.record.reading import read_result
from wirerace.reproductions.check import Check, Found, Outcomes, Reproduction, between
from wirerace.workload.schedule import Source

pytestmark = pytest.mark.processes

STALL = 'faults=[{kind = "stall", on = "server", at_seconds = 0.5, lasts_seconds = 0.8}]'


def test_delay_is_in_every_latency_and_a_stall_in_that_of_what_was_made_meanwhile(race: Callable[..., Race]) -> None:
    keys = ('transports=["longpolling"]', "path=far", "paths.far.delay_seconds=0.1", STALL)
    started = race(*(part for key in keys for part in ("--set", key)))
    assert started.wait() == 0, started.said
    (trial,) = started.result["trials"]
    raw = started.raw("longpolling")
    assert raw.account.updates
    assert all(spread.least_ns > 100_000_000 for spread in raw.account.spread_of.values())
    assert 0.2 < trial["repoll_seconds"]["mean"] < 0.4, "the client's gap and the path's round trip"
    assert 0.7 < trial["latency_seconds"]["max"]
    assert (1.0, 0, []) == (trial["reach"], trial["restarts"], trial["theory"])


def test_reproduction_saves_and_prints_each_check(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def checks(outcomes: Outcomes) -> list[Check]:
        mean = Found("mean latency", "seconds", outcomes["websocket"].trial.latency_seconds.mean)
        return [between(mean, "soon", (0, 1), "a second"), between(mean, "at once", (0, 0), "nothing")]

    experiment = Experiment(
        title="Small",
        transports=["websocket"],
        producer=Source(rate_per_second=50),
        clients=Clients(count=3),
        window=WindowOptions(warmup_seconds=0.1, measure_seconds=0.5),
    )
    small = Reproduction("small", "updates come soon", "Somebody, 2010", "3 clients", "In words.", experiment, checks)
    assert 1 == reproduce(small, tmp_path / "out", allow_invalid=True)

    record = json.loads((tmp_path / "out" / "reproduction.json").read_text())
    assert (False, "small") == (record["passed"], record["name"])
    assert [(1, True), (0, False)] == [(check["high"], check["passed"]) for check in record["checks"]]
    assert record["checks"][0]["measured"] == read_result(tmp_path / "out").trials[0].latency_seconds.mean
    printed = capfd.readouterr().out
    for part in ("Somebody, 2010", "In words.", "small: FAIL: 1 of the checks"):
        assert part in printed


def test_sweep_of_a_reproduction_has_an_outcome_for_each_setting(tmp_path: Path) -> None:
    clients: dict[str, int] = {}

    def checks(outcomes: Outcomes) -> list[Check]:
        clients.update({name: outcome.raw.account.subscribed for name, outcome in outcomes.items()})
        return []

    experiment = Experiment(
        title="Small",
        transports=["websocket"],
        producer=Source(rate_per_second=50),
        window=WindowOptions(warmup_seconds=0.1, measure_seconds=0.5),
    )
    sweep = {"clients.count": [2, 3]}
    small = Reproduction("small", "a line", "Somebody, 2010", "2 and 3 clients", "Words.", experiment, checks, sweep)
    assert 0 == reproduce(small, tmp_path / "out", allow_invalid=True)

    assert {"websocket-at-0": 2, "websocket-at-1": 3} == clients
