"""Endpoints: a server is looked up once for all clients, and again when it does not answer."""

import socket
from collections.abc import Iterator

import pytest
from gevent import socket as looked_at

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
    monkeypatch.setattr(endpoints, "_KNOWN", {})
    return found


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


def test_server_that_does_not_answer_is_looked_up_again(looks: list[str]) -> None:
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            connect(("127.0.0.1", 1))
    assert 2 == len(looks)
