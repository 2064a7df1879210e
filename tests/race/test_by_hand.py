"""Locust by hand: its own documentation of hosts, shapes, several files and stopping applies to our users, too."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.race.playing import Playground
from tests.race.running import PATIENCE_SECONDS, wait_until
from wirerace.host.ports import free_port

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
OURS = "loadtests/locustfile.py"
OWN = """
from locust import LoadTestShape, User, constant, task

from loadtests.locustfile import PollingUser  # as somebody would who builds on ours


class Visitor(User):
    wait_time = constant(1)

    @task
    def look(self):
        pass


class Brief(LoadTestShape):
    def tick(self):
        return (3, 3) if self.get_run_time() < 2 else None
"""
SECOND = """
from locust import LoadTestShape


class Endless(LoadTestShape):
    def tick(self):
        return (1, 1)
"""


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playground]:
    playground = Playground(tmp_path_factory.mktemp("services"))
    yield playground
    playground.close()


def locust(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "locust", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)


def test_file_of_ones_own_may_stand_beside_ours_and_its_shape_is_taken(services: Playground, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    host = f"--polling-host={services.urls['polling']}"
    files = f"{OURS},{tmp_path / 'own.py'}"
    ended = locust("-f", files, "--headless", host, "--polling-interval-seconds", "0.2", "PollingUser", "Visitor")
    assert 0 == ended.returncode, ended.stderr
    assert "Ledger: 2 clients received" in ended.stderr, "the shape has three clients of two classes for two seconds"
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("shape", "line"),
    [
        ([], "locust: there are several shapes: name one with --shape, Brief, Endless, or steady for none"),
        (
            ["--shape", "Square"],
            "locust: --shape must be one of ramp, storm, spike, steady, steps, Brief, Endless, got 'Square'",
        ),
    ],
)
def test_shape_that_cannot_be_chosen_is_asked_for(tmp_path: Path, shape: list[str], line: str) -> None:
    files = [OURS]
    for name, text in {"own": OWN, "second": SECOND}.items():
        (tmp_path / f"{name}.py").write_text(text)
        files.append(str(tmp_path / f"{name}.py"))
    ended = locust("-f", ",".join(files), "--headless", *shape, "PollingUser")
    assert (2, line) == (ended.returncode, ended.stderr.splitlines()[-1])


def test_host_is_the_server_of_the_class_that_was_named(services: Playground) -> None:
    url = services.urls["polling"]
    run = ("--headless", "-t", "3s", "--stop-timeout", "60", "-u", "2", "-r", "2")
    begun = time.monotonic()
    ended = locust("-f", OURS, *run, "-H", url, "--polling-interval-seconds", "0.2", "PollingUser")
    assert "Ledger: 2 clients received" in ended.stderr, ended.stderr
    assert 0 == ended.returncode, ended.stderr
    assert time.monotonic() - begun < 60, "nobody is waited for who goes on until being stopped"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["PollingUser", "WebSocketUser"], "--host names one server, and each transport has its own: name"),
        (["--polling-host", "http://b:1", "PollingUser"], "--host 'http://a:1' and --polling-host 'http://b:1' name"),
    ],
)  # fmt: skip
def test_host_that_may_mean_several_servers_is_refused(arguments: list[str], line: str) -> None:
    ended = locust("-f", OURS, "--headless", "-H", "http://a:1", *arguments)
    assert 2 == ended.returncode
    assert f"locust: {line}" in ended.stderr


def test_locust_listens_on_loopback_unless_it_is_asked_for_more(tmp_path: Path) -> None:
    page, port, control = free_port(), free_port(), free_port()
    ports = [f"--web-port={page}", f"--master-bind-port={port}", f"--control-port={control}"]
    with (tmp_path / "log").open("wb") as log:
        command = [sys.executable, "-m", "locust", "-f", OURS, "--master", *ports]
        master = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

    def listening() -> set[tuple[str, int]]:
        found = psutil.Process(master.pid).net_connections("tcp")
        return {(one.laddr.ip, one.laddr.port) for one in found if one.status == psutil.CONN_LISTEN}

    try:
        wait_until(lambda: len(listening()) == 3)
        assert {("127.0.0.1", number) for number in (page, port, control)} == listening()
    finally:
        master.terminate()
        master.wait()


def test_option_that_makes_no_sense_is_said_on_one_line() -> None:
    for option, line in {
        "--producer-url=ftp://a": "locust: --producer-url: a host is a URL",
        "--allowed-origins=a": "locust: an origin is http://HOST:PORT, null, or * for any, got 'a'",
        "--allowed-hosts=a": "locust: --allowed-hosts: a host is a URL",
    }.items():
        ended = locust("-f", OURS, "--headless", option, "PollingUser")
        assert 2 == ended.returncode
        assert ended.stderr.splitlines()[-1].startswith(line)


def test_shape_made_from_ours_is_one_s_own(services: Playground, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("from loadtests.shapes import Ramp\n\n\nclass Slow(Ramp):\n    pass\n")
    ramp = ("--ramp-from-clients", "3", "--ramp-for-seconds", "1", "-u", "3", "-t", "2s")
    hosts = f"--polling-host={services.urls['polling']}"
    ended = locust("-f", f"{OURS},{tmp_path / 'own.py'}", "--headless", hosts, *ramp, "-r", "10", "PollingUser")
    assert "Shape test starting" in ended.stderr, ended.stderr
    assert "Ledger: 3 clients received" in ended.stderr
