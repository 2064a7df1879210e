"""Measure Wirerace's own speed beside references, and print a table for each group."""

import argparse
import os
import platform
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import msgspec

from benchmarks import driving, memory, serving
from benchmarks.measure import BenchmarkFailed, BenchRow, Racer, race
from benchmarks.stage import Bench, BenchCores
from benchmarks.targets import TargetOutcome, outcomes_of, spelled_outcome
from wirerace.errors import WireraceError

ROUNDS = 5
SECONDS = 0.8
Group = Callable[[Bench], list[Racer]]
GROUPS: dict[str, Group] = {
    "poll": serving.poll,
    "longpoll": serving.longpoll,
    "fanout": serving.fanout,
    "sse": serving.sse,
    "deflate": serving.deflate,
    "drive-poll": driving.drive_poll,
    "drive-message": driving.drive_message,
    "memory": memory.memory,
}
UNITS = {"memory": "kB"}
"""The unit of a group's costs; of the others it is µs."""


class GroupResult(msgspec.Struct, frozen=True):
    """One group's table. The costs of its rows are in `unit`."""

    group: str
    operation: str
    unit: str
    rows: list[BenchRow]
    targets: list[TargetOutcome]
    notes: list[str]


class BenchResult(msgspec.Struct, frozen=True):
    """A run: its machine, its time, and its tables."""

    began_at: str
    cores: int
    processor: str
    kernel: str
    python: str
    rounds: int
    seconds: float
    groups: list[GroupResult]


def main() -> int:
    """Run the groups that the arguments name; return the exit code: 0 all measured, 1 some failed, 2 bad input."""
    given = _arguments()
    signal.signal(signal.SIGTERM, _stop)
    if sys.platform != "linux":
        return _complain("only Linux reports the CPU time of another process finely enough; this is " + sys.platform)
    result = _empty_result(given.rounds, given.seconds)
    print(f"{result.processor}, cores: {result.cores}, Linux {result.kernel}, Python {result.python}")
    print(f"CPU time, user + system, per operation, and its ratio in the same round: median of {given.rounds} (range)")
    code = 0
    for name in given.only or GROUPS:
        try:
            group = _measure(name, given.rounds, given.seconds)
        except WireraceError as error:
            code = _complain(f"{name}: {error}", 1)
            continue
        result.groups.append(group)
        print_table(group)
    if given.json:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(result)))
    return code


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = ", ".join(GROUPS)
    parser.add_argument("--only", nargs="+", choices=GROUPS, metavar="NAME", help=f"groups, of {names}; default all")
    parser.add_argument(
        "--seconds",
        type=_seconds,
        metavar="X",
        default=SECONDS,
        help="how long each turn measures, default %(default)s",
    )
    parser.add_argument("--rounds", type=_rounds, metavar="N", default=ROUNDS, help="default %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results to this file, too")
    return parser.parse_args()


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0.1 <= seconds <= 60:
        raise argparse.ArgumentTypeError("must be from 0.1 to 60")
    return seconds


def _rounds(text: str) -> int:
    rounds = int(text)
    if not 1 <= rounds <= 100:
        raise argparse.ArgumentTypeError("must be from 1 to 100")
    return rounds


def _measure(name: str, rounds: int, seconds: float) -> GroupResult:
    group = GROUPS[name]
    began = time.monotonic()
    with Bench(BenchCores.of_this_machine(), seconds) as stage:
        try:
            rows = race(group(stage), rounds, _tell(name, rounds))
        except WireraceError as error:
            raise BenchmarkFailed("; ".join([str(error), *stage.ended()])) from None
        finally:
            _tell_nothing()
        if stage.cores.tested == stage.cores.others:
            stage.notes.append("there is one core only: load and server share it")
        stage.notes.append(f"took {time.monotonic() - began:.0f} s")
        targets = list(outcomes_of(name, rows))
        return GroupResult(name, (group.__doc__ or "").strip(), UNITS.get(name, "µs"), rows, targets, stage.notes)


def print_table(group: GroupResult) -> None:
    """Print one group."""
    print(f"\n{group.group}: {group.operation}")
    width = max(len(row.name) for row in group.rows)
    for row in group.rows:
        against = "1" if row.name == row.reference else _spelled_ratio(row)
        print(f"  {row.name:{width}}  {row.cost:8.1f} {group.unit}  {against}")
    for target in group.targets:
        print(f"  {spelled_outcome(target, group.unit)}")
    for note in group.notes:
        print(f"  ({note})")


def _spelled_ratio(row: BenchRow) -> str:
    return f"{row.ratio:.2f} ({row.least_ratio:.2f} – {row.most_ratio:.2f})"


def _tell(name: str, rounds: int) -> Callable[[int, str], None]:
    def tell(number: int, contestant: str) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{name}: round {number} of {rounds}: {contestant}")
            sys.stderr.flush()

    return tell


def _tell_nothing() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")


def _empty_result(rounds: int, seconds: float) -> BenchResult:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
    return BenchResult(
        datetime.now(UTC).isoformat(timespec="seconds"),
        len(os.sched_getaffinity(0)),
        processor,
        platform.release(),
        platform.python_version(),
        rounds,
        seconds,
        [],
    )


def _complain(line: str, code: int = 2) -> int:
    sys.stderr.write(f"benchmarks: {line}\n")
    return code


def _stop(*_: object) -> NoReturn:
    raise SystemExit(128 + signal.SIGTERM)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
