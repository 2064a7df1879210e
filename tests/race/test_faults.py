"""What happens when a run is stopped, or a part of it is killed."""

import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.race.running import SMALL, Race, has_gone, wait_until
from wirerace.record.result import Raw
from wirerace.transports import TRANSPORTS

pytestmark = [pytest.mark.processes, pytest.mark.faults]

LONG = SMALL.replace("measure_seconds = 2.0", "measure_seconds = 5.0")
"""A killed part has this long to come back: starting Python alone takes seconds on a busy machine."""


def test_killed_run_leaves_no_orphan(race: Callable[..., Race]) -> None:
    started = race()
    started.wait_for("measuring")
    children = started.children()
    started.signal(signal.SIGKILL)
    started.wait()
    wait_until(lambda: not [child for child in children if not has_gone(child)])


def trials_with_a_kill(race: Callable[..., Race], service: str) -> Iterator[tuple[dict[str, Any], Raw, int]]:
    """Yield each transport's trial, its record and the exit code; side by side, a service was killed in the window."""
    races = {name: race("--set", f'transports=["{name}"]', experiment=LONG) for name in TRANSPORTS}
    waiting = dict(races)

    def kill_where_the_window_has_begun() -> bool:
        for name, started in list(waiting.items()):
            if "measuring" in started.stderr:
                started.child(f"services {service or name}").kill()
                del waiting[name]
        return not waiting or any(started.popen.poll() is not None for started in waiting.values())

    wait_until(kill_where_the_window_has_begun)
    for name, started in races.items():
        code = started.wait()
        assert 1 == len(started.result["trials"]), started.stderr
        yield started.result["trials"][0], started.raw(name), code


def test_server_killed_and_restarted_loses_no_update(race: Callable[..., Race]) -> None:
    for trial, _, code in trials_with_a_kill(race, ""):
        assert (trial["lost"], trial["duplicated"], trial["reordered"]) == (0, 0, 0)
        assert (trial["restarts"], code) == (1, 0)
        assert trial["server"]["cpu_seconds"] is None
        assert trial["bytes"]["application_out"] is None
        assert trial["latency_seconds"]["max"] > 0.1


def test_producer_killed_and_restarted_is_a_new_epoch_fully_accounted_for(race: Callable[..., Race]) -> None:
    for trial, raw, code in trials_with_a_kill(race, "producer"):
        old, new = raw.truth.epochs
        of_old, of_new = (sum(map(raw.window.has, epoch.ts)) for epoch in (old, new))
        assert trial["updates"] == of_old + of_new
        assert of_new > 0 or new.ts[0] >= raw.window.to_ns, "or the machine had no time for it before"
        assert trial["expected"] == trial["updates"] * trial["clients"]
        assert trial["delivered"] + trial["lost"] == trial["expected"]
        assert trial["lost"] <= trial["clients"], "at most the update that was being made reached nobody"
        assert (trial["duplicated"], trial["reordered"]) == (0, 0)
        assert code == (1 if trial["lost"] else 0)


def test_load_that_dies_fails_the_trial_with_its_last_words(race: Callable[..., Race]) -> None:
    started = race("--set", 'transports=["websocket"]', "--set", "repeats=2", "--set", "window.measure_seconds=1")
    started.wait_for("[1/2] WebSocket: measuring")
    started.child("locust").kill()
    assert started.wait() == 1
    assert len(started.result["trials"]) == 1
    assert [failure["repeat"] for failure in started.result["failures"]] == [1]
    assert "wirerace: websocket, repeat 1: the load ended" in started.stderr
