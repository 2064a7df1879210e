"""The live page's server, with real parts behind it: what it shows, what it controls, and whom it refuses."""

import http.client
import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.race.playing import EXPERIMENT, LivePage
from tests.race.running import PATIENCE_SECONDS, wait_until
from wirerace.transports import TRANSPORTS

pytestmark = pytest.mark.processes

CONTROLS = [
    ("PUT", "/schedule", {"rate_per_second": 40, "arrivals": "periodic"}),
    ("PUT", "/path", {"delay_seconds": 0.02}),
    ("POST", "/cut", {"transport": None}),
    ("POST", "/stall", {"transport": "websocket", "seconds": 0.2}),
    ("PUT", "/crowd", {"clients": 3}),
]
FOREIGN = [
    {"Host": "evil.example"},
    {"Host": "evil.example:8090", "Origin": "http://evil.example:8090"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Sec_Fetch_Site": "cross-site"},
]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePage]:
    live = LivePage(tmp_path_factory.mktemp("watch"))
    yield live
    children = psutil.Process(live.popen.pid).children(recursive=True)
    assert live.close() == 0
    assert not [child for child in children if child.is_running()]


def schedule_of(live: LivePage) -> tuple[float, str]:
    schedule = live.state()["schedule"]
    return schedule["rate_per_second"], schedule["arrivals"]


def test_page_knows_every_transport_and_its_clients_options(live: LivePage) -> None:
    found = {one["name"]: one for one in live.config()["transports"]}

    assert found.keys() == TRANSPORTS.keys()
    for name, transport in TRANSPORTS.items():
        assert (transport.title, transport.color) == (found[name]["title"], found[name]["color"])
    assert 0.2 == found["polling"]["options"]["interval_seconds"]


def test_page_may_connect_to_its_servers_and_nowhere_else(live: LivePage) -> None:
    policy = live.ask("/").headers["Content-Security-Policy"]
    hosts = {re.findall("//([^/]*)", one["url"])[0] for one in live.config()["transports"]}
    (connect,) = re.findall("connect-src ([^;]*);", policy)

    assert {"'self'", *(f"{scheme}://{host}" for scheme in ("http", "ws") for host in hosts)} == set(connect.split())
    assert "default-src 'none'" in policy


def test_page_of_the_live_page_reads_updates_through_its_proxy_and_no_other_page_does(live: LivePage) -> None:
    url = next(one["url"] for one in live.config()["transports"] if one["name"] == "polling")
    allowed = {}
    for origin in (live.url, live.url.replace("127.0.0.1", "localhost"), "http://evil.example"):
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Origin": origin})) as answer:
            allowed[origin] = answer.headers["Access-Control-Allow-Origin"]

    assert [True, True, False] == [origin == answered for origin, answered in allowed.items()]


@pytest.mark.parametrize(("method", "path", "body"), CONTROLS, ids=[path for _, path, _ in CONTROLS])
@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_controls_refuse_other_pages_and_other_names_even_with_the_token(
    live: LivePage, method: str, path: str, body: object, headers: dict[str, str]
) -> None:
    before = live.state()["schedule"], live.state()["delay_seconds"]
    said = live.send(method, path, body, **headers)

    assert (403, 1) == (said.status, said.text.count("\n"))
    assert before == (live.state()["schedule"], live.state()["delay_seconds"])


@pytest.mark.parametrize(("method", "path", "body"), CONTROLS, ids=[path for _, path, _ in CONTROLS])
@pytest.mark.parametrize("token", ["", "Bearer", "Bearer wrong", "Bearer ä"])
def test_controls_refuse_what_lacks_the_token(live: LivePage, method: str, path: str, body: object, token: str) -> None:
    said = live.ask(path, method, body, **({"Authorization": token.encode().decode("latin-1")} if token else {}))

    assert (403, "this needs the token that is in the page: load the page again\n") == (said.status, said.text)


@pytest.mark.parametrize("path", ["/", "/state", "/clock"])
def test_not_even_the_page_is_given_to_a_name_that_any_site_may_have(live: LivePage, path: str) -> None:
    """DNS rebinding: the token is in the page."""
    said = live.ask(path, Host="evil.example")

    assert 403 == said.status
    assert live.config()["token"] not in said.text
    assert [200, 200] == [live.ask(path, Host=host).status for host in ("localhost:1", "[::1]:1")]


@pytest.mark.parametrize(
    ("method", "path", "body", "line"),
    [
        ("PUT", "/schedule", {"rate_per_second": 0, "arrivals": "poisson"}, "the request.rate_per_second must be"),
        ("PUT", "/schedule", {"rate_per_second": 5, "arrivals": "trace"}, "the request.arrivals must be"),
        ("PUT", "/schedule", {}, "rate_per_second is missing; add it to the request"),
        ("PUT", "/path", {"delay_seconds": 6}, "the request.delay_seconds must be a number at most 5"),
        ("POST", "/stall", {"transport": "sse", "seconds": 31}, "the request.seconds must be a number at most 30"),
        ("POST", "/stall", {"transport": "carrier pigeon"}, "transport must be one of polling, longpolling, websocket"),
        ("POST", "/cut", {"transport": "carrier pigeon"}, "transport must be one of polling, longpolling, websocket"),
        ("POST", "/cut", [], "the request must be"),
        ("PUT", "/crowd", {"clients": -1}, "the request.clients must be a whole number at least 0"),
        ("PUT", "/crowd", {"clients": 201}, "the request.clients must be a whole number at most 200"),
        ("PUT", "/crowd", {"clients": 1.5}, "the request.clients must be"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_with_the_reason(
    live: LivePage, method: str, path: str, body: object, line: str
) -> None:
    said = live.send(method, path, body)

    assert (400, 1) == (said.status, said.text.count("\n"))
    assert said.text.startswith(line)


@pytest.mark.parametrize(
    "query", ["round_trip_seconds=-1", "round_trip_seconds=x", "polling.interval_seconds=0", "a=1"]
)
def test_query_that_means_nothing_is_refused(live: LivePage, query: str) -> None:
    said = live.ask(f"/state?{query}")

    assert (400, 1) == (said.status, said.text.count("\n"))


def test_updates_are_made_as_the_page_asks(live: LivePage) -> None:
    assert 200 == live.send("PUT", "/schedule", {"rate_per_second": 40, "arrivals": "periodic"}).status

    assert (40, "periodic") == schedule_of(live)
    producer = live.process("services producer").cmdline()
    with urllib.request.urlopen(f"http://127.0.0.1:{producer[producer.index('--port') + 1]}/schedule") as answer:
        schedule = json.load(answer)
    assert (40, "periodic", 100) == (schedule["rate_per_second"], schedule["arrivals"], schedule["payload_bytes"])


def test_theory_moves_with_delay_and_interval(live: LivePage) -> None:
    live.send("PUT", "/path", {"delay_seconds": 0.1})
    wait_until(lambda: live.state()["theory"]["websocket"]["latency_seconds"] is not None)
    near = live.state(**{"polling.interval_seconds": 0.2})["theory"]
    far = live.state(**{"polling.interval_seconds": 4})["theory"]
    live.send("PUT", "/path", {"delay_seconds": 0})

    assert pytest.approx(1.9) == far["polling"]["latency_seconds"] - near["polling"]["latency_seconds"]
    assert 0.1 <= near["websocket"]["latency_seconds"] == far["websocket"]["latency_seconds"]


def test_cut_closes_the_connections_of_one_lane_or_of_all(live: LivePage) -> None:
    urls = {one["name"]: one["url"] for one in live.config()["transports"]}
    streams = [urllib.request.urlopen(urls[name]) for name in ("sse", "stream")]
    try:
        assert "1" == live.send("POST", "/cut", {"transport": "sse"}).text
        with pytest.raises((OSError, http.client.HTTPException)):  # reset, or ended in the middle of a chunk
            streams[0].read()
        assert "1" == live.send("POST", "/cut", {"transport": None}).text
    finally:
        for stream in streams:
            stream.close()


def test_server_stands_still_for_a_while_and_continues(live: LivePage) -> None:
    assert 200 == live.send("POST", "/stall", {"transport": "polling", "seconds": 1.5}).status
    wait_until(lambda: live.state()["servers"]["polling"]["stalled"])
    again = live.send("POST", "/stall", {"transport": "polling"})
    wait_until(lambda: live.state()["servers"]["polling"]["live"])

    assert (400, "the server of polling stands still already\n") == (again.status, again.text)


def test_vitals_count_bytes_and_no_cpu_time_for_questions(live: LivePage) -> None:
    before = live.state()["servers"]["stream"]
    wait_until(lambda: live.state()["servers"]["stream"]["sampled_ns"] > before["sampled_ns"] + 4e9)
    after = live.state()["servers"]["stream"]

    assert before["sent_bytes"] == after["sent_bytes"]
    assert 0 < after["cpu_seconds"] - before["cpu_seconds"]
    assert after["live"]


def test_server_that_dies_is_started_again_and_counts_from_zero(live: LivePage) -> None:
    live.process("services sse").kill()
    wait_until(lambda: live.state()["servers"]["sse"]["restarts"] == 1)
    wait_until(lambda: live.state()["servers"]["sse"]["live"])

    assert 0 < live.state()["servers"]["sse"]["cpu_seconds"]


def until_clients(live: LivePage, count: int) -> None:
    """Wait until each server has that many clients."""
    wait_until(lambda: all(one["clients"] == count for one in live.state()["servers"].values()))


def test_crowd_comes_grows_and_goes_with_its_process(live: LivePage) -> None:
    live.send("PUT", "/schedule", {"rate_per_second": 20, "arrivals": "poisson"})
    assert 200 == live.send("PUT", "/crowd", {"clients": 4}).status
    until_clients(live, 4)
    assert 200 == live.send("PUT", "/crowd", {"clients": 7}).status
    until_clients(live, 7)
    wait_until(lambda: not live.state()["crowd"]["coming"])
    crowd = live.state()["crowd"]
    locust = live.process("locustfile")
    assert (7, False, "") == (crowd["clients"], crowd["coming"], crowd["trouble"])
    assert 0 < crowd["cpu_seconds"]
    assert 200 == live.send("PUT", "/crowd", {"clients": 0}).status
    until_clients(live, 0)

    wait_until(lambda: not locust.is_running() or locust.status() == psutil.STATUS_ZOMBIE)
    nobody = {"clients": 0, "coming": False, "cpu_seconds": None, "trouble": ""}
    wait_until(lambda: nobody == live.state()["crowd"])


def test_crowd_that_dies_ends_alone_and_says_so(live: LivePage) -> None:
    live.send("PUT", "/crowd", {"clients": 2})
    until_clients(live, 2)
    live.process("locustfile").kill()
    wait_until(lambda: live.state()["crowd"]["clients"] == 0)

    assert "ended in the middle" in live.state()["crowd"]["trouble"]
    assert live.popen.poll() is None
    live.send("PUT", "/crowd", {"clients": 1})
    until_clients(live, 1)
    assert "" == live.state()["crowd"]["trouble"]


@pytest.mark.parametrize("first", ["crowd", "updates"])
def test_crowd_and_updates_together_have_a_bound(live: LivePage, first: str) -> None:
    live.send("PUT", "/crowd", {"clients": 0})
    live.send("PUT", "/schedule", {"rate_per_second": 5, "arrivals": "poisson"})
    crowd = "PUT", "/crowd", {"clients": 100}
    updates = "PUT", "/schedule", {"rate_per_second": 200, "arrivals": "poisson"}
    allowed, refused = (crowd, updates) if first == "crowd" else (updates, crowd)
    assert 200 == live.send(*allowed).status
    said = live.send(*refused)
    live.send("PUT", "/crowd", {"clients": 0})
    live.send("PUT", "/schedule", {"rate_per_second": 20, "arrivals": "poisson"})

    much = "100 clients on each of 5 transports and 200 updates a second are 100,000 deliveries a second"
    assert (400, f"{much}, and 10,000 are the most: fewer clients, or fewer updates\n") == (said.status, said.text)


def test_crowd_ends_with_the_page(tmp_path: Path) -> None:
    own = LivePage(tmp_path)
    own.send("PUT", "/crowd", {"clients": 3})
    until_clients(own, 3)
    locust = own.process("locustfile")

    assert 0 == own.close()
    assert not locust.is_running()


def test_health_says_that_the_page_is_there(live: LivePage) -> None:
    assert 200 == live.ask("/health").status


def test_taken_port_is_said_on_one_line(live: LivePage, tmp_path: Path) -> None:
    (tmp_path / "play.toml").write_text(EXPERIMENT)
    port = live.url.rpartition(":")[2]
    command = [sys.executable, "-m", "wirerace", "watch", "play.toml", "--web-port", port]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    cure = "end what listens there, or name another with --web-port"

    assert (2, "") == (ended.returncode, ended.stdout)
    assert f"wirerace: port {port} is taken: {cure}\n" == ended.stderr
