"""What other programs send: cursors, queries, schedules, frames, answers, feeds, metrics."""

import base64
import hashlib
import json
from contextlib import closing
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from loadtests.asking import AskingUser
from loadtests.connection import Address, BytesTaker, Stamp, never
from loadtests.http import HttpClient
from loadtests.user import SubscriberUser
from loadtests.websocket import WebSocketUser
from loadtests.ws import HANDSHAKE_GUID, WebSocketClient
from services.making import Making
from services.parameters import cursor_of, parameters_of, seconds_of
from services.record import Record
from services.schedules import schedule_in
from tests.fuzz.fuzzing import counts, damaged, damaged_or_edited, damaged_text, fuzzed, refuses_by_errors_of_its_own
from tests.services.feeds import feed_of
from tests.wirerace.results import RAW
from wirerace.errors import ConnectionLost
from wirerace.observe.account import AccountRecord
from wirerace.observe.metrics import ServiceMetrics
from wirerace.runner.peer import Peer
from wirerace.runner.sampling import server_sample
from wirerace.wire.deflate import Deflater, Inflater, InflatingReader
from wirerace.wire.frame_reader import FrameReader
from wirerace.wire.frames import Opcode, encode_frame, payload_of
from wirerace.wire.negotiation import agreed, checked_answer
from wirerace.wire.update import Cursor, Update, encode_update, join_batch
from wirerace.workload.schedule import Schedule

NOW_NS = 1_790_000_000_000_000_000
SCHEDULES: list[Any] = [
    {"arrivals": "poisson", "rate_per_second": 50, "payload_bytes": {"min": 1, "median": 20, "max": 3000}, "seed": 7},
    {"arrivals": "bursty", "rate_per_second": 5, "on_seconds": 0.5, "off_seconds": 2, "payload_bytes": 0},
    {"arrivals": "trace", "trace": [[0, "a"], [0.5, None], [2, "ä"]], "speed": 2.0, "trace_file": "x.csv"},
    {"arrivals": "periodic", "start_ns": NOW_NS, "rate_per_second": 10_000},
]
UPDATES = [encode_update(Update("k3f9", seq, NOW_NS + seq, "x" * seq)) for seq in range(1, 4)]
ACCOUNTS: list[Any] = [msgspec.json.decode(msgspec.json.encode(RAW.account)), {}]
CHUNKS = (1, 2, 7, 100, 4_000, 100_000)
"""The bytes of one read."""
ADDRESS = Address("127.0.0.1", 1)
KEY = base64.b64encode(bytes(16))
ACCEPT = base64.b64encode(hashlib.sha1(KEY + HANDSHAKE_GUID, usedforsecurity=False).digest())


class Scripted:
    """A connection to a peer that sends the bytes of a script, in chunks, and closes."""

    stamp = Stamp(0, 0, by_kernel=False)
    opened_ns = secured_ns = 0
    is_cut = False

    def __init__(self, said: bytes, chunk_bytes: int) -> None:
        self._chunks = in_chunks(said, chunk_bytes)

    def send(self, data: bytes) -> None:
        """Drop the bytes."""

    def receive(self, take: BytesTaker = never) -> bytes:
        while self._chunks:
            chunk = self._chunks.pop(0)
            if not take(chunk):
                return chunk
        raise ConnectionLost("the script is over")

    def close(self) -> None:
        self._chunks.clear()


def in_chunks(data: bytes, chunk_bytes: int) -> list[bytes]:
    """Return data in at most some 60 chunks."""
    chunk_bytes = max(chunk_bytes, len(data) // 60)
    return [data[begin : begin + chunk_bytes] for begin in range(0, len(data), chunk_bytes)]


@fuzzed
def test_cursor(random: Random) -> None:
    text = damaged_text(random, (b"k3f9-17", b"0-0", b"zzzzzzzzzzzzzzzz-999999999999999999"))
    refuses_by_errors_of_its_own(Cursor.parse, text)


def queried(query: str) -> None:
    request: web.BaseRequest = SimpleNamespace(query_string=query)  # type: ignore[assignment]
    parameters = parameters_of(request)
    seconds_of(parameters, "hold", 25.0, 3600.0)
    cursor_of(parameters)


@fuzzed
def test_query(random: Random) -> None:
    text = damaged_text(random, (b"after=k3f9-17&hold=2.5", b"hold=1e-3", b"from=1&to=2", b"after=&after"))
    refuses_by_errors_of_its_own(queried, text)


def played(content: bytes) -> None:
    """Do what the producer does with a schedule that is set, and begin to play it."""
    schedule = schedule_in(content)
    start_ns = schedule.start_ns or NOW_NS
    making = Making(schedule, start_ns, start_ns)
    due = making.due(making.next_ns)
    assert start_ns <= due[0].at_ns < 2**63
    assert all(len(data.encode()) <= 1_048_576 for _, data, _ in due)


@fuzzed
def test_schedule(random: Random) -> None:
    refuses_by_errors_of_its_own(played, damaged_or_edited(random, SCHEDULES))


RECORD = (
    b'{"schedule":{"rate_per_second":3.0,"seed":9,"start_ns":100},"options":null}\n'
    b'["k3f9",1,1790000000000000000,5]\n["k3f9",2,1790000000000000010,5]\n{"gap":true}\n["k3f9",5,1790000000000000050,0]\n'
    b'{"schedule":{"arrivals":"trace","trace":[[0,"a"],[1.5,null]]}}\n["x",1,1790000000000000060,1]\n'
)


@pytest.mark.long
@fuzzed
def test_record_of_a_producer(directory: Path, random: Random) -> None:
    """It is always read as far as possible, and can always be continued."""

    def live_again(content: bytes) -> None:
        path = directory / "record"
        path.write_bytes(content)
        with closing(Record(path)) as record:
            record.begin(Schedule(seed=random.randint(0, 3)))
            record.add(Update("new", 1, NOW_NS, ""), 5)
            assert ("new", [1]) in [(made.epoch, made.seq[-1:]) for made in record.between(0, 2**63).epochs]

    live_again(damaged(random, [RECORD]))
    counts["inputs"] += 1


FRAMES = (
    encode_frame(Opcode.TEXT, UPDATES[0])
    + encode_frame(Opcode.PING, b"x")
    + encode_frame(Opcode.CLOSE, b"\x03\xe8bye"),
    encode_frame(Opcode.TEXT, UPDATES[1], b"mask") + encode_frame(Opcode.BINARY, b"x" * 200, b"\x00\x00\x00\x00"),
    b"\x01\x02ab\x80\x01c" + encode_frame(Opcode.TEXT, b"x" * 70_000),
)


@pytest.mark.long
@fuzzed
def test_frames(random: Random) -> None:
    reader = FrameReader(masked=random.random() < 0.5, max_message_bytes=100_000)
    parts = in_chunks(damaged(random, FRAMES), random.choice(CHUNKS))
    refuses_by_errors_of_its_own(lambda given: [list(reader.feed(part)) for part in given], parts)


def compressed_frame(payload: bytes) -> bytes:
    frame = Deflater(12, 5, takes_over=False).frame(encode_frame(Opcode.TEXT, payload))
    return encode_frame(frame[0] & 0x7F, payload_of(frame), b"\x00" * 4)


COMPRESSED_FRAMES = (
    b"".join(map(compressed_frame, UPDATES)),
    compressed_frame(b"x" * 300_000),
    compressed_frame(bytes(range(128)) * 700) + encode_frame(Opcode.PING, b"", b"mask"),
)
EXTENSIONS = (
    b"permessage-deflate; client_max_window_bits",
    b'x; a="b", permessage-deflate; server_max_window_bits=12; client_no_context_takeover',
    b"permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12",
)


@fuzzed
def test_compressed_frames(random: Random) -> None:
    inflater = Inflater(random.randint(9, 15), 100_000, takes_over=random.random() < 0.5)
    reader = InflatingReader(inflater, masked=True, max_message_bytes=100_000)
    parts = in_chunks(damaged(random, COMPRESSED_FRAMES), random.choice(CHUNKS))
    refuses_by_errors_of_its_own(lambda given: [list(reader.feed(part)) for part in given], parts)


@fuzzed
def test_extensions(random: Random) -> None:
    header, shared = damaged_text(random, EXTENSIONS), random.random() < 0.5
    refuses_by_errors_of_its_own(lambda given: agreed(given, 12, shared=shared), header)
    refuses_by_errors_of_its_own(lambda given: checked_answer(given, shared=shared), header)


BATCH = join_batch(UPDATES)
ANSWERS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nWirerace-Cursor: k3f9-3\r\n\r\n%b" % (len(BATCH), BATCH),
    b"HTTP/1.1 204 No Content\r\nWirerace-Cursor: k3f9-17\r\n\r\n" * 2,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n",
)


def asked(content: bytes, chunk_bytes: int) -> None:
    """Do what a polling client does with two answers."""
    user: Any = SimpleNamespace(cursor="", epoch="", channel="")
    user.checked = lambda updates: SubscriberUser.checked(user, updates)
    with patch("loadtests.http.open_connection", lambda *_: Scripted(content, chunk_bytes)):
        client = HttpClient(ADDRESS)
        for _ in range(2):
            AskingUser.updates_in(user, client.get("/poll"))


@fuzzed
def test_answers_to_a_poll(random: Random) -> None:
    content, chunk_bytes = damaged(random, ANSWERS), random.choice(CHUNKS)
    refuses_by_errors_of_its_own(lambda given: asked(given, chunk_bytes), content)


HANDSHAKE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: %b\r\nWirerace-Cursor: k3f9-17\r\n\r\n" % ACCEPT
)


def listened(content: bytes, chunk_bytes: int) -> None:
    with (
        patch("loadtests.ws.open_connection", lambda *_: Scripted(content, chunk_bytes)),
        patch("loadtests.ws.os.urandom", bytes),
    ):
        user: Any = SimpleNamespace(epoch="", channel="", outbox=None)
        user.checked = lambda updates: SubscriberUser.checked(user, updates)

        def take(messages: list[bytes], stamp: Stamp) -> bool:
            WebSocketUser.updates_in(user, messages, stamp)
            return True

        client = WebSocketClient(ADDRESS, "/ws")
        for taking in (never, take, never, take, never):
            WebSocketUser.updates_in(user, client.receive(taking), client.stamp)


@pytest.mark.long
@fuzzed
def test_handshake_and_messages(random: Random) -> None:
    content, chunk_bytes = damaged(random, [HANDSHAKE + frames for frames in FRAMES]), random.choice(CHUNKS)
    refuses_by_errors_of_its_own(lambda given: listened(given, chunk_bytes), content)


def followed(content: bytes) -> None:
    feed = feed_of(ServiceMetrics(CollectorRegistry()), epoch="k3f9")
    for line in content.split(b"\n"):
        if line:
            feed.publish([line])


@fuzzed
def test_feed(random: Random) -> None:
    refuses_by_errors_of_its_own(followed, damaged(random, (b"\n".join(UPDATES), UPDATES[0])))


class Saying(Peer):
    """A peer that gives the same answer to every request."""

    def __init__(self, status: int, said: bytes) -> None:
        super().__init__("the load", 1)
        self._said = status, said

    def _exchange(self, *_: object) -> tuple[int, bytes]:
        return self._said


@pytest.mark.long
@fuzzed
def test_answers_to_an_experiment(random: Random) -> None:
    status, content = random.choice([200, 200, 503]), damaged_or_edited(random, ACCOUNTS)
    refuses_by_errors_of_its_own(lambda given: Saying(status, given).get("/finish", AccountRecord), content)


METRICS = (
    b'# HELP x y\nwirerace_payload_bytes_total 5.0\nwirerace_clients{a="b c"} 1e3\nwirerace_received_bytes_total 7\n'
)


@fuzzed
def test_metrics(random: Random) -> None:
    content = damaged(random, [METRICS])
    refuses_by_errors_of_its_own(lambda given: server_sample(Saying(200, given).metrics(), None, 0), content)


def test_what_is_damaged_was_whole() -> None:
    for schedule in SCHEDULES:
        played(json.dumps(schedule).encode())
    followed(b"\n".join(UPDATES))
    assert AccountRecord() != Saying(200, msgspec.json.encode(RAW.account)).get("/finish", AccountRecord)
    with pytest.raises(ConnectionLost, match="the script is over"):
        asked(ANSWERS[0], 100)
    with pytest.raises(ConnectionLost, match="the server closed with 1000: bye"):
        listened(HANDSHAKE + FRAMES[0], 4000)
