"""The page's fields of the producer: what they show, and what is set."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from loadtests.producer import ProducerFields
from tests.refusals import lacking
from wirerace.errors import BadInput

SCHEDULE = {"rate_per_second": 5.0, "arrivals": "poisson", "payload_bytes": 100, "seed": 3, "trace": [], "start_ns": 9}
TRACE = SCHEDULE | {"arrivals": "trace", "trace": [[0.0, None]], "trace_file": "a.csv", "speed": 2}


class Producer(HTTPServer):
    """Keeps the last schedule; it refuses a rate of 0."""

    schedule: dict[str, Any] | None = SCHEDULE
    given: list[dict[str, Any]]


class Handler(BaseHTTPRequestHandler):
    server: Producer

    def do_GET(self) -> None:
        self._answer(200, self.server.schedule)

    def do_PUT(self) -> None:
        schedule = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if schedule["rate_per_second"] == 0:
            self._answer(400, "no rate")
            return
        self.server.given.append(schedule)
        self.server.schedule = schedule
        self._answer(200, schedule)

    def _answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def producer() -> Iterator[Producer]:
    producer = Producer(("127.0.0.1", 0), Handler)
    producer.given = []
    thread = threading.Thread(target=producer.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield producer
    producer.shutdown()
    thread.join()
    producer.server_close()


def fields_of(producer: Producer) -> ProducerFields:
    return ProducerFields(f"http://127.0.0.1:{producer.server_port}")


def form(rate: str = "5", arrivals: str = "poisson", payload: str = "100") -> dict[str, str]:
    return {"producer_rate_per_second": rate, "producer_arrivals": arrivals, "producer_payload_bytes": payload}


def test_fields_show_the_schedule(producer: Producer) -> None:
    assert form() == fields_of(producer).values()
    producer.schedule = None
    assert form("", "", "") == fields_of(producer).values()
    producer.schedule = SCHEDULE | {"rate_per_second": 1234.5678, "payload_bytes": {"min": 1, "median": 2, "max": 3}}
    assert form("1234.5678", "poisson", "") == fields_of(producer).values()


def test_only_what_was_changed_is_set(producer: Producer) -> None:
    """The rest may have been set elsewhere meanwhile."""
    fields = fields_of(producer)
    fields.values()
    producer.schedule = SCHEDULE | {"rate_per_second": 200.0}
    fields.set(form())
    assert [] == producer.given
    fields.set(form(payload="1000"))
    assert [SCHEDULE | {"rate_per_second": 200.0, "payload_bytes": 1000, "start_ns": None}] == producer.given


def test_empty_field_changes_nothing(producer: Producer) -> None:
    fields_of(producer).set(form("", "", ""))
    assert [] == producer.given


def test_trace_is_shown_as_nothing_and_ends_when_other_arrivals_are_picked(producer: Producer) -> None:
    producer.schedule = TRACE
    fields = fields_of(producer)
    assert form("", "", "") == fields.values()
    with pytest.raises(BadInput, match="plays a trace: pick other arrivals"):
        fields.set(form("50", "", ""))
    fields.set(form("50", "periodic", ""))
    (given,) = producer.given
    assert ("periodic", 50, [], None) == tuple(
        given[key] for key in ("arrivals", "rate_per_second", "trace", "trace_file")
    )


@pytest.mark.parametrize(
    ("typed", "place", "facts"),
    [
        (form(rate="fast"), "--producer-rate-per-second", ["a number", "'fast'"]),
        (form(payload="1.5"), "--producer-payload-bytes", ["whole number", "'1.5'"]),
        (form(rate="0"), "the producer refuses", ['"no rate"']),
    ],
)
def test_what_makes_no_sense_is_said(producer: Producer, typed: dict[str, str], place: str, facts: list[str]) -> None:
    with pytest.raises(BadInput) as error:
        fields_of(producer).set(typed)
    assert [] == lacking(str(error.value), place, facts), error.value
    assert [] == producer.given


def test_producer_that_is_not_there_is_named_and_shows_nothing() -> None:
    fields = ProducerFields("http://127.0.0.1:1")
    assert form("", "", "") == fields.values()
    with pytest.raises(BadInput, match="does not answer: Connection refused"):
        fields.set(form())


def test_url_that_is_none_is_refused() -> None:
    with pytest.raises(BadInput, match="--producer-url: a host is a URL"):
        ProducerFields("ftp://nonsense")
