"""Load hosts in containers, each with a clock of its own: the run is on this machine, at the engine's bridge."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.race.hosted import SHIFTS
from tests.race.running import SMALL, Race
from tests.stack.compose import Stack
from wirerace.record.reading import read_raw, read_result

pytestmark = pytest.mark.stack

BRIDGE, IMAGE = "docker0", "wirerace-load"


@pytest.fixture
def address() -> str:
    """Return this machine's address on the network of containers."""
    for one in psutil.net_if_addrs().get(BRIDGE, []):
        if one.family.name == "AF_INET":
            return str(one.address)
    pytest.skip("the engine has no bridge on this machine")


@pytest.fixture
def since_ns(stack: Stack, address: str) -> Iterator[int]:  # noqa: ARG001 -- the stack has built the image
    """Start a worker in each of two containers; return since when their clocks drift."""
    started, since_ns = [], time.time_ns()
    try:
        for by_seconds, drift in SHIFTS:
            shift = f"WIRERACE_SHIFTED_CLOCK={by_seconds},{drift},{since_ns}"
            command = ["docker", "run", "--detach", "--env", shift, IMAGE, "--worker", "--master-host", address]
            started.append(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
        yield since_ns
    finally:
        subprocess.run(["docker", "rm", "--force", *started], check=False, capture_output=True)


def test_shift_and_drift_of_containers_are_found_within_the_error(address: str, since_ns: int, tmp_path: Path) -> None:
    keys = ('transports=["websocket"]', "load.processes=2", f'load.address="{address}"')
    race = Race(tmp_path, SMALL, *(part for key in keys for part in ("--set", key)))
    assert race.wait() in {0, 3}, race.said
    (trial,) = read_result(race.out).trials
    raw = read_raw(race.out / "raw" / "1-websocket.json")
    middle_ns = (raw.window.from_ns + raw.window.to_ns) // 2
    found = sorted(raw.account.clocks, key=lambda clock: clock.corrected_ns)

    assert trial.is_whole
    for clock, (by_seconds, drift) in zip(found, SHIFTS, strict=True):
        true_ns = -(by_seconds * 1e9 + (middle_ns - since_ns) * drift)
        assert clock.error_ns is not None
        assert abs(clock.corrected_ns - true_ns) <= clock.error_ns
    assert trial.clocks is not None
    (triangle,) = trial.clocks.triangles
    assert abs(triangle.sum_seconds or 0.0) <= (triangle.within_seconds or 0.0)
