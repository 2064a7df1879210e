"""Networks of the stack: each part reaches what it needs, and nothing else; Prometheus answers no foreign page."""

import urllib.error
import urllib.request

import pytest

from tests.stack.compose import Stack
from wirerace.transports import TRANSPORTS

pytestmark = pytest.mark.stack

REACHES = {
    **{name: {"producer:8000"} for name in TRANSPORTS},
    "watch": {"producer:8000", *(f"{name}:{transport.port}" for name, transport in TRANSPORTS.items())},
    "locust": {"producer:8000"},
    "locust-worker": {"locust:5557", *(f"{name}:{transport.port}" for name, transport in TRANSPORTS.items())},
}
"""What each part needs."""
PLACES = {"producer:8000", "polling:8001", "locust:9646", "locust:8089", "1.1.1.1:53"}
"""What no other part may reach: the schedule, a server, the load's control and its page, the Internet."""
ALLOWED = {
    "polling": {"polling:8001"},
    "locust": {"locust:9646", "locust:8089"},
    "locust-worker": {"locust:9646", "locust:8089", "polling:8001"},
    "producer": {"producer:8000", "polling:8001", "locust:9646", "locust:8089"},
    "watch": set(),
}
"""The exceptions: parts that share a network with one of them by necessity."""
LOOK = """
import os, socket, sys, threading
def look(place):
    host, port = place.split(":")
    try:
        socket.create_connection((host, int(port)), 3).close()
        os.write(1, (place + "\\n").encode())  # in one piece
    except OSError:
        pass
looks = [threading.Thread(target=look, args=[place], daemon=True) for place in sys.argv[1:]]
for one in looks:
    one.start()
for one in looks:
    one.join(4)  # a name that is unknown here is asked for outside, in vain, for much longer
os._exit(0)
"""


def reached(stack: Stack, part: str, places: set[str]) -> set[str]:
    """Return which of some places a part can connect to."""
    said = stack.compose("exec", "-T", part, "/opt/venv/bin/python", "-c", LOOK, *sorted(places))
    return set(said.split())


@pytest.mark.parametrize("part", REACHES)
def test_part_reaches_what_it_needs(stack: Stack, part: str) -> None:
    assert REACHES[part] == reached(stack, part, REACHES[part])


@pytest.mark.parametrize("part", ALLOWED)
def test_part_reaches_nothing_else(stack: Stack, part: str) -> None:
    allowed = ALLOWED[part] | REACHES.get(part, set())
    assert set() == reached(stack, part, PLACES - allowed)


def test_prometheus_lets_no_page_of_another_origin_read(stack: Stack) -> None:
    url = f"http://127.0.0.1:{stack.ports['PROMETHEUS_PORT']}/api/v1/query?query=up"
    request = urllib.request.Request(url, headers={"Origin": "http://evil.example"})
    with urllib.request.urlopen(request) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] is None


@pytest.mark.parametrize(
    ("port", "path", "method"),
    [("PRODUCER_PORT", "/schedule", "PUT"), ("LOAD_CONTROL_PORT", "/finish", "POST"), ("LOCUST_PORT", "/stop", "POST")],
)
def test_page_of_another_origin_changes_nothing(stack: Stack, port: str, path: str, method: str) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{stack.ports[port]}{path}", b"{}", method=method)
    request.add_header("Origin", "http://evil.example")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request)


def test_no_part_may_swap_or_fill_the_memory_with_files(stack: Stack) -> None:
    for container in stack.containers():
        host = container["HostConfig"]
        assert host["Memory"] == host["MemorySwap"] > 0, container["Name"]
        assert all("size=" in options for options in (host.get("Tmpfs") or {}).values()), container["Name"]
