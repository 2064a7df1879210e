"""Endpoints: a server is looked up once for all clients, and again when it does not answer."""

import socket
from collections.abc import Iterator

import gevent
import pytest
from gevent import socket as looked_at
from gevent.event import Event

from loadtests import endpoints
from loadtests.endpoints import connect, endpoints_of


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of names that are looked up."""
    found: list[str] = []
    of_system = looked_at.getaddrinfo

    def look(host: str, *arguments: int) -> object:
        found.append(host)
        return of_system(host, *arguments)

    monkeypatch.setattr(looked_at, "getaddrinfo", look)
    return found


@pytest.fixture(autouse=True)
def nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "_KNOWN", {})
    monkeypatch.setattr(endpoints, "_LOOKED_UP", set())


@pytest.fixture
def port() -> Iterator[int]:
    """Yield a port on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_many_clients_look_once(port: int, looks: list[str]) -> None:
    for _ in range(3):
        connect(("localhost", port)).close()
    assert ["localhost"] == looks


def test_every_endpoint_of_a_name_is_tried(port: int, looks: list[str]) -> None:
    known = endpoints_of(("localhost", port))
    nobody = endpoints.Endpoint(socket.AF_INET, ("127.0.0.1", 1))
    known.insert(0, nobody)

    stream = connect(("localhost", port))
    assert stream.getpeername() == ("127.0.0.1", port)
    stream.close()
    assert ["localhost"] == looks


def test_name_that_does_not_answer_is_looked_up_again_and_nobody_waits_for_it(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, looking, goes_on = ("localhost", 1), list[object](), Event()
    known = endpoints_of(address)

    def slow(*given: object) -> object:
        looking.append(given)
        goes_on.wait()
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port))]

    monkeypatch.setattr(looked_at, "getaddrinfo", slow)
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            connect(address)
        gevent.sleep(0)
    assert (1, known) == (len(looking), endpoints_of(address)), "what is known stays meanwhile"

    goes_on.set()
    gevent.sleep(0)
    connect(address).close()


def test_name_that_is_unknown_for_a_while_leaves_what_was_known(monkeypatch: pytest.MonkeyPatch) -> None:
    address = ("localhost", 1)
    known = endpoints_of(address)

    def unknown(*_: object) -> object:
        raise looked_at.gaierror(looked_at.EAI_AGAIN, "try again")

    monkeypatch.setattr(looked_at, "getaddrinfo", unknown)
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            connect(address)
        gevent.sleep(0)
    assert known == endpoints_of(address)


def test_address_is_no_name_to_look_up(looks: list[str]) -> None:
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            connect(("127.0.0.1", 1))
    gevent.sleep(0)
    assert ["127.0.0.1"] == looks
