import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirerace.clock import now_ns, process_cpu_seconds, to_ns

only_linux = pytest.mark.skipif(sys.platform != "linux", reason="another process's CPU clock is read on Linux only")

WORKER = """
import sys, time
while time.process_time() < 0.1:
    pass
print(time.process_time(), flush=True)
sys.stdin.read()
"""


@given(st.integers(0, 10**15))
def test_seconds_become_the_nearest_nanosecond(duration_ns: int) -> None:
    assert duration_ns == to_ns(duration_ns / 1e9)


def test_now_is_unix_time_in_nanoseconds() -> None:
    before, now, after = time.time_ns(), now_ns(), time.time_ns()

    assert before <= now <= after


def test_own_cpu_time_grows_with_work() -> None:
    before = process_cpu_seconds()
    sum(range(100_000))
    after = process_cpu_seconds()

    assert before is not None
    assert after is not None
    assert before < after


@pytest.mark.processes
@only_linux
def test_cpu_time_of_another_process_is_what_that_process_says_itself() -> None:
    with subprocess.Popen([sys.executable, "-c", WORKER], stdin=-1, stdout=-1, text=True) as worker:
        assert worker.stdout is not None
        said = float(worker.stdout.readline())
        seen = process_cpu_seconds(worker.pid)

    assert pytest.approx(said, abs=0.1) == seen
    assert seen is not None
    assert seen >= said


@pytest.mark.processes
@only_linux
def test_cpu_time_of_a_process_that_is_gone_is_unknown() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as worker:
        worker.wait()

    assert process_cpu_seconds(worker.pid) is None
