"""A master's questions to its workers: how long it waits for the answers."""

from collections.abc import Callable
from typing import Any

import gevent
import msgspec
import pytest
from locust.env import Environment

from loadtests import workers
from loadtests.workers import Workers
from wirerace.errors import TrialFailed
from wirerace.observe.account import AccountRecord, LoadState

ANSWERS = {"state": LoadState(received=7), "finish": AccountRecord(received=7)}
SLOW_SECONDS = 0.2


class SlowRunner:
    """A runner with one worker, whose answers take a while: it encodes the account of a long window."""

    def __init__(self) -> None:
        client = type("AnyClient", (), {"id": "worker", "state": "running"})
        self.clients = type("AnyClients", (), {"all": [client]})
        self.take: dict[str, Callable[..., None]] = {}

    def register_message(self, kind: str, take: Callable[..., None]) -> None:
        self.take[kind] = take

    def send_message(self, _kind: str, data: dict[str, Any], worker: str) -> None:
        answer = {"number": data["number"], "value": msgspec.json.encode(ANSWERS[data["question"]])}
        message = type("AnyMessage", (), {"data": answer, "node_id": worker})
        gevent.spawn_later(SLOW_SECONDS, self.take[workers.ANSWER], message)


@pytest.fixture
def master(monkeypatch: pytest.MonkeyPatch) -> Workers:
    for name in ("ANSWER_SECONDS", "LOOK_SECONDS"):
        monkeypatch.setattr(workers, name, SLOW_SECONDS / 20)
    runner: Any = SlowRunner()
    found = Workers(Environment(), runner)
    found._members.add("worker")
    return found


@pytest.mark.long
def test_account_of_a_long_window_may_take_its_time(master: Workers) -> None:
    assert 7 == master.finish().received


def test_worker_that_does_not_say_its_state_in_time_fails_the_trial(
    master: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SlowRunner, "send_message", lambda *_: None)
    with pytest.raises(TrialFailed, match="does not answer"):
        master.state()
