"""Reasons to doubt a trial that need containers to be provoked: quotas, memory, and a network that loses packets."""

import functools
import subprocess
from collections.abc import Callable

import pytest

from tests.race.running import Race
from tests.stack.compose import PROJECT
from wirerace.host.machine import machine_sample
from wirerace.record.samples import span_seconds
from wirerace.record.trial import Trial

pytestmark = pytest.mark.stack

SERVER = f"{PROJECT}-websocket-1"
MISLEAD = """
import fcntl, socket, struct, time
SIOCSARP, SIOCDARP, COMPLETE, PERMANENT = 0x8955, 0x8953, 2, 4
address = socket.gethostbyname("locust-worker")
(device,) = (line.split()[5] for line in open("/proc/net/arp") if line.split()[0] == address)
worker = socket.inet_aton(address)
entry = struct.pack("=HH4s8x", socket.AF_INET, 0, worker) + struct.pack("=H6s8x", 1, b"\\x02nobod")
entry += struct.pack("=i16x16s", COMPLETE | PERMANENT, device.encode())
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, SIOCSARP, entry)
    time.sleep(0.5)
    fcntl.ioctl(any_socket, SIOCDARP, entry)
"""
"""For half a second, the server's packets to the load go to an unused address."""
THRASH = """
import os, time
with open("/tmp/big", "wb") as file:
    for _ in range(120):
        file.write(os.urandom(1 << 20))
deadline = time.monotonic() + 2
while time.monotonic() < deadline:
    with open("/tmp/big", "rb") as file:
        while file.read(1 << 20):
            pass
"""


def docker(*arguments: str) -> None:
    subprocess.run(["docker", *arguments], check=True, capture_output=True, timeout=60)


def measured(run: Callable[..., Race], disturb: Callable[[], None]) -> Trial:
    """Return a trial in whose window something was done to its server."""
    started = run('transports=["websocket"]', "producer.rate_per_second=100", "window.measure_seconds=4")
    started.wait_for("measuring")
    disturb()
    assert started.wait() == 0, started.stderr
    return started.trial("websocket")


def test_server_that_uses_up_its_quota_is_throttled_and_the_trial_invalid(run: Callable[..., Race]) -> None:
    """On a slow machine the least of these quotas leaves a server that answers no request, and reports no costs."""
    reasons: list[str] = []
    try:
        for cpus in ("0.03", "0.06", "0.12"):
            trial = measured(run, functools.partial(docker, "update", "--cpus", cpus, SERVER))
            docker("update", "--cpus", "1", SERVER)
            assert trial.verdict is not None
            reasons = trial.verdict.reasons
            if not any("counters are not whole" in reason for reason in reasons):
                break
    finally:
        docker("update", "--cpus", "1", SERVER)
    assert any(reason.startswith("the server was throttled") for reason in reasons), reasons


def test_segments_that_are_lost_are_sent_again_and_seen(run: Callable[..., Race]) -> None:
    network = f"container:{SERVER}"
    again = ("run", "--rm", "--network", network, "--user", "0", "--cap-add", "NET_ADMIN", "--entrypoint")
    trial = measured(run, lambda: docker(*again, "/opt/venv/bin/python", "wirerace-services", "-c", MISLEAD))
    assert trial.bytes.namespace_retransmitted
    assert trial.verdict is not None
    assert any("sent again in the server's network namespace" in found for found in trial.verdict.doubts)
    assert 1.0 == trial.reach, "TCP has seen to it"


@pytest.mark.usefixtures("stack")
def test_waiting_for_memory_is_seen() -> None:
    """A container that reads a file larger than its memory again and again."""
    before = machine_sample(lambda: None)
    docker("run", "--rm", "--memory", "48m", "--user", "0", "--entrypoint", "/opt/venv/bin/python",
           "wirerace-services", "-c", THRASH)  # fmt: skip
    after = machine_sample(lambda: None)
    assert before.memory_stalled_seconds is not None
    assert after.memory_stalled_seconds is not None
    waited = after.memory_stalled_seconds - before.memory_stalled_seconds
    assert waited > 0.01 * span_seconds((before, after)), "a hundredth of the time is a doubt"
