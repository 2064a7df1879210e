"""A load on other hosts: what listens where, what is refused in one line, and how a run waits for load processes."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

import pytest
from msgspec.structs import replace

from tests.wirerace.trials import plan_of
from wirerace.cli.workers import place_in
from wirerace.errors import BadInput, TrialFailed
from wirerace.experiment.model import Experiment, LoadOptions
from wirerace.experiment.paths import NetworkPath
from wirerace.experiment.reading import study_of
from wirerace.experiment.settings import Study
from wirerace.host.cores import cautions
from wirerace.runner import clocks, joining
from wirerace.runner.clocks import UdpPlace, answer_waiting, ask
from wirerace.runner.joining import WorkerCount, _Worker, await_hosts, join
from wirerace.runner.peer import NoAnswer
from wirerace.runner.targets.compose import SUPPORTED as OF_STACK
from wirerace.runner.targets.hosts import WithHosts, local_target
from wirerace.runner.targets.local import Local
from wirerace.runner.targets.locust import master_and_worker
from wirerace.runner.targets.supported import OF_PAGE
from wirerace.runner.targets.target import LoadChild, refuse_unsupported
from wirerace.wire.probe import question, read_answer

ADDRESS = "127.0.0.1"


@pytest.fixture
def first_port() -> Iterator[int]:
    """Three ports that are free."""
    for port in range(41_000, 42_000, 3):
        try:
            for number, kind in enumerate((socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_STREAM)):
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind((ADDRESS, port + number))
        except OSError:
            continue
        yield port
        return


def study_with(first_port: int, address: str = ADDRESS, **keys: Any) -> Study:
    """Return an experiment whose load comes from other hosts."""
    load = {"address": address, "first_port": first_port, "processes": 2}
    return study_of({"title": "t", "transports": ["websocket"], "load": load} | keys, Path())


def test_what_load_hosts_reach_listens_at_the_address_and_all_else_on_loopback(tmp_path: Path, first_port: int) -> None:
    target = WithHosts(study_with(first_port), tmp_path)
    experiment = Experiment("t", ["websocket"], load=LoadOptions(address="10.0.0.1"))
    plan = plan_of("websocket", experiment=experiment)
    plain, far, secure = (
        plan._replace(contestant=replace(plan.contestant, path=path))
        for path in (NetworkPath(), NetworkPath(delay_seconds=0.1), NetworkPath(tls=True))
    )

    assert target.clock == f"{ADDRESS}:{first_port + 1}"
    assert target.load_cores == 2
    assert target._peer_of(plain).client_address == (ADDRESS, first_port + 2)
    assert (target.address, target.entry_port) == (ADDRESS, first_port + 2)
    for other in (far, secure):  # a link is there, or TLS
        assert target._peer_of(other).port not in range(first_port, first_port + 3)
    target.close()


def test_load_on_this_machine_has_no_clock(tmp_path: Path) -> None:
    target = local_target(study_of({"title": "t", "transports": ["sse"]}, Path()), tmp_path)

    assert type(target) is Local
    assert not target.clock
    target.close()


def test_address_of_another_machine_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"^load.address: 192.0.2.1 is no address of this machine: Cannot assign"):
        local_target(study_with(5557, "192.0.2.1"), tmp_path)


@pytest.mark.parametrize("address", ["nowhere.invalid", "a b", "x" * 70])
def test_address_that_is_none_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(BadInput, match=r"^load.address: .+ is no address of this machine: "):
        local_target(study_with(5557, address), tmp_path)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_port_that_is_taken_is_refused(tmp_path: Path, first_port: int, number: int) -> None:
    kind = socket.SOCK_DGRAM if number == 1 else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind((ADDRESS, first_port + number))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        with pytest.raises(BadInput, match=rf"^load.first_port: port {first_port + number} of {ADDRESS} is not free"):
            local_target(study_with(first_port), tmp_path)


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ({"clients": {"browsers": 1}}, "clients.browsers: a browser beside the clients"),
        (
            {"contestants": [{"id": "a", "transport": "sse", "server": {"start": "nchan"}}]},
            "a: a foreign server",
        ),
    ],
)
def test_what_other_hosts_cannot_have_is_refused(
    tmp_path: Path, first_port: int, keys: dict[str, Any], what: str
) -> None:
    with pytest.raises(BadInput, match=f"^{what} is not available with load.address: leave it out, and let the load"):
        local_target(study_with(first_port, **keys), tmp_path)


def test_stack_and_page_refuse_other_hosts() -> None:
    with pytest.raises(BadInput, match=r"^load.address: a load on other hosts needs an experiment: use wirerace run"):
        refuse_unsupported(study_with(5557), OF_PAGE)
    with pytest.raises(BadInput, match=r"^load.address: a load on other hosts "):
        refuse_unsupported(study_with(5557), OF_STACK)


def test_cores_of_this_machine_are_no_caution_for_processes_of_others() -> None:
    assert cautions(study_with(5557, load={"address": "10.0.0.1", "processes": 64})) == []
    assert cautions(study_with(5557, load={"processes": 64})) != []


def test_master_and_workers_of_one_machine_stay_on_loopback() -> None:
    master, worker = master_and_worker(3, 5000)

    assert master == [
        "--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", "5000", "--expect-workers", "3",
    ]  # fmt: skip
    assert worker[:5] == ["--worker", "--master-host", "127.0.0.1", "--master-port", "5000"]


class Waiting:
    """A run that waits for load processes, of which more come at each look."""

    def __init__(self, *counts: int | Exception) -> None:
        self.reports: list[str] = []
        self.peer = mock.Mock()
        self.peer.get.side_effect = [WorkerCount(one) if isinstance(one, int) else one for one in counts]
        self.load = LoadChild(mock.Mock(), self.peer)

    def wait(self, processes: int = 2) -> None:
        options = LoadOptions(processes=processes, address="10.0.0.1")
        await_hosts(self.load, options, self.reports.append, lambda: None)


def test_run_waits_until_all_load_processes_have_come() -> None:
    waiting = Waiting(0, NoAnswer("busy"), 1, 2)
    waiting.peer.is_open.side_effect = [False, True, True, True, True]
    waiting.wait()

    assert [text.split(" load")[0] for text in waiting.reports] == [
        f"waiting for {left} of 2" for left in (2, 2, 2, 1, 0)
    ]
    assert waiting.reports[0].endswith("at 10.0.0.1:5557")


def test_load_processes_that_do_not_come_fail_the_trial_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "HOSTS_SECONDS", -1.0)

    with pytest.raises(
        TrialFailed, match=r"^1 of 2 load processes have come from other hosts: start wirerace workers 10.0.0.1:5557"
    ):
        Waiting(1).wait()


def test_too_many_load_processes_fail_the_trial() -> None:
    """Their clients would be others than the plan's, and nobody would know which."""
    with pytest.raises(TrialFailed, match=r"^3 load processes have come from other hosts, and load.processes is 2"):
        Waiting(3).wait()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("10.0.0.1", ("10.0.0.1", 5557)),
        ("10.0.0.1:6000", ("10.0.0.1", 6000)),
        ("producer.lan", ("producer.lan", 5557)),
        ("producer.lan:1", ("producer.lan", 1)),
        ("fd00::1", ("fd00::1", 5557)),
        ("[fd00::1]", ("fd00::1", 5557)),
        ("[fd00::1]:6000", ("fd00::1", 6000)),
    ],
)
def test_place_of_a_run_is_an_address_with_or_without_a_port(text: str, place: tuple[str, int]) -> None:
    assert place_in(text) == place


@pytest.mark.parametrize("text", ["", ":5557", "10.0.0.1:x", "10.0.0.1:0", "10.0.0.1:65536", "a b", "10.0.0.1:"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"^HOST\[:PORT\] is an address such as 10.0.0.1 or 10.0.0.1:5557, got "):
        place_in(text)


def test_clock_answers_a_probe_and_nothing_else(first_port: int) -> None:
    place = UdpPlace(ADDRESS, first_port + 1)
    with place.opened() as opened, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(5)
        asking.sendto(b"what time is it?", place)
        asking.sendto(question(7, 1234), place)
        while not asking_has(asking):
            answer_waiting(opened, lambda: 99)
        number, probe = read_answer(asking.recv(100), 5) or no_answer()
        assert not asking_has(asking)

    assert (number, probe.sent_ns, probe.answered_ns, probe.arrived_ns) == (7, 1234, 99, 5)
    assert probe.received_ns > 10**18, "stamped by the kernel"


def asking_has(asking: socket.socket) -> bool:
    """Return whether an answer has come."""
    asking.setblocking(False)
    try:
        return bool(asking.recv(100, socket.MSG_PEEK))
    except BlockingIOError:
        return False


def no_answer() -> NoReturn:
    raise AssertionError("that is no answer")


def test_nobody_answers_where_nobody_listens(first_port: int) -> None:
    assert ask(UdpPlace(ADDRESS, first_port + 1), 0.01) is None


def test_clock_that_cannot_listen_says_so_in_one_line(capsys: pytest.CaptureFixture[str], first_port: int) -> None:
    with UdpPlace(ADDRESS, first_port).opened():
        assert clocks.main([ADDRESS, str(first_port)]) == 2

    assert capsys.readouterr().err == f"clock: cannot listen on {ADDRESS}:{first_port}/udp: Address already in use\n"


def test_run_that_cannot_be_found_is_refused() -> None:
    failed = OSError(-2, "Name or service not known")
    with (
        mock.patch("wirerace.runner.joining.socket.getaddrinfo", side_effect=failed),
        pytest.raises(BadInput, match=r"^nowhere.invalid cannot be found: Name or service not known$"),
    ):
        join("nowhere.invalid", 5557, 1)


@pytest.mark.processes
def test_load_process_that_cannot_run_ends_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(joining, "locust_command", lambda: ["-c", "raise SystemExit(3)"])

    with pytest.raises(TrialFailed, match=r"^a load process ended as soon as it started, 3 times: see what it said"):
        join(ADDRESS, 5557, 2)


@pytest.mark.processes
def test_load_process_that_has_done_its_work_is_started_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each trial ends it. Its arguments name the run, and it knows its parent."""
    notes = tmp_path / "notes"
    said = "sys.argv[3] + ' ' + os.environ['WIRERACE_PARENT_PID']"
    note = f"import os, sys; print({said}, file=open({str(notes)!r}, 'a'))"
    monkeypatch.setattr(joining, "AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(joining, "locust_command", lambda: ["-c", note])
    looks = iter(range(1000))

    def look(_: _Worker) -> None:
        before(_)
        if next(looks) > 900 or (notes.exists() and len(notes.read_text().splitlines()) >= 4):
            raise KeyboardInterrupt

    before = _Worker.look
    monkeypatch.setattr(_Worker, "look", look)
    with pytest.raises(KeyboardInterrupt):
        join(ADDRESS, 5557, 1)
    assert set(notes.read_text().splitlines()) == {f"{ADDRESS} {os.getpid()}"}
