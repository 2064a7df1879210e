"""Bytes at the IP layer, against the counters of an interface without other traffic."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from loadtests.traffic import TCP_INFO

pytestmark = pytest.mark.processes

PATIENCE_SECONDS = 180
UNSHARE = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]


def has_namespaces() -> bool:
    return shutil.which("unshare") is not None and not subprocess.run([*UNSHARE, "true"], check=False).returncode


@pytest.fixture(scope="module")
def counted() -> dict[str, tuple[int, int]]:
    if not TCP_INFO or not has_namespaces():
        pytest.skip("needs Linux and the right to make a network namespace: unshare --map-root-user --net")
    command = [*UNSHARE, sys.executable, "-m", "tests.loadtests.namespaced"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert not done.returncode, done.stderr
    found: dict[str, tuple[int, int]] = json.loads(done.stdout)
    return found


WORKS = [("kept", 0.01), ("frames", 0.01), ("closed", 0.05), ("kept with TLS", 0.01), ("closed with TLS", 0.05)]


@pytest.mark.parametrize(("work", "most"), WORKS)
def test_ip_bytes_are_those_that_the_interface_carried(
    counted: dict[str, tuple[int, int]], work: str, most: float
) -> None:
    """Within 1 % on kept connections, within 5 % when every poll opens its own."""
    carried, reported = counted[work]

    assert pytest.approx(carried, rel=most) == reported
