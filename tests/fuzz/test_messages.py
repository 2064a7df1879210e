"""What clients send, what servers pass on, and what the producer answers to it."""

import asyncio
import json
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from services.inbox import Inbox
from services.parameters import channel_of, fan_out_of, ns_of, parameters_of
from services.passed import messages_in
from services.relay import Relay, outcomes_in
from tests.contract.frames import TEXT, frame
from tests.contract.raw import Raw, get
from tests.contract.senders import Framing, Posting, Sender, post
from tests.contract.stage import Stage
from tests.fuzz.fuzzing import (
    INPUTS,
    counts,
    damaged,
    damaged_or_edited,
    damaged_text,
    fuzzed,
    refuses_by_errors_of_its_own,
)
from wirerace.observe.metrics import ServiceMetrics
from wirerace.wire.message import Acknowledgement, Refusal, decode_acknowledgement, decode_refusal, encode, is_client

MESSAGES: list[Any] = [
    {"client": "ann", "n": 1, "ts": 1_790_000_000_000_000_000, "data": "hello"},
    {"client": "b-_0", "n": 10**18 - 1, "ts": 0, "data": "ä😀\u2028\u0000"},
    {"client": "ann", "n": 2, "ts": 5, "data": "", "more": [1, {}]},
]
PASSED: list[Any] = [[["", "ann", 1, 5, "x"], ["7", "bob", 2, 5, "ä"]], [["", "ann", 1, 5, "x"]] * 3, []]
LIVE = min(INPUTS, 20_000) or 300
"""Inputs that a server gets in a test, over sockets."""


@pytest.mark.long
@fuzzed
def test_inbox(random: Random) -> None:
    """Each input has one answer, which its client can read."""
    metrics = ServiceMetrics(CollectorRegistry())
    inbox = Inbox(metrics, Relay("http://127.0.0.1:1"), random.choice((1, 1000)))
    answers: list[Acknowledgement | Refusal] = []
    encoded = damaged_or_edited(random, MESSAGES)
    for sent in (encoded, json.dumps(MESSAGES[0]).encode(), encoded):
        counts["inputs"] += 1
        inbox.take(sent, answers.append, channel="", fan_out=False)
    assert 3 == len(answers) == sum(metrics.messages.values())
    for answer in answers:
        if isinstance(answer, Refusal):
            assert answer == decode_refusal(encode(answer))
            assert answer.why.isprintable()
            assert len(answer.why) < 2_000
        else:
            assert is_client(answer.client)
            assert answer == decode_acknowledgement(encode(answer))


@fuzzed
def test_messages_that_a_server_passes_on(random: Random) -> None:
    refuses_by_errors_of_its_own(messages_in, damaged_or_edited(random, PASSED))


@fuzzed
def test_answer_of_a_producer(random: Random) -> None:
    answer = damaged_or_edited(random, [[True, False], [True], []])
    refuses_by_errors_of_its_own(lambda given: outcomes_in(given, 2), answer)


def queried(query: str) -> None:
    request: web.BaseRequest = SimpleNamespace(query_string=query)  # type: ignore[assignment]
    parameters = parameters_of(request)
    channel_of(parameters)
    fan_out_of(parameters)
    ns_of(parameters, "from")


@fuzzed
def test_query(random: Random) -> None:
    text = damaged_text(random, (b"channel=7&fan_out=true&from=1", b"fan_out=false&from=9223372036854775807"))
    refuses_by_errors_of_its_own(queried, text)


@pytest.mark.long
@pytest.mark.parametrize("kind", [Posting, Framing])
@pytest.mark.parametrize("query", ["", "fan_out=true"])
async def test_server_answers_whatever_a_client_sends(kind: type[Sender], query: str) -> None:
    """Never with 500, and the producer, whose feed has each message, is alive after them all."""
    random = Random(INPUTS or 7)
    stage = Stage("websocket")
    await stage.start()
    try:
        await stage.serve(max_messages_per_second=10**6)
        sender = await kind.open(stage, query)
        for _ in range(LIVE):
            encoded = damaged_or_edited(random, MESSAGES).decode(errors="replace").encode()
            reply = await sender.send(encoded)
            assert reply.status in {200, 400, 409, 429}, (encoded, reply)
            counts["inputs"] += 1
        await stage.make_and_see()
        assert 0 == await stage.server.metric("request_timeouts_total")
    finally:
        await stage.close()


HEADS = [
    post(json.dumps(MESSAGES[0]).encode(), "channel=7&fan_out=true"),
    get("/send", "Transfer-Encoding: chunked", method="POST") + b'3\r\n{"c\r\n1\r\n}\r\n0\r\n\r\n',
    get("/messages", method="POST", body=json.dumps(PASSED[0]).encode()),
    get("/received?from=0&to=9", "Expect: 100-continue"),
]


@pytest.mark.long
async def test_services_survive_whatever_comes_as_a_request() -> None:
    """They answer with no 500, or end the connection."""
    random = Random(INPUTS or 7)
    stage = Stage("stream")
    await stage.start()
    try:
        await stage.serve()
        for _ in range(LIVE):
            raw = await Raw.open(random.choice((stage.server, stage.producer)).port)
            sent = damaged(random, HEADS)
            cut = random.randint(0, len(sent))
            raw.post(sent[:cut])
            await asyncio.sleep(0)
            raw.post(sent[cut:])
            raw.end_sending()
            answer = await raw.rest()
            assert b" 500 " not in answer, (sent, answer)
            raw.close()
            counts["inputs"] += 1
        await stage.server.until_health(200)
        await stage.make_and_see()
    finally:
        await stage.close()


@pytest.mark.long
async def test_websocket_survives_whatever_comes_in_frames() -> None:
    random = Random(INPUTS or 7)
    seeds = [frame(TEXT, json.dumps(message).encode()) for message in MESSAGES]
    stage = Stage("websocket")
    await stage.start()
    try:
        await stage.serve()
        for _ in range(LIVE):
            client = await Framing.open(stage, random.choice(("", "fan_out=true")))
            client.raw.post(damaged(random, seeds) + seeds[0])
            client.raw.end_sending()
            await client.raw.rest()
            client.raw.close()
            counts["inputs"] += 1
        await stage.server.until_metric("clients", 0)
        await stage.make_and_see()
    finally:
        await stage.close()
