"""Ports for the parts of an experiment: two processes that start something at the same moment get different ones."""

import itertools
import socket
import subprocess
import sys

import pytest

from wirerace.errors import TrialFailed
from wirerace.host import ports
from wirerace.host.ports import BLOCK_PORTS, PORTS, claim, free_port, is_free
from wirerace.runner.parts.process import ROOT

only_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names that go with their process")

SEVERAL = """
import sys
from wirerace.host.ports import free_port
print(*[free_port() for _ in range(100)], flush=True)
sys.stdin.read()
"""
CLAIMING = """
import sys
from wirerace.host.ports import claim
print(claim(int(sys.argv[1])), flush=True)
sys.stdin.read()
"""


def started(program: str, *arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def ended(process: "subprocess.Popen[str]") -> int:
    process.communicate()
    return process.returncode


@pytest.mark.processes
@only_linux
def test_processes_that_choose_at_the_same_time_have_no_port_in_common() -> None:
    processes = [started(SEVERAL) for _ in range(4)]
    chosen = [set(said(process).split()) for process in processes]

    assert [0] * 4 == [ended(process) for process in processes]
    assert all(len(of_one) > BLOCK_PORTS / 2 for of_one in chosen)  # other programs have some of them
    assert set() == set().union(*(one & other for one, other in itertools.combinations(chosen, 2)))


@pytest.mark.processes
@only_linux
def test_claim_is_one_processs_until_it_ends() -> None:
    """The kernel has just given the port, so nothing else on this machine has claimed it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    first = started(CLAIMING, port)
    assert "True" == said(first)
    second = started(CLAIMING, port)
    assert "False" == said(second)
    assert [0, 0] == [ended(process) for process in (first, second)]
    third = started(CLAIMING, port)
    assert "True" == said(third)
    assert 0 == ended(third)


def test_claim_may_be_made_twice_by_the_same_process() -> None:
    port = free_port()

    assert (True, True) == (claim(port), claim(port))


def test_port_is_given_again_only_after_all_others_of_the_block() -> None:
    given = [free_port() for _ in range(BLOCK_PORTS // 2)]

    assert len(given) == len(set(given))
    assert set(given) < set(PORTS)


def test_port_on_which_something_listens_is_not_given() -> None:
    with socket.socket() as listener:
        taken = free_port()
        listener.bind(("127.0.0.1", taken))
        listener.listen()

        assert not is_free(taken)
        assert taken not in {free_port() for _ in range(BLOCK_PORTS)}


def test_no_free_port_is_said_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda *_, **__: False)

    with pytest.raises(TrialFailed, match=r"^no free port between 20000 and 32000: end what listens there$"):
        free_port()


def test_port_where_connections_of_another_run_rest_is_the_second_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server has closed first, so its end of the connection stays in TIME_WAIT for a minute."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(server.getsockname()) as client:
            server.accept()[0].close()
            assert b"" == client.recv(1)
    with socket.create_server(("127.0.0.1", 0)) as other:
        unused = other.getsockname()[1]
    monkeypatch.setattr(ports, "BLOCK_PORTS", 2)
    both = itertools.cycle([port, unused])
    monkeypatch.setattr(ports, "_block", lambda: both)
    assert unused == free_port()

    monkeypatch.setattr(ports, "_block", lambda: itertools.cycle([port]))
    assert port == free_port()
