"""The timeline of faults: what happens to which part, in which order, and what the load is told about it."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.race.running import wait_until
from wirerace.clock import NS_PER_SECOND, now_ns
from wirerace.errors import TrialFailed
from wirerace.experiment.faults import Fault, FaultKind, FaultPlace
from wirerace.observe.account import CutRequest, Window
from wirerace.observe.outages import FaultMark
from wirerace.runner.faults import Reach, Timeline
from wirerace.runner.parts.container import Container
from wirerace.runner.parts.process import CAN_FILL, Process

WINDOW = Window(1000, 10**12)


class Part:
    """A part that notes what is done to it."""

    def __init__(self, name: str, done: list[Any]) -> None:
        self.gives_up_at = 3
        self._name = name
        self._done = done

    def __getattr__(self, deed: str) -> Callable[..., None]:
        return lambda *given: self._done.append((self._name, deed, *given))


class Port:
    """A port that notes its orders; it always broke 7 connections."""

    def __init__(self, name: str, done: list[Any]) -> None:
        self._name = name
        self._done = done

    def send(self, method: str, path: str, value: object, _of_type: object) -> dict[str, int]:
        self._done.append((self._name, f"{method} {path}", value))
        return {"cuts": 7, "broken": 7}


def happen(*faults: Fault, has_proxy: bool = True) -> tuple[Timeline, list[Any], dict[str, Any]]:
    """Let all faults happen at once; return the timeline, what was done, and the parts."""
    done: list[Any] = []
    parts: dict[str, Any] = {name: Part(name, done) for name in ("server", "producer", "proxy")}
    ports: list[Any] = [Port(name, done) for name in ("load", "producer", "proxy")]
    reach = Reach(parts, ports[0], ports[1], ports[2] if has_proxy else None)  # type: ignore[arg-type]
    timeline = Timeline(faults, WINDOW, reach)
    for _, act in timeline:
        act()
    return timeline, [one for one in done if one[1] != "POST /outages"], parts


def fault(kind: FaultKind, on: FaultPlace, at_seconds: float = 1.0, **of_kind: float) -> Fault:
    return Fault(kind=kind, on=on, at_seconds=at_seconds, **of_kind)


@pytest.mark.parametrize(
    ("asked", "done"),
    [
        (fault("kill", "server"), [("server", "kill")]),
        (fault("restart", "producer"), [("producer", "end")]),
        (fault("restart", "proxy"), [("proxy", "end")]),
        (fault("stall", "proxy", lasts_seconds=0.5), [("proxy", "stall", 0.5)]),
        (fault("cut", "clients", jitter_seconds=2.0), [("load", "POST /cut", CutRequest(2.0))]),
        (fault("cut", "proxy"), [("proxy", "POST /cut", None)]),
        (fault("drop", "feed", lasts_seconds=1.5), [("producer", "POST /feed/drop", {"lasts_seconds": 1.5})]),
        (fault("fill", "producer", lasts_seconds=1.0), [("producer", "fill"), ("producer", "resume")]),
    ],
    ids=lambda value: f"{value.kind} {value.on}" if isinstance(value, Fault) else "",
)
def test_fault_happens_to_its_part(asked: Fault, done: list[Any]) -> None:
    assert done == happen(asked)[1]


def test_faults_happen_in_the_order_of_their_times_and_a_fill_ends_between() -> None:
    faults = [fault("kill", "server", 9.0), fault("fill", "producer", 2.0, lasts_seconds=3.0), fault("cut", "clients")]
    timeline, done, parts = happen(*faults)
    assert ["POST /cut", "fill", "resume", "kill"] == [deed for _, deed, *_ in done]
    assert [2, 1, 0] == [one.number for one in timeline.happened]
    assert [1, 2, 5, 9] == [(at_ns - WINDOW.from_ns) // NS_PER_SECOND for at_ns, _ in timeline]
    assert (4, 3) == (parts["server"].gives_up_at, parts["producer"].gives_up_at), "a death that is asked for"


def test_load_is_told_when_each_fault_happened_and_was_over() -> None:
    done: list[Any] = []
    load: Any = Port("load", done)
    parts: Any = {"server": Part("server", [])}
    timeline = Timeline([fault("stall", "server", lasts_seconds=2.0)], WINDOW, Reach(parts, load, load))
    before_ns = now_ns()
    for _, act in timeline:
        act()
    (happened,) = timeline.happened
    assert [("load", "POST /outages", FaultMark(0, happened.from_ns, happened.after_ns))] == done
    assert before_ns <= happened.from_ns <= happened.done_ns <= now_ns()
    assert happened.from_ns + 2 * NS_PER_SECOND == happened.after_ns


class Slow(Part):
    """A part that ends when a test says so."""

    ended = False

    def has_ended(self) -> bool:
        return self.ended


def restarting(*faults: Fault) -> tuple[Timeline, Slow, list[Any]]:
    """Let all faults happen at once to a server that ends slowly; return what the load is told, too."""
    told: list[Any] = []
    server: Any = Slow("server", [])
    load: Any = Port("load", told)
    timeline = Timeline(faults, WINDOW, Reach({"server": server}, load, load))
    for _, act in timeline:
        act()
    return timeline, server, told


def test_restart_is_over_when_its_part_has_ended() -> None:
    timeline, server, told = restarting(fault("restart", "server"), fault("cut", "clients", 2.0))
    timeline.look()
    assert [1] == [one.number for one in timeline.happened], "the cut came while the server was still ending"
    assert timeline.is_ending
    told.clear()
    server.ended, before_ns = True, now_ns()
    timeline.look()
    timeline.look()
    first, _ = timeline.happened
    assert (0, False) == (first.number, timeline.is_ending)
    assert first.from_ns < before_ns <= first.done_ns == first.after_ns
    mark = FaultMark(0, first.from_ns, first.after_ns, until_ns=first.after_ns)
    assert [("load", "POST /outages", mark)] == told


def test_restart_that_is_not_over_at_the_end_of_the_trial_lasts_until_then() -> None:
    timeline, *_ = restarting(fault("restart", "server"))
    before_ns = now_ns()
    (happened,) = timeline.finish()
    assert before_ns <= happened.after_ns
    assert [happened] == timeline.finish()


def test_fault_of_a_part_that_is_still_ending_fails_the_trial_with_the_cure() -> None:
    with pytest.raises(TrialFailed, match=r"^faults\[1\]: the kill of the server meets a server that has not ended "):
        restarting(fault("restart", "server"), fault("kill", "server", 3.0))


def test_fill_keeps_no_update_away_so_it_counts_from_its_beginning() -> None:
    timeline, *_ = happen(fault("fill", "producer", lasts_seconds=5.0))
    (happened,) = timeline.happened
    assert happened.after_ns == happened.done_ns


@pytest.mark.parametrize(("kind", "on"), [("cut", "clients"), ("cut", "proxy"), ("drop", "feed")])
def test_connections_that_a_fault_broke_are_counted(kind: FaultKind, on: FaultPlace) -> None:
    assert [7] == [one.cuts for one in happen(fault(kind, on))[0].happened]


def test_proxy_that_takes_no_orders_is_not_taken_for_the_clients() -> None:
    with pytest.raises(TrialFailed, match="proxy takes no order to cut"):
        happen(fault("cut", "proxy"), has_proxy=False)


DEAF = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(99)"
)
POLITE = DEAF.replace("signal.SIG_IGN", "lambda *_: sys.exit(0)")


@pytest.mark.processes
@pytest.mark.parametrize(("program", "code"), [(POLITE, 0), (DEAF, -signal.SIGKILL)], ids=["polite", "deaf"])
def test_process_ends_in_order_or_is_killed_after_a_while(
    program: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wirerace.runner.parts.process.STOP_SECONDS", 0.2 if code else 60.0)
    process = Process("server", ["-c", program], tmp_path / "log")
    try:
        wait_until(lambda: "on" in (tmp_path / "log").read_text())
        process.end()
        wait_until(process.has_ended)
        assert code == process._popen.returncode
        process.restart()
        assert not process.has_ended(), "the next one has all its time"
    finally:
        process.stop()


LINGERS = POLITE.replace("sys.exit(0)", "(time.sleep(0.3), sys.exit(0))")


@pytest.mark.processes
def test_restart_of_a_program_that_ends_slowly_is_timed_from_the_order_to_its_end(tmp_path: Path) -> None:
    process, told = Process("server", ["-c", LINGERS], tmp_path / "log"), list[Any]()
    load: Any = Port("load", told)
    timeline = Timeline([fault("restart", "server")], WINDOW, Reach({"server": process}, load, load))
    try:
        wait_until(lambda: "on" in (tmp_path / "log").read_text())
        for _, act in timeline:
            act()
        timeline.look()
        assert ([], []) == (timeline.happened, told)
        wait_until(process.has_ended)
        timeline.look()
    finally:
        process.stop()
    (happened,) = timeline.happened
    assert happened.done_ns - happened.from_ns >= 0.3 * NS_PER_SECOND


@pytest.mark.processes
@pytest.mark.skipif(not CAN_FILL, reason="only Linux keeps the files of a process from growing")
def test_process_with_a_full_disk_writes_again_when_there_is_room(tmp_path: Path) -> None:
    record, full = tmp_path / "record", tmp_path / "full"
    program = (
        "import os, time\n"
        "while True:\n"
        "    time.sleep(0.01)\n"
        "    try:\n"
        f"        with open({str(record)!r}, 'ab', buffering=0) as file: file.write(b'line')\n"
        f"    except OSError: os.makedirs({str(full)!r}, exist_ok=True)\n"
    )
    process = Process("producer", ["-c", program], tmp_path / "log")
    process.record = record
    try:
        wait_until(record.exists)
        process.fill()
        wait_until(full.exists)
        size = record.stat().st_size
        process.resume()
        wait_until(lambda: record.stat().st_size > size)
        process.resume()
        assert not process.has_ended()
    finally:
        process.stop()


class Engine:
    """A container of an engine that notes how it is started."""

    id = "abc"

    def __init__(self) -> None:
        self.started = 0

    def start(self) -> None:
        self.started += 1


@pytest.mark.processes
def test_container_ends_in_order_and_is_started_when_that_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = tmp_path / "said"
    docker = tmp_path / "docker"
    docker.write_text(f'#!{sys.executable}\nimport sys\nopen({str(said)!r}, "w").write(" ".join(sys.argv[1:]))\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    engine: Any = Engine()
    container = Container("server", engine)
    container.end()
    container.restart()
    assert "stop -t 6 abc" == said.read_text()
    assert (1, 1) == (engine.started, container.restarts)
    with pytest.raises(TrialFailed, match="server: the disk of a container cannot be filled"):
        container.fill()
