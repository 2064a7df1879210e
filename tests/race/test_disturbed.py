"""A disturbed run is invalid: each part is stopped or killed in the window, including `wirerace` itself.

A busy machine may add reasons of its own, so only the one that names the part is looked for.
"""

import signal
import time
from collections.abc import Callable

import msgspec
import psutil
import pytest

from tests.race.running import Race, window_of
from wirerace.clock import NS_PER_SECOND, now_ns, to_ns
from wirerace.experiment.model import WindowOptions
from wirerace.record.trial import Trial
from wirerace.transports import TRANSPORTS

pytestmark = [pytest.mark.processes, pytest.mark.faults]

STOP_SECONDS = 0.5
WINDOW = WindowOptions(warmup_seconds=0.3, measure_seconds=2.5)
WORDS = {
    "the producer": "services producer",
    "the server": "services websocket",
    "the load": "locust",
    "the proxy": "network.control",
}


def start(race: Callable[..., Race], *keys: str) -> Race:
    window = (f"window.{key}={value}" for key, value in msgspec.structs.asdict(WINDOW).items())
    keys = ('transports=["websocket"]', "path=far", "paths.far.delay_seconds=0.02", *window, *keys)
    started = race(*(part for key in keys for part in ("--set", key)))
    started.wait_for("measuring")
    return started


def reasons_of(trial: Trial) -> str:
    assert trial.verdict is not None
    assert not trial.verdict.valid
    return "\n".join(trial.verdict.reasons)


def pass_until(at_ns: int) -> None:
    """Let time pass until the instant of the disturbance, which is tested."""
    time.sleep(max(0, at_ns - now_ns()) / NS_PER_SECOND)


def stop_for_a_while(process: psutil.Process, seconds: float = STOP_SECONDS) -> None:
    process.suspend()
    time.sleep(seconds)  # what is tested
    process.resume()


@pytest.mark.parametrize("who", WORDS)
def test_part_that_is_stopped_in_the_window_makes_the_trial_invalid(race: Callable[..., Race], who: str) -> None:
    started = start(race)
    stop_for_a_while(started.child(WORDS[who]))
    assert started.wait() == 0, started.said
    assert f"{who} was stopped by a signal" in reasons_of(started.trial("websocket"))


@pytest.mark.parametrize("who", ["the producer", "the server", "the proxy"])
def test_part_that_is_killed_in_the_window_makes_the_trial_invalid(race: Callable[..., Race], who: str) -> None:
    started = start(race)
    started.child(WORDS[who]).kill()
    started.wait()
    assert f"{who} died and was started again, once" in reasons_of(started.trial("websocket"))


def test_run_that_is_stopped_over_the_windows_end_relates_no_cost_to_it(race: Callable[..., Race]) -> None:
    """Its second sample comes seconds late, so CPU and bytes would belong to a longer interval than the deliveries."""
    started = start(race)
    stop_for_a_while(psutil.Process(started.popen.pid), 4.0)
    assert started.wait() == 0, started.said
    trial = started.trial("websocket")
    assert "the server and the machine and the proxy were sampled" in reasons_of(trial)
    assert [None] * 3 == [trial.server.cpu_seconds, trial.server.cpu_us_per_delivery, trial.bytes.application_out]


def test_producer_that_is_killed_at_the_windows_end_is_seen(race: Callable[..., Race]) -> None:
    """Updates that it did not make are missing in the record, too, so the record alone does not show it."""
    started = start(race)
    pass_until(window_of(started, WINDOW).to_ns - to_ns(0.4))
    started.child(WORDS["the producer"]).kill()
    started.wait()
    assert "the producer died and was started again, once" in reasons_of(started.trial("websocket"))


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_server_that_is_killed_at_the_windows_end_loses_nothing(race: Callable[..., Race], transport: str) -> None:
    """Its clients come back only after their backoff, when a drain for healthy clients would be over."""
    started = start(race, f'transports=["{transport}"]')
    pass_until(window_of(started, WINDOW).to_ns - to_ns(0.3))
    server = started.child(f"services {transport}")
    server.send_signal(signal.SIGKILL)
    assert started.wait() == 0, started.said
    trial = started.trial(transport)
    assert (0, 1.0) == (trial.lost, trial.reach)
    assert "the server died and was started again, once" in reasons_of(trial)
