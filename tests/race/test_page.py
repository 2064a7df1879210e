"""Locust's page, driven through its web API as a browser drives it."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from loadtests import demo
from tests.race.playing import EXPERIMENT, Playground
from tests.race.running import PATIENCE_SECONDS, wait_until
from wirerace.transports import TRANSPORTS

pytestmark = pytest.mark.processes

POLLS = 'wirerace_responses_total{outcome="empty"}'


@pytest.fixture(scope="module")
def playground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playground]:
    playground = Playground(tmp_path_factory.mktemp("play"))
    yield playground
    children = psutil.Process(playground.popen.pid).children(recursive=True)
    assert playground.close() == 0
    assert not [child for child in children if child.is_running()]


@pytest.fixture
def stopped(playground: Playground) -> Iterator[Playground]:
    yield playground
    playground.stop()


def test_page_offers_classes_shapes_and_options(playground: Playground) -> None:
    page = playground.page("/")
    for transport in TRANSPORTS.values():
        assert transport.user_class in page
    for name in ("Steady", "Steps", "Spike", "Ramp", "ReconnectStorm"):
        assert name in page
    fields = ("polling_interval_seconds", "longpolling_hold_seconds", "longpolling_repoll_delay_seconds")
    for name in (*fields, "polling_keep_alive", "longpolling_keep_alive", "websocket_host", "storm_jitter_seconds"):
        assert name in page
    assert playground.urls["websocket"] in page


def test_tables_show_requests_and_deliveries_with_fractions_of_a_millisecond(stopped: Playground) -> None:
    started = stopped.post("/swarm", user_count=10, spawn_rate=10, polling_interval_seconds="0.1")
    assert started["success"], started
    requests = {"GET /poll", "GET /longpoll (held)", "connect /ws", "connect /sse", "connect /stream"}
    updates = {f"UPDATE {transport.path}" for transport in TRANSPORTS.values()}
    wait_until(lambda: requests | updates <= stopped.rows().keys())
    connected = requests - {"GET /poll", "GET /longpoll (held)"}
    wait_until(lambda: [2] * 3 == [stopped.rows()[name]["num_requests"] for name in connected])
    rows = stopped.rows()
    assert any(row["median_response_time"] % 1 for row in rows.values())
    assert any(row["min_response_time"] % 1 for row in rows.values())
    assert stopped.report()["errors"] == []


def test_test_that_is_stopped_and_started_again_leaves_nothing_behind(stopped: Playground) -> None:
    first = {"user_classes": "PollingUser", "polling_interval_seconds": "0.05"}
    assert stopped.post("/swarm", user_count=4, spawn_rate=4, **first)["success"]
    wait_until(lambda: "UPDATE /poll" in stopped.rows())
    assert {"GET /poll", "UPDATE /poll", "Aggregated"} == stopped.rows().keys()
    wait_until(lambda: stopped.metric("polling", "wirerace_clients") == 4)
    stopped.stop()
    wait_until(lambda: stopped.metric("polling", "wirerace_clients") == 0)
    assert re.search(r"Ledger: 4 clients received [1-9]\d* updates; missing 0, received again 0\n", stopped.log)

    assert stopped.post("/swarm", user_count=3, spawn_rate=3, user_classes="WebSocketUser")["success"]
    wait_until(lambda: "UPDATE /ws" in stopped.rows())
    assert {"connect /ws", "UPDATE /ws", "Aggregated"} == stopped.rows().keys()
    wait_until(lambda: stopped.rows()["connect /ws"]["num_requests"] == 3)


def test_results_can_be_downloaded(stopped: Playground) -> None:
    assert stopped.post("/swarm", user_count=2, spawn_rate=2, user_classes="WebSocketUser")["success"]
    wait_until(lambda: "UPDATE /ws" in stopped.rows())
    assert re.search(r"^UPDATE,/ws,[1-9]", stopped.page("/stats/requests/csv"), flags=re.MULTILINE)
    assert stopped.page("/stats/failures/csv").startswith("Method,Name,Error,Occurrences")
    assert "/ws" in stopped.page("/stats/report?download=1")


def test_failures_say_what_failed(stopped: Playground) -> None:
    form = {"user_classes": "WebSocketUser", "websocket_host": stopped.urls["polling"]}
    assert stopped.post("/swarm", user_count=1, spawn_rate=1, **form)["success"]
    wait_until(lambda: bool(stopped.report()["errors"]))
    (error,) = stopped.report()["errors"]
    assert ("connect", "/ws") == (error["method"], error["name"])
    assert error["error"].startswith("404 Not Found: no such path; there are ")
    stopped.stop()
    stopped.post("/swarm", user_count=1, spawn_rate=1, websocket_host=stopped.urls["websocket"])


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"polling_interval_seconds": "0"}, "--polling-interval-seconds must be a number at least 0.01, got '0'"),
        ({"polling_interval_seconds": "x"}, "--polling-interval-seconds must be a number, got 'x'"),
        ({"websocket_host": "nowhere"}, "a host is a URL such as http://127.0.0.1:8001, got 'nowhere'"),
        ({"user_count": "5.5"}, "user_count must be a whole number from 1 to 100000, got '5.5'"),
        (
            {"spawn_rate": "nan", "shape_class": "Ramp"},
            "spawn_rate must be a number above 0 and at most 100000, got 'nan'",
        ),
        ({"shape_class": "Steps", "steps_stages": ""}, "steps has no stages: give some, each with its clients and"),
        ({"shape_class": "Spike", "spike_base_clients": "3"}, "spike asks for 3 clients, and there are 2 at most"),
    ],
)
def test_options_that_do_not_fit_are_refused_on_the_page(
    playground: Playground, form: dict[str, str], message: str
) -> None:
    answer = playground.post("/swarm", **({"user_count": "2", "spawn_rate": "2"} | form))
    assert not answer["success"]
    assert message in answer["message"]
    assert playground.report()["state"] in {"ready", "stopped"}


def test_shape_is_picked_on_the_page(stopped: Playground) -> None:
    form = {"shape_class": "Steps", "steps_stages": "2:2,7:60", "user_classes": "WebSocketUser"}
    assert stopped.post("/swarm", user_count=7, spawn_rate=10, **form)["success"]
    wait_until(lambda: stopped.metric("websocket", "wirerace_clients") == 2)
    wait_until(lambda: stopped.metric("websocket", "wirerace_clients") == 7)


def test_storm_is_picked_on_the_page(stopped: Playground) -> None:
    form = {"shape_class": "ReconnectStorm", "storm_at_seconds": "0.5", "user_classes": "WebSocketUser"}
    assert stopped.post("/swarm", user_count=5, spawn_rate=10, **form)["success"]
    wait_until(lambda: stopped.rows().get("connect /ws", {}).get("num_requests") == 10)
    assert stopped.report()["errors"] == []
    assert stopped.report()["user_count"] == 5
    stopped.stop()
    wait_until(lambda: stopped.metric("websocket", "wirerace_clients") == 0)
    assert "Ledger: 5 clients received" in stopped.log


def test_storm_that_was_stopped_before_does_not_cut_the_next_test(stopped: Playground) -> None:
    form = {"shape_class": "ReconnectStorm", "storm_at_seconds": "2", "user_classes": "WebSocketUser"}
    assert stopped.post("/swarm", user_count=2, spawn_rate=10, **form)["success"]
    wait_until(lambda: stopped.metric("websocket", "wirerace_clients") == 2)
    stopped.stop()
    ledgers = stopped.log.count("Ledger:")
    form = {"shape_class": "Ramp", "ramp_for_seconds": "1", "user_classes": "WebSocketUser", "run_time": "3s"}
    assert stopped.post("/swarm", user_count=3, spawn_rate=10, **form)["success"]
    wait_until(lambda: stopped.log.count("Ledger:") > ledgers)
    assert re.search("^connect,/ws,3,", stopped.page("/stats/requests/csv"), flags=re.MULTILINE)


def test_shape_is_not_started_over_a_running_test(stopped: Playground) -> None:
    assert stopped.post("/swarm", user_count=2, spawn_rate=2, user_classes="WebSocketUser")["success"]
    wait_until(lambda: stopped.metric("websocket", "wirerace_clients") == 2)
    answer = stopped.post("/swarm", user_count=2, spawn_rate=2, shape_class="Ramp", user_classes="WebSocketUser")
    assert (False, "a test is running: stop it before you start a shape or change one") == (
        answer["success"],
        answer["message"],
    )


def test_demo_takes_nothing_from_the_test_before_it(stopped: Playground, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its classes nor its options."""
    for name in TRANSPORTS:
        monkeypatch.setenv(f"WIRERACE_{name.upper()}_HOST", stopped.urls[name])
    form = {
        "user_classes": "PollingUser",
        "polling_interval_seconds": "0.05",
        "polling_host": stopped.urls["websocket"],
    }
    assert stopped.post("/swarm", user_count=2, spawn_rate=2, **form)["success"]
    wait_until(lambda: bool(stopped.report()["errors"]))
    stopped.stop()

    assert demo.start(stopped.urls["Locust's page"], 10)
    wait_until(
        lambda: (
            {"GET /poll", "GET /longpoll (held)", "connect /ws", "connect /sse", "connect /stream"}
            <= stopped.rows().keys()
        )
    )
    wait_until(lambda: stopped.metric("polling", "wirerace_clients") == 2)
    assert stopped.report()["errors"] == []
    before, begun = stopped.metric("polling", POLLS), time.monotonic()
    time.sleep(2)
    assert stopped.metric("polling", POLLS) - before < 2 * 2 * (time.monotonic() - begun), "once a second each"


def test_taken_port_is_said_on_one_line(playground: Playground, tmp_path: Path) -> None:
    (tmp_path / "play.toml").write_text(EXPERIMENT)
    port = playground.urls["Locust's page"].rpartition(":")[2]
    command = [sys.executable, "-m", "wirerace", "locust", "play.toml", "--web-port", port]
    finished = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    assert (2, "") == (finished.returncode, finished.stdout)
    cure = "end what listens there, or name another with --web-port"
    assert f"wirerace: port {port} is taken: {cure}\n" == finished.stderr


def test_locust_that_ends_ends_it_with_its_last_words(tmp_path: Path) -> None:
    playground = Playground(tmp_path)
    children = psutil.Process(playground.popen.pid).children()
    (locust,) = [child for child in children if "locustfile.py" in " ".join(child.cmdline())]
    locust.kill()
    assert playground.popen.wait(PATIENCE_SECONDS) == 1
    assert "wirerace: the load ended" in playground.stderr
