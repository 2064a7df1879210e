"""Profiles: where each microsecond of a server and of the load goes, by system call and library.

`python -m benchmarks.profiled` drives each transport as `make bench` does. For a part of that time it samples the
process under test with perf (Debian: linux-perf), which needs root, or kernel.perf_event_paranoid of 1 at most.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import psutil

from benchmarks import driving, serving
from benchmarks.measure import BenchmarkFailed, Racer, Turn, TurnSample
from benchmarks.peers import start_ours
from benchmarks.stacks import PLACES, shares_of, stacks_of
from benchmarks.stage import Bench, BenchCores
from wirerace.errors import WireraceError

HERTZ = 4000
SETTLE_SECONDS = 5.0  # until Python has started, and all clients are there
SPARE_SECONDS = 3.0
HELD_USERS = 200
HELD_RATE = 50.0


def drive_held(stage: Bench) -> list[Racer]:
    """200 users wait for our server, 50 updates a second: one answer, and the next request."""
    ours = start_ours(stage, "longpolling", stage.cores.others)

    def measure() -> Turn:
        with ours.fed(HELD_RATE):
            return driving.drive(stage, ours.server, "held-user", ["--users", HELD_USERS])

    return [Racer("Wirerace", "Wirerace", measure)]


class ProfiledProcess(NamedTuple):
    """What is profiled: a contestant of a group of the bench, and the argument that its process was started with."""

    name: str
    group: Callable[[Bench], list[Racer]]
    contestant: str
    argument: str


SUBJECTS = (
    ProfiledProcess("server, poll answered", serving.poll, "200: Wirerace", "polling"),
    ProfiledProcess("server, long poll", serving.longpoll, "Wirerace", "longpolling"),
    ProfiledProcess("server, WebSocket", serving.fanout, "Wirerace", "websocket"),
    ProfiledProcess("server, SSE", serving.sse, "Wirerace, SSE", "sse"),
    ProfiledProcess("load, poll", driving.drive_poll, "Wirerace, whole polling user", "polling-user"),
    ProfiledProcess("load, long poll", drive_held, "Wirerace", "held-user"),
    ProfiledProcess("load, WebSocket", driving.drive_message, "Wirerace, whole WebSocket user", "websocket-user"),
    ProfiledProcess("load, SSE", driving.drive_message, "Wirerace, whole SSE user", "sse-user"),
)


def profile(subject: ProfiledProcess, seconds: float) -> tuple[TurnSample, dict[str, float]]:
    """Return what an operation takes, and the part of the time that was spent in each place.

    Raises BenchmarkFailed when the process or perf fails.
    """
    with Bench(BenchCores.of_this_machine(), SETTLE_SECONDS + seconds + SPARE_SECONDS) as stage:
        racer = next(one for one in subject.group(stage) if one.name == subject.contestant)
        with ThreadPoolExecutor(1) as beside:
            turn = beside.submit(racer.measure)
            time.sleep(SETTLE_SECONDS)
            shares = _sampled(_process_of(subject), seconds, stage)
            return turn.result(), shares


def _process_of(subject: ProfiledProcess) -> int:
    for child in psutil.Process().children():
        words = child.cmdline()
        if subject.argument in words[3:4] and "plain" not in words:
            return int(child.pid)
    raise BenchmarkFailed(f"{subject.name}: its process has not started")


def _sampled(pid: int, seconds: float, stage: Bench) -> dict[str, float]:
    """Return the part of a process's time that was spent in each place."""
    data, run = str(stage.directory / "perf.data"), partial(stage.run, "perf", cores=stage.cores.others)
    record = ["perf", "record", "-q", "-F", str(HERTZ), "-e", "cpu-clock", "-g", "-p", str(pid), "-o", data]
    run([*record, "--", "sleep", str(seconds)])
    return shares_of(stacks_of(run(["perf", "script", "-i", data, "-F", "ip,sym,dso"]).text))


def main() -> int:
    """Profile, and print a table; return the exit code: 0 all profiled, 1 some failed, 2 bad input."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.profiled", description=str(__doc__).partition("\n\n")[0]
    )
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each process is sampled")
    parser.add_argument("--only", nargs="*", choices=[subject.name for subject in SUBJECTS], metavar="NAME")
    given = parser.parse_args()
    if not shutil.which("perf"):
        sys.stderr.write("perf is not installed: on Debian, apt-get install linux-perf\n")
        return 2
    sys.stdout.write(f"| µs of CPU time | all | {' | '.join(PLACES)} |\n|{' --- |' * (len(PLACES) + 2)}\n")
    code = 0
    for subject in SUBJECTS:
        if given.only and subject.name not in given.only:
            continue
        try:
            turn, shares = profile(subject, given.seconds)
        except WireraceError as error:
            sys.stderr.write(f"{error}\n")
            code = 1
            continue
        cells = " | ".join(f"{turn.cost * share:.1f}" for share in shares.values())
        sys.stdout.write(f"| {subject.name} | {turn.cost:.1f} | {cells} |\n")
        sys.stdout.flush()
    return code


if __name__ == "__main__":
    sys.exit(main())
