"""Reverse proxies: configurations that their programs accept, what is missing or refused, and how they end."""

import itertools
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tests.refusals import lacking
from wirerace.errors import BadInput, TrialFailed
from wirerace.experiment.paths import COMPRESSIONS, NetworkPath
from wirerace.host.ports import free_port
from wirerace.runner.network.certificates import RunCertificate
from wirerace.runner.network.reverse import configuration, nginx, starting
from wirerace.runner.network.reverse.configuration import (
    Installed,
    check_configuration,
    configuration_of,
    find_installed,
    program_of,
    write_configuration,
)
from wirerace.runner.network.reverse.program import Certificate, Route
from wirerace.runner.network.reverse.starting import ReverseChild, start_reverse
from wirerace.runner.parts.family import Family

NAMES = [name for name in COMPRESSIONS if name != "none"]
PROGRAMS = pytest.mark.parametrize("name", NAMES)
PATIENCE_SECONDS = 30.0
TICK_SECONDS = 0.01  # of what the kernel tells of children that have ended
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
SETTINGS_FRAME = 4


def installed(name: str) -> Installed:
    """Return a program, or skip aloud."""
    try:
        return find_installed(name)  # type: ignore[arg-type]
    except BadInput as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def certificate() -> Iterator[Certificate]:
    made = RunCertificate()
    yield Certificate(made.chain, made.key)
    made.remove()


def wait_until(done: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Running:
    """Starts reverse proxies, and ends them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.families: list[Family] = []

    def start(
        self, name: str, path: NetworkPath, certificate: Certificate | None = None, port: int = 0
    ) -> ReverseChild:
        own = self._directory / f"files{len(self.families)}"
        own.mkdir()
        route = Route(port or free_port(), [f"127.0.0.1:{free_port()}"], 10, path, own, certificate)
        return start_reverse(installed(name), route, self._directory / "configuration", self._start)

    def _start(self, command: list[str], directory: Path, variables: dict[str, str]) -> Family:
        family = Family("the reverse proxy", command, self._directory / "log", directory, (), variables)
        self.families.append(family)
        return family

    def stop(self) -> None:
        for family in self.families:
            family.stop()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path)
    yield found
    found.stop()


@PROGRAMS
@pytest.mark.processes
def test_program_accepts_each_of_its_configurations(name: str, certificate: Certificate, tmp_path: Path) -> None:
    found = installed(name)
    for settings, tls, http, compression in itertools.product(
        ("default", "tuned"),
        (False, True),
        (1, 2),
        COMPRESSIONS[name],  # type: ignore[index]
    ):
        path = NetworkPath(proxy=name, settings=settings, tls=tls, http=http, compression=compression)  # type: ignore[arg-type]
        replicas = ["127.0.0.1:8081", "127.0.0.1:8082"][: 1 + tls]
        route = Route(8080, replicas, 200, path, tmp_path, certificate if tls else None)
        try:
            write_configuration(found.program, route, tmp_path / "file")
        except BadInput as error:
            pytest.skip(str(error))
        check_configuration(found, tmp_path / "file", tmp_path)


@PROGRAMS
def test_what_is_tuned_has_its_reason_beside_it(name: str) -> None:
    program = program_of(name)  # type: ignore[arg-type]
    default, tuned = (
        configuration_of(program, Route(8080, ["127.0.0.1:8081", "127.0.0.1:8082"], 200, path, Path("/files")))
        for path in (NetworkPath(proxy=name, settings=settings) for settings in ("default", "tuned"))  # type: ignore[arg-type]
    )
    known = {line.partition("#")[0].strip() for line in default.splitlines()}
    new = [line for line in tuned.splitlines() if line.partition("#")[0].strip() not in {*known, "", "}"}]

    assert len(new) > 4
    assert [] == [line for line in new if "#" not in line]


@pytest.mark.parametrize("settings", ["default", "tuned"])
def test_nginx_has_two_connections_for_each_client(settings: str) -> None:
    path = NetworkPath(proxy="nginx", settings=settings)  # type: ignore[arg-type]
    lines = [
        configuration_of(nginx.PROGRAM, Route(8080, ["127.0.0.1:8081"], clients, path, Path("/files")))
        for clients in (10, 1_000)
    ]

    assert ["worker_connections 768;" in lines[0], "worker_connections 2064;" in lines[1]] == [True, True]


@PROGRAMS
def test_program_that_is_not_installed_is_named_with_its_package(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(configuration, "PLACES", "/nowhere")
    with pytest.raises(BadInput) as refusal:
        find_installed(name)  # type: ignore[arg-type]

    assert [] == lacking(str(refusal.value), f'proxy = "{name}"', [f"apt install {name}"])


def test_module_for_brotli_is_named_with_its_package(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"apt install libnginx-mod-http-brotli-filter"):
        nginx.brotli_module((tmp_path,))


@PROGRAMS
@pytest.mark.processes
def test_certificate_that_does_not_fit_is_said_in_one_line(name: str, certificate: Certificate, tmp_path: Path) -> None:
    found, other = installed(name), RunCertificate()
    path = NetworkPath(proxy=name, tls=True)  # type: ignore[arg-type]
    files = [tmp_path / kept.name for kept in certificate]
    files[0].write_bytes(certificate.chain.read_bytes())
    files[1].write_bytes(other.key.read_bytes())
    route = Route(8080, ["127.0.0.1:8081"], 10, path, tmp_path, Certificate(*files))
    write_configuration(found.program, route, tmp_path / "file")
    with pytest.raises(TrialFailed, match=rf"^{name} refuses its configuration .*file: .*\S$") as failure:
        check_configuration(found, tmp_path / "file", tmp_path)

    assert "\n" not in str(failure.value)
    other.remove()


@pytest.mark.processes
def test_port_that_is_taken_is_said(running: Running) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(TrialFailed, match=rf"haproxy does not come up at port {port}; its log .* ends: .*\S"):
            running.start("haproxy", NetworkPath(proxy="haproxy"), port=port)


@PROGRAMS
@pytest.mark.processes
def test_proxy_speaks_http_2_with_and_without_tls(name: str, certificate: Certificate, running: Running) -> None:
    child = running.start(name, NetworkPath(proxy=name, tls=True, http=2), certificate)  # type: ignore[arg-type]
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    with context.wrap_socket(socket.create_connection(("127.0.0.1", child.port), PATIENCE_SECONDS)) as stream:
        assert "h2" == stream.selected_alpn_protocol()
    child = running.start(name, NetworkPath(proxy=name, http=2))  # type: ignore[arg-type]
    with socket.create_connection(("127.0.0.1", child.port), PATIENCE_SECONDS) as stream:
        stream.sendall(PREFACE)
        assert SETTINGS_FRAME == stream.recv(9)[3]


@pytest.mark.processes
def test_workers_are_sampled_stalled_and_killed_with_their_master(running: Running) -> None:
    child = running.start("nginx", NetworkPath(proxy="nginx"))
    part = running.families[-1]
    master, worker = part.pids
    assert (child.idle.user_bytes or 0) > 100_000
    assert (part.cpu_seconds() or 0) > 0

    part.stall(60.0)
    wait_until(lambda: {psutil.Process(pid).status() for pid in (master, worker)} == {psutil.STATUS_STOPPED})
    assert part.is_stopped()
    part.resume()
    wait_until(lambda: not part.is_stopped())

    os.kill(master, signal.SIGKILL)  # its worker lives on, with its port
    wait_until(part.has_ended)
    part.restart()
    wait_until(lambda: starting.listens(part, child.port))
    assert not psutil.pid_exists(worker) or psutil.Process(worker).status() == psutil.STATUS_ZOMBIE
    assert 1 == part.restarts

    part.kill()
    wait_until(part.has_ended)


def works(child: ReverseChild, seconds: float) -> float:
    """Ask until a proxy has taken a time more; return the CPU time that it has taken then."""
    begun = now = child.part.cpu_seconds() or 0.0
    while now < begun + seconds:
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", child.port), PATIENCE_SECONDS) as stream:
                stream.sendall(b"GET /poll HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert stream.recv(9) == b"HTTP/1.1 "
        now = child.part.cpu_seconds() or 0.0
    return now


@pytest.mark.processes
def test_cpu_time_of_a_worker_that_its_master_replaces_stays_and_that_of_the_next_one_is_added(
    running: Running,
) -> None:
    child = running.start("nginx", NetworkPath(proxy="nginx"))
    part, before = running.families[-1], works(child, 0.05)
    _, worker = part.pids
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: len(part.pids) == 2 and worker not in part.pids)
    wait_until(lambda: starting.listens(part, child.port))

    assert (part.cpu_seconds() or 0.0) > before - 2 * TICK_SECONDS
    works(child, 0.05)
    assert not part.has_ended()
    assert 0 == part.restarts


@PROGRAMS
@pytest.mark.processes
def test_proxy_ends_in_order_and_leaves_no_files(name: str, tmp_path: Path) -> None:
    found = Running(tmp_path)
    found.start(name, NetworkPath(proxy=name))  # type: ignore[arg-type]
    pids = found.families[-1].pids
    found.stop()

    assert not (tmp_path / "files0").exists()
    assert [] == [pid for pid in pids if psutil.pid_exists(pid)]


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed: apt install util-linux")
@pytest.mark.processes
def test_program_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    """It knows nothing of us. So the kernel tells it, also when we are killed."""
    own = tmp_path / "files"
    code = f"""
import pathlib, time
from wirerace.runner.parts.family import Family
family = Family("other", ["/bin/sleep", "60"], pathlib.Path({str(tmp_path / "log")!r}), pathlib.Path({str(own)!r}))
print(family.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        wait_until(lambda: "sleep" in psutil.Process(pid).name())
        starter.kill()
    wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
