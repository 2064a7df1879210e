"""Workers that are busy, and a worker whose test has ended without it, which joins the next one in its middle."""

import argparse
from typing import Any, NamedTuple
from unittest import mock

import gevent
import msgspec
import pytest
from locust import runners
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

from loadtests.load import LOADS, Load
from loadtests.options import add_options, read_options
from loadtests.workers import MEMBERS, SILENT_BEATS, TEST, Workers, current_test, follow_tests
from wirerace.errors import TrialFailed
from wirerace.observe.account import LoadState
from wirerace.transports import TRANSPORTS

ORDER = '{{"transport": "{}", "options": {{}}, "url": "http://127.0.0.1:1", "seed": 1}}'


def test_master_waits_longer_than_locust_for_a_worker_that_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that lets 5,000 clients come on a busy machine sends no heartbeat for some seconds."""
    monkeypatch.setattr(runners, "HEARTBEAT_LIVENESS", 3)  # Locust's, and to be put back
    environment = Environment()
    master: Any = mock.Mock(spec=["register_message"])
    Workers(environment, master)

    assert SILENT_BEATS == runners.HEARTBEAT_LIVENESS


class Node(NamedTuple):
    """What a master knows of a worker."""

    id: str
    state: str = "running"


class Master:
    """What is used of Locust's runner of a master. Its worker answers some looks later, or never."""

    def __init__(self, answers_after_seconds: float | None) -> None:
        self.clients = mock.Mock(all=[Node("w")])
        self.workers: Workers | None = None
        self._answers_after_seconds = answers_after_seconds

    def register_message(self, *_: object) -> None:
        """Listen to nothing."""

    def send_message(self, _kind: str, data: dict[str, Any], worker: str) -> None:
        if self._answers_after_seconds is not None:
            gevent.spawn_later(self._answers_after_seconds, self.answer, data["number"], worker)
        else:
            self.clients.all = []

    def answer(self, number: int, worker: str) -> None:
        value = msgspec.json.encode(LoadState(subscribed=7))
        assert self.workers is not None
        self.workers._take_answer(mock.Mock(data={"number": number, "value": value}, node_id=worker))


@pytest.mark.parametrize("answers_after_seconds", [0.0, 0.1, None])
def test_busy_worker_is_waited_for_as_long_as_it_is_there(
    monkeypatch: pytest.MonkeyPatch, answers_after_seconds: float | None
) -> None:
    monkeypatch.setattr(runners, "HEARTBEAT_LIVENESS", 3)  # to be put back
    monkeypatch.setattr("loadtests.workers.LOOK_SECONDS", 0.02)
    master: Any = Master(answers_after_seconds)
    master.workers = Workers(Environment(), master)
    master.workers._take_hello(mock.Mock(node_id="w"))
    if answers_after_seconds is None:
        with pytest.raises(TrialFailed, match="has gone with its ledger before it answered"):
            master.workers.state()
    else:
        assert 7 == master.workers.state().subscribed


class Runner:
    """What is used of Locust's runner of a worker: notes what is asked of it."""

    def __init__(self) -> None:
        self.user_classes_count = {"SseUser": 2}
        self.done: list[Any] = []

    def start_worker(self, user_classes_count: dict[str, int]) -> None:
        self.done.append(("start", user_classes_count))

    def stop_users(self, user_classes_count: dict[str, int]) -> None:
        self.done.append(("stop", user_classes_count))


class Worker:
    """A worker as the master's messages find it."""

    def __init__(self) -> None:
        parser = LocustArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter)
        add_options(parser)
        self.environment = Environment(parsed_options=parser.parse_args([]))
        self.runner = Runner()
        follow_tests(self.environment, self.runner, self.begin)  # type: ignore[arg-type]

    def begin(self) -> None:
        """Do what is done when Locust says that a test begins."""
        options = read_options(vars(self.environment.parsed_options))
        LOADS[self.environment] = Load(self.environment, options, test=current_test(self.environment))

    def set(self, test: int, transport: str) -> None:
        """Take over the options of a test."""
        vars(self.environment.parsed_options).update({TEST: test, MEMBERS: [], "contestant": ORDER.format(transport)})

    @property
    def load(self) -> Load:
        return LOADS[self.environment]


@pytest.fixture
def worker() -> Any:
    worker = Worker()
    yield worker
    worker.load.stop()
    del LOADS[worker.environment]


def test_worker_that_missed_the_end_of_its_test_begins_the_next_one_with_its_options(worker: Worker) -> None:
    """Its clients of the old test are stopped. The new ones would have had no address."""
    worker.set(1, "sse")
    worker.begin()
    worker.set(2, "polling")
    worker.runner.start_worker({"PollingUser": 3})

    assert [("stop", {"SseUser": 2}), ("start", {"PollingUser": 3})] == worker.runner.done
    assert 1 == worker.load.address_of(TRANSPORTS["polling"]).port


def test_more_clients_of_the_same_test_keep_their_load(worker: Worker) -> None:
    worker.set(1, "sse")
    worker.begin()
    before = worker.load
    worker.runner.start_worker({"SseUser": 4})

    assert worker.load is before
    assert [("start", {"SseUser": 4})] == worker.runner.done


def test_first_test_of_a_worker_begins_as_locust_says(worker: Worker) -> None:
    worker.set(3, "sse")
    worker.runner.start_worker({"SseUser": 1})

    assert worker.environment not in LOADS
    worker.begin()
    assert 3 == worker.load.test


def test_greeting_of_a_worker_that_the_master_does_not_know_is_no_member(monkeypatch: pytest.MonkeyPatch) -> None:
    """It met the master before this one, at the same address, and will end: nobody must miss its ledgers."""
    monkeypatch.setattr(runners, "HEARTBEAT_LIVENESS", 3)  # to be put back
    master: Any = Master(0.0)
    master.workers = Workers(Environment(), master)
    master.workers._take_hello(mock.Mock(node_id="w"))
    master.workers._take_hello(mock.Mock(node_id="of the master before"))

    assert 1 == master.workers.count()
    assert 7 == master.workers.state().subscribed
