"""Faults that an experiment asks for: each happens in the window, and the ledger holds across it."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.race.running import Race
from wirerace.clock import NS_PER_SECOND

pytestmark = [pytest.mark.processes, pytest.mark.faults]


def ran(race: Callable[..., Race], faults: str, *keys: str) -> dict[str, Any]:
    """Run one trial of a WebSocket with faults, and return it."""
    both = (f"faults=[{faults}]", 'transports=["websocket"]', "window.measure_seconds=3", *keys)
    started = race(*(part for key in both for part in ("--set", key)))
    assert started.wait() == 0, started.said
    (trial,) = started.result["trials"]
    assert (1.0, 0, 0) == (trial["reach"], trial["duplicated"], trial["reordered"])
    return dict(trial)


def reasons_of(trial: dict[str, Any], *words: str) -> list[str]:
    """Return the reasons of an invalid trial that contain these words: the machine may cause other reasons."""
    return [reason for reason in trial["verdict"]["reasons"] if any(word in reason for word in words)]


def test_server_that_is_to_be_killed_comes_back_and_nothing_is_lost(race: Callable[..., Race]) -> None:
    trial = ran(race, '{kind = "kill", on = "server", at_seconds = 0.5}')
    assert (1, 1) == (trial["restarts"], trial["parts"]["server"]["restarts"])
    assert trial["server"]["cpu_seconds"] is None, "its counters began again"
    assert 20 == trial["return_seconds"]["count"]
    assert [] == reasons_of(trial, "died", "counters", "connect")
    assert "what the server spent: it was started again, as the experiment asks" in trial["verdict"]["unchecked"]
    assert 20 == trial["faults"][0]["clients"] == trial["faults"][0]["recover_seconds"]["count"]
    assert [] == trial["theory"]


def test_producer_that_is_to_be_killed_makes_a_new_epoch_and_the_truth_is_of_both(race: Callable[..., Race]) -> None:
    trial = ran(race, '{kind = "kill", on = "producer", at_seconds = 0.5}')
    assert 1 == trial["parts"]["producer"]["restarts"]
    assert 20 * trial["updates"] == trial["expected"] == trial["delivered"]
    assert [] == reasons_of(trial, "producer")


def test_stalled_producer_makes_late_what_was_due_meanwhile(race: Callable[..., Race]) -> None:
    trial = ran(race, '{kind = "stall", on = "producer", at_seconds = 0.5, lasts_seconds = 0.6}')
    assert 0.5 < trial["producer"]["late_seconds_max"] < trial["latency_seconds"]["max"] + 0.05
    assert [] == reasons_of(trial, "producer")


def test_proxy_can_be_stalled_and_killed_one_after_the_other(race: Callable[..., Race]) -> None:
    stall = '{kind = "stall", on = "proxy", at_seconds = 0.3, lasts_seconds = 0.5}'
    kill = '{kind = "kill", on = "proxy", at_seconds = 1.5}'
    trial = ran(race, f"{kill}, {stall}", "path=far", "paths.far.delay_seconds=0.02")
    assert 1 == trial["parts"]["proxy"]["restarts"]
    assert 0.4 < trial["latency_seconds"]["max"]
    assert 20 == trial["breaks"] == trial["return_seconds"]["count"]
    assert [] == reasons_of(trial, "proxy")


def test_more_deaths_than_were_asked_for_are_a_reason(race: Callable[..., Race]) -> None:
    started = race(
        *("--set", 'faults=[{kind = "kill", on = "server", at_seconds = 0.5}]'),
        *("--set", 'transports=["websocket"]', "--set", "window.measure_seconds=4"),
    )
    started.wait_for("measuring")
    started.child("services producer").kill()
    assert started.wait() in {0, 1}, started.said
    (trial,) = started.result["trials"]
    assert reasons_of(trial, "the producer died")
    assert [] == reasons_of(trial, "the server died")


def test_restart_drop_and_full_disk_lose_nothing_on_one_timeline(race: Callable[..., Race]) -> None:
    fill = '{kind = "fill", on = "producer", at_seconds = 0.2, lasts_seconds = 1.2}'
    drop = '{kind = "drop", on = "feed", at_seconds = 1.5, lasts_seconds = 0.3}'
    restart = '{kind = "restart", on = "server", at_seconds = 2.0}'
    trial = ran(race, f"{fill}, {drop}, {restart}", "availability.age_seconds=0.5", "window.measure_seconds=5")
    assert ["fill", "drop", "restart"] == [fault["kind"] for fault in trial["faults"]]
    assert [20] * 3 == [fault["recover_seconds"]["count"] for fault in trial["faults"]]
    assert [None, 1, None] == [fault["cuts"] for fault in trial["faults"]]
    assert 0.3 < trial["faults"][1]["recover_seconds"]["max"]
    assert (1, 0) == (trial["parts"]["server"]["restarts"], trial["parts"]["producer"]["restarts"])
    assert 0 < trial["availability"]["fraction"] < 1
    assert [] == reasons_of(trial, "died", "counters", "connect")


SLOW = """
import os, signal, subprocess, sys, time

del os.environ["WIRERACE_PARENT_PID"]  # this is its parent
server = subprocess.Popen([sys.executable, "-m", "services", "sse", *sys.argv[1:]])
def end(*_):
    time.sleep(1.0)  # it goes on serving
    server.terminate()
    server.wait()
    sys.exit()
signal.signal(signal.SIGTERM, end)
server.wait()
"""


def test_restart_of_a_server_that_ends_slowly_is_over_when_it_has_ended(
    race: Callable[..., Race], tmp_path: Path
) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    command = f"{sys.executable} {tmp_path}/slow.py --port {{port}} --producer-url {{producer}}"
    server = f'{{url = "http://127.0.0.1:{{port}}/sse", command = "{command}"}}'
    keys = (
        "transports=[]",
        f'contestants=[{{id = "slow", transport = "sse", server = {server}}}]',
        'faults=[{kind = "restart", on = "server", at_seconds = 0.5}]',
        "window.measure_seconds=4",
    )
    started = race(*(part for key in keys for part in ("--set", key)))
    assert started.wait() == 0, started.said
    (trial,), (times,) = started.result["trials"], started.raw("slow").faults
    (fault,) = trial["faults"]

    assert (1.0, 1) == (trial["reach"], trial["restarts"])
    assert times.done_ns == times.after_ns >= times.from_ns + NS_PER_SECOND
    assert 20 == fault["clients"] == fault["recover_seconds"]["count"]


def test_proxy_that_cuts_is_come_back_to(race: Callable[..., Race]) -> None:
    trial = ran(race, '{kind = "cut", on = "proxy", at_seconds = 0.5}', "path=far", "paths.far.delay_seconds=0.02")
    (fault,) = trial["faults"]
    assert (20, 20) == (fault["cuts"], fault["recover_seconds"]["count"])
    assert 20 == trial["breaks"] == trial["return_seconds"]["count"]
    assert not [doubt for doubt in trial["verdict"]["doubts"] if "broke" in doubt]
