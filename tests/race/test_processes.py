"""The load in several processes: the same ledger, and never a smaller one without an error."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from tests.race.playing import Playground
from tests.race.running import PATIENCE_SECONDS, Race, has_gone, wait_until
from wirerace.host.ports import free_port
from wirerace.observe.account import LoadState
from wirerace.transports import TRANSPORTS

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
CLIENTS = 4 * len(TRANSPORTS)


def test_ledger_of_three_processes_is_that_of_one(race: Callable[..., Race]) -> None:
    """The producer's own record is the truth: each update of the window, and no other, once for each client."""
    keys = ("load.processes=3", "window.measure_seconds=1", 'transports=["websocket"]')
    started = race(*(part for key in keys for part in ("--set", key)))
    assert started.wait() == 0, started.said
    trial, raw = started.trial("websocket"), started.raw("websocket")
    (epoch,) = raw.truth.epochs
    made = {seq for seq, ts in zip(epoch.seq, epoch.ts, strict=True) if raw.window.has(ts)}
    ((_, received),) = raw.account.updates.items()
    assert made == set(received.seq)
    assert {20} == set(received.clients)
    assert raw.account.subscribed == 20
    assert raw.account.latencies.recorded == 20 * len(made) == trial.delivered
    assert raw.account.latencies.max_ns == max(received.most_ns)
    assert (3, 0, 0) == (trial.load.processes, trial.duplicated, trial.reordered)


def test_more_processes_than_cores_is_a_warning_that_says_what_it_does(race: Callable[..., Race]) -> None:
    started = race("--set", "load.processes=64", "--set", 'transports=["pigeon"]')
    started.wait()
    assert "wirerace: warning" not in started.stderr, "what cannot be run needs no warning"
    started = race("--set", "load.processes=64", "--set", "window.measure_seconds=5")
    started.wait_for("starting")
    started.signal(signal.SIGINT)
    started.wait()
    assert re.search(r"wirerace: warning: load.processes = 64 on \d+ cores?: they wait for each other", started.stderr)
    assert started.stderr.count("adds milliseconds to latencies") == 1


@pytest.mark.faults
def test_worker_that_dies_fails_the_trial_with_a_clear_line(race: Callable[..., Race]) -> None:
    started = race("--set", "load.processes=2", "--set", 'transports=["websocket"]')
    started.wait_for("measuring")
    victims = [child for child in started.children() if "--worker" in child.cmdline()]
    victims[0].kill()
    assert started.wait() == 1
    assert [] == started.result["trials"]
    assert ["websocket"] == [failure["contestant"] for failure in started.result["failures"]]
    assert re.search(r"websocket, repeat 1: the load, worker \d, ended in the middle of the trial", started.stderr)


class ByHand:
    """A master without a page and its workers, started as in Locust's own documentation."""

    def __init__(self, directory: Path, hosts: dict[str, str], workers: int, *arguments: str, page: int = 0) -> None:
        self.control = f"http://127.0.0.1:{(control := free_port())}"
        self.log = directory / "by-hand.log"
        port = str(free_port())
        locust = [sys.executable, "-m", "locust", "-f", str(ROOT / "loadtests/locustfile.py")]
        flags = [f"--{name}-host={hosts[name]}" for name in TRANSPORTS]
        how = ["--headless", "--expect-workers", str(workers)]
        how = ["--web-port", str(page), "--web-host", "127.0.0.1"] if page else how
        master = ["--master", *how, "--master-bind-port", port]
        worker = ["--worker", "--master-port", port]
        with self.log.open("wb") as log:
            command = [
                *locust,
                *master,
                "--users",
                str(CLIENTS),
                "--spawn-rate",
                str(CLIENTS),
                "--control-port",
                str(control),
            ]
            self.master = subprocess.Popen([*command, *flags, *arguments], stdout=log, stderr=log)
            self.workers = [subprocess.Popen([*locust, *worker], stdout=log, stderr=log) for _ in range(workers)]

    def state(self) -> LoadState:
        with urllib.request.urlopen(f"{self.control}/state") as answer:
            return msgspec.json.decode(answer.read(), type=LoadState)

    def has_subscribed(self) -> bool:
        try:
            return self.state().subscribed == CLIENTS
        except OSError:
            return False

    def close(self) -> None:
        for process in (self.master, *self.workers):
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def playground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playground]:
    playground = Playground(tmp_path_factory.mktemp("services"))
    yield playground
    playground.close()


@pytest.fixture
def by_hand(playground: Playground, tmp_path: Path) -> Iterator[Callable[..., ByHand]]:
    started: list[ByHand] = []

    def start(workers: int, *arguments: str, page: int = 0) -> ByHand:
        started.append(ByHand(tmp_path, playground.urls, workers, *arguments, page=page))
        return started[-1]

    yield start
    for load in started:
        load.close()


def test_workers_by_hand_make_one_ledger(by_hand: Callable[..., ByHand]) -> None:
    load = by_hand(2)
    wait_until(load.has_subscribed)
    wait_until(lambda: load.state().received > 100)
    request = urllib.request.Request(f"{load.control}/finish", method="POST")
    with urllib.request.urlopen(request) as answer:
        account: dict[str, Any] = json.loads(answer.read())
    assert (CLIENTS, 0, 0) == (account["clients"], account["missing"], account["repeated"])
    assert account["received"] > 100


def test_run_by_hand_ends_with_its_ledger(by_hand: Callable[..., ByHand]) -> None:
    load = by_hand(2, "--run-time", "2")
    assert load.master.wait(PATIENCE_SECONDS) == 0
    assert [0, 0] == [worker.wait(PATIENCE_SECONDS) for worker in load.workers]
    ledger = rf"Ledger: {CLIENTS} clients received [1-9]\d* updates; missing 0, received again 0\n"
    assert re.search(ledger, load.log.read_text()), load.log.read_text()


@pytest.mark.faults
def test_worker_by_hand_that_is_killed_makes_the_load_refuse_to_answer(by_hand: Callable[..., ByHand]) -> None:
    load = by_hand(2)
    wait_until(load.has_subscribed)
    load.workers[0].kill()

    def refusal() -> str:
        try:
            load.state()
        except urllib.error.HTTPError as error:
            return error.read().decode()
        return ""

    wait_until(lambda: bool(refusal()))
    wait_until(lambda: refusal() == "1 of 2 Locust workers are gone with their ledgers\n")
    load.master.terminate()
    assert load.master.wait(PATIENCE_SECONDS) == 1
    log = load.log.read_text()
    assert "The ledger is not whole: 1 of 2 Locust workers are gone with their ledgers" in log
    assert re.search(rf"Ledger: {CLIENTS // 2} clients received [1-9]", log)


def test_last_worker_that_is_stopped_hands_its_ledger_over(by_hand: Callable[..., ByHand]) -> None:
    """As docker compose stop does, which stops workers before their master."""
    load = by_hand(1)
    wait_until(load.has_subscribed)
    wait_until(lambda: load.state().received > 100)
    load.workers[0].terminate()
    assert [0, 0] == [process.wait(PATIENCE_SECONDS) for process in (load.workers[0], load.master)]
    log = load.log.read_text()
    assert re.search(rf"Ledger: {CLIENTS} clients received [1-9]\d* updates; missing 0, received again 0\n", log), log
    assert "not whole" not in log


def test_worker_that_is_stopped_before_the_others_is_in_the_ledger(by_hand: Callable[..., ByHand]) -> None:
    load = by_hand(2)
    wait_until(load.has_subscribed)
    load.workers[0].terminate()
    assert load.workers[0].wait(PATIENCE_SECONDS) == 0
    wait_until(load.has_subscribed)  # Locust gives its clients to the other
    load.master.terminate()
    assert load.master.wait(PATIENCE_SECONDS) == 0
    log = load.log.read_text()
    assert re.search(
        rf"Ledger: {CLIENTS * 3 // 2} clients received [1-9]\d* updates; missing 0, received again 0\n", log
    ), log


@pytest.mark.faults
def test_worker_whose_master_is_gone_stops_its_clients_and_ends(
    by_hand: Callable[..., ByHand], playground: Playground
) -> None:
    load = by_hand(1)
    wait_until(load.has_subscribed)
    load.master.kill()
    killed_at = time.monotonic()
    assert load.workers[0].wait(PATIENCE_SECONDS) == 1
    assert time.monotonic() - killed_at > 4, "a heartbeat or two may be missed"
    assert "The master is gone: no heartbeat for 5 s" in load.log.read_text()
    wait_until(lambda: playground.metric("websocket", "wirerace_clients") == 0)


def test_page_of_a_master_without_workers_refuses_to_start(by_hand: Callable[..., ByHand]) -> None:
    page = free_port()
    load = by_hand(0, page=page)
    wait_until(lambda: is_open(page))
    form = urllib.parse.urlencode({"user_count": 2, "spawn_rate": 2}).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{page}/swarm", form) as answer:
        report = json.load(answer)
    assert (False, True) == (report["success"], report["message"].startswith("no worker is connected: start one"))
    assert load.master.poll() is None


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_bad_option_leaves_no_forked_worker_behind(tmp_path: Path) -> None:
    forks, locustfile = tmp_path / "forks", tmp_path / "locustfile.py"
    count = f"register_at_fork(before=lambda: open({str(forks)!r}, 'a').write('.'))"
    locustfile.write_text(f"from os import register_at_fork\nfrom loadtests.locustfile import *\n{count}\n")
    flags = ["--headless", "--processes", "2", "-u", "5", "--shape", "ramp", "--ramp-from-clients", "10"]
    command = [sys.executable, "-m", "locust", "-f", str(locustfile), *flags, "WebSocketUser"]
    with (tmp_path / "stderr").open("wb") as stderr:
        locust = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )
    assert locust.wait(PATIENCE_SECONDS) == 2
    assert "locust: ramp asks for 10 clients, and there are 5 at most" in (tmp_path / "stderr").read_text()
    assert forks.read_text() == ".."
    wait_until(lambda: all(map(has_gone, session_of(locust.pid))))


def session_of(leader: int) -> list[psutil.Process]:
    """Return what lives in the session that a process has started: itself and what it forked."""
    members = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(process.pid) == leader:
                members.append(process)
    return members
