"""Requests of users for any server, and what they report to Locust."""

from typing import Any

import gevent
import pytest
from locust import constant, task
from locust.env import Environment
from locust.runners import STATE_STOPPED

from loadtests.connection import Address
from loadtests.stamped import StampedResponse, StampedUser
from loadtests.stamped.requests import lines_of, method_of, target_of
from tests.loadtests.script import CLOSE, Serve
from tests.loadtests.stamped.stand import Once, StandUp
from tests.loadtests.swarm import PATIENCE_SECONDS
from wirerace.errors import BadInput

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a\r\nset-cookie: b\r\n\r\nhello"
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
LOST = b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone"
HOLD = b""


def test_requests_share_a_connection_and_are_reported(serve: Serve, stand: StandUp) -> None:
    script = serve(HELLO, EMPTY, LOST, HELLO)
    answers: list[StampedResponse] = []

    class User(Once):
        path = "/first"
        headers = {"Authorization": "Bearer x"}  # noqa: RUF012

        def context(self) -> dict[str, Any]:
            return {"user": "u"}

        @task
        def ask(self) -> None:
            answers.append(self.get(headers={"Accept": "text/plain"}, context={"page": 1}))
            answers.append(self.post("/second", json=[1]))
            answers.append(self.post("/third?id=7", name="/third"))
            answers.append(self.request("DELETE", "/fourth", check=lambda answer: f"said {answer.text}"))

    stood = stand(User, script.address)
    stood.wait_for(lambda: len(answers) > 3)

    assert 1 == script.connections
    assert [(200, True, "hello"), (204, True, ""), (404, False, "gone"), (200, True, "hello")] == [
        (one.status, one.ok, one.text) for one in answers
    ]
    assert {"content-length": "5", "set-cookie": "a, b"} == answers[0].headers
    assert {"GET /first": (1, 0), "POST /second": (1, 0), "POST /third": (1, 1), "DELETE /fourth": (1, 1)} == (
        stood.rows()
    )
    assert ["POST /third: BadAnswer('404: gone')", "DELETE /fourth: CatchResponseError('said hello')"] == (
        stood.failures()
    )
    first, second, third, _ = script.requests
    host = str(script.address).encode()
    lines = b"Host: %b\r\nAuthorization: Bearer x\r\nAccept: text/plain\r\n\r\n" % host
    assert b"GET /first HTTP/1.1\r\n" + lines == first
    assert b"\r\nContent-Type: application/json\r\nContent-Length: 3\r\n" in second
    assert second.endswith(b"\r\n\r\n[1]")
    assert b"\r\nContent-Length: 0\r\n" in third
    for one in answers:
        assert one.asked_ns <= one.sent_ns <= one.arrival_ns <= one.read_ns


@pytest.mark.long
def test_no_answer_is_a_failed_request_and_ends_the_task(serve: Serve, stand: StandUp) -> None:
    script = serve(HELLO, HOLD, CLOSE, b"garbage\r\n\r\n")

    class User(StampedUser):
        wait_time = constant(0.001)

        @task
        def ask(self) -> None:
            self.get("/a")
            self.post("/b", body="x", timeout=0.05)

    stood = stand(User, script.address)
    stood.wait_for(lambda: len(stood.failures()) > 2)

    held, closed, garbage = stood.failures()[:3]
    assert "POST /b: TooLate('no answer within 0.05 s')" == held
    assert "the server closed the connection" in closed or "reset" in closed
    assert ": b'garbage" in garbage


@pytest.mark.long
def test_a_request_that_timed_out_is_not_sent_again(serve: Serve, stand: StandUp) -> None:
    """It is no lost connection, although the connection was kept."""
    script = serve(HELLO, HOLD)

    class User(Once):
        @task
        def ask(self) -> None:
            self.get("/a")
            self.get("/b", timeout=0.05)

    stood = stand(User, script.address)
    stood.wait_for(stood.failures)

    assert (2, 1) == (len(script.requests), script.connections)
    assert {"GET /a": (1, 0), "GET /b": (1, 1)} == stood.rows()


@pytest.mark.long
def test_connection_that_was_closed_while_idle_costs_nothing(serve: Serve, stand: StandUp) -> None:
    script = serve(HELLO, HELLO)
    script.closes_after = {1}
    answers: list[StampedResponse] = []

    class User(Once):
        @task
        def ask(self) -> None:
            answers.extend([self.get("/a"), self.get("/a")])

    stood = stand(User, script.address)
    stood.wait_for(lambda: answers)

    assert {"GET /a": (2, 0)} == stood.rows()
    assert 2 == script.connections


@pytest.mark.long
def test_greenlets_of_a_user_ask_at_the_same_time_each_on_its_own_connection(serve: Serve, stand: StandUp) -> None:
    """And a request that its task has given up leaves no answer for the next one."""
    script = serve(HOLD, EMPTY, HELLO)
    said: list[str] = []

    class User(Once):
        @task
        def ask(self) -> None:
            held = gevent.spawn(self.get, "/held")
            while not script.requests:
                gevent.sleep(0.001)
            said.append(self.post("/b").text)
            held.kill()
            said.append(self.get("/c").text)

    stand(User, script.address).wait_for(lambda: len(said) > 1)

    assert ["", "hello"] == said
    assert [b"GET /held", b"POST /b", b"GET /c"] == [b" ".join(one.split()[:2]) for one in script.requests]
    assert 2 == script.connections


def test_connections_need_not_be_kept(serve: Serve, stand: StandUp) -> None:
    script = serve(HELLO, HELLO)
    script.closes_after = {1, 2}

    class User(Once):
        keep_alive = False

        @task
        def ask(self) -> None:
            self.get("/a")
            self.get("/a")

    stood = stand(User, script.address)
    stood.wait_for(lambda: stood.count("GET", "/a") > 1)

    assert all(b"\r\nConnection: close\r\n" in request for request in script.requests)


@pytest.mark.parametrize(
    ("host", "line"),
    [
        (None, "User.host, or --host: a host is a URL such as http://127.0.0.1:8001, got ''"),
        ("ftp://a", "User.host, or --host: a host is a URL such as http://127.0.0.1:8001, got 'ftp://a'"),
        ("http://a/b", "User.host, or --host: a host is a URL without a path"),
    ],
)
def test_host_that_cannot_be_used_ends_the_test_with_one_line(
    caplog: pytest.LogCaptureFixture, host: str | None, line: str
) -> None:
    done: list[str] = []

    class User(StampedUser):
        def on_start(self) -> None:
            done.append("start")

        @task
        def ask(self) -> None:
            done.append("ask")

    User.host = host
    environment = Environment(user_classes=[User])
    runner = environment.create_local_runner()
    runner.start(3, spawn_rate=3)
    with gevent.Timeout(PATIENCE_SECONDS):
        while runner.state != STATE_STOPPED:
            gevent.sleep(0.005)
    runner.quit()

    assert [] == done
    assert 2 == environment.process_exit_code
    (said,) = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert said.startswith(line)
    assert "Traceback" not in caplog.text


def test_a_target_is_a_path_or_a_whole_url() -> None:
    here, there = Address("here", 80), Address("there", 9000)
    assert (here, "/a?b=http://c") == target_of("ws://here", "/a?b=http://c#d")
    assert (there, "/") == target_of("ws://here", "http://there:9000")
    assert (there, "/a?b=c") == target_of("ws://here", "ws://there:9000/a?b=c")
    assert (here, "/a%20b%C3%A9%0D%0Ac") == target_of("http://here", "/a bé\r\nc")


@pytest.mark.parametrize("path", ["", "a", "//", "ftp://there/a", "http://a b/"])
def test_what_is_no_target_is_bad_input(path: str) -> None:
    if path == "//":
        assert "//" == target_of("http://here", path).target
        return
    with pytest.raises(BadInput):
        target_of("http://here", path)


@pytest.mark.parametrize("headers", [{"a b": "c"}, {"a": "b\r\nc"}, {"": "a"}, {"a": "b\0"}])
def test_what_is_no_header_is_bad_input(headers: dict[str, str]) -> None:
    with pytest.raises(BadInput, match="headers: "):
        lines_of(target_of("http://here", "/"), headers)


@pytest.mark.parametrize("method", ["HEAD", "CONNECT", "G T", ""])
def test_method_whose_answer_cannot_be_read_is_bad_input(method: str) -> None:
    with pytest.raises(BadInput, match="a method is one such as GET or POST"):
        method_of(method, None)
