"""The inbox: what is counted, what is remembered, and that the answer to one client is no matter of another."""

import json

import pytest
from prometheus_client import CollectorRegistry

from services.inbox import Inbox
from services.relay import Relay, Then
from wirerace.observe.metrics import ServiceMetrics
from wirerace.wire.message import Acknowledgement, Passed, Refusal

URL = "http://127.0.0.1:1"


class Held(Relay):
    """A relay that holds what it is to pass on."""

    def __init__(self) -> None:
        super().__init__(URL)
        self.held: list[tuple[Passed, Then]] = []

    def add(self, message: Passed, then: Then) -> None:
        self.held.append((message, then))


class Box:
    """An inbox, its clock, and the answers that it gave."""

    def __init__(self, most_per_second: int = 1_000) -> None:
        self.now = 1_000
        self.metrics = ServiceMetrics(CollectorRegistry())
        self.relay = Held()
        self.inbox = Inbox(self.metrics, self.relay, most_per_second, lambda: self.now)
        self.answers: list[Acknowledgement | Refusal] = []

    def take(self, n: int, client: str = "ann", data: str = "x", channel: str = "", *, fan_out: bool = False) -> None:
        encoded = json.dumps({"client": client, "n": n, "ts": 5, "data": data}).encode()
        self.inbox.take(encoded, self.answers.append, channel=channel, fan_out=fan_out)

    @property
    def counted(self) -> list[int]:
        return list(self.metrics.messages.values())


async def test_message_is_passed_on_with_its_channel_and_answered_with_the_outcome() -> None:
    box = Box()
    box.take(3, channel="7", fan_out=True)
    ((passed, then),) = box.relay.held
    assert Passed("7", "ann", 3, 5, "x") == passed
    assert [] == box.answers
    assert [0, 0, 0] == box.counted
    box.now = 2_000
    then(True)
    assert [Acknowledgement(3, "ann", 1_000)] == box.answers
    assert [1, 0, 0] == box.counted


async def test_message_counts_as_what_it_was_answered_with() -> None:
    """Each answer counts once, and accepted is the first acknowledgement."""
    box = Box()
    for _ in range(4):
        box.take(1, fan_out=True)
    for (_, then), is_made in zip(box.relay.held, (False, True, False, True), strict=True):
        then(is_made)
    unavailable = Refusal(503, "the producer does not take messages: try again", "ann", 1)
    acknowledged = Acknowledgement(1, "ann", 1_000, repeated=True)
    assert [unavailable, acknowledged, unavailable, acknowledged] == box.answers
    assert [1, 1, 2] == box.counted


async def test_refusal_names_the_message_where_it_is_known() -> None:
    box = Box(most_per_second=1)
    box.inbox.take(b"{", box.answers.append, channel="", fan_out=False)
    box.take(1)
    box.take(2)
    assert [("", 0), ("ann", 2)] == [(one.client, one.n) for one in box.answers if isinstance(one, Refusal)]


async def test_content_of_old_messages_is_forgotten_and_their_keys_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.inbox.REMEMBERED", 2)
    box = Box()
    for n in (1, 2, 3):
        box.take(n)
    box.now = 9_000
    box.take(1, data="another one, which nobody can know")
    box.take(2, data="another one")
    assert Acknowledgement(1, "ann", 9_000, repeated=True) == box.answers[-2]
    assert 409 == box.answers[-1].refused  # type: ignore[union-attr]
    assert 2 == len(box.inbox._newest)


async def test_clients_that_send_are_remembered_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one whose second began first is forgotten first."""
    monkeypatch.setattr("services.inbox.MOST_CLIENTS", 2)
    box = Box(most_per_second=1)
    for client in ("ann", "bob"):
        box.take(1, client)
    box.now += 1_000_000_000
    box.take(2, "ann")
    box.take(1, "cat")
    assert {"ann", "cat"} == set(box.inbox._senders)


async def test_clock_that_is_set_back_blocks_nobody() -> None:
    box = Box(most_per_second=1)
    box.now = 10**18
    box.take(1)
    box.now = 5
    box.take(2)
    assert all(isinstance(answer, Acknowledgement) for answer in box.answers)
