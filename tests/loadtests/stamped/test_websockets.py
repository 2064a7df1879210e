"""WebSockets of users for any server."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from locust import constant, task

from loadtests.stamped import RequestFailed, StampedMessage, StampedUser
from tests.loadtests.script import Answer, Serve
from tests.loadtests.stamped.stand import Once, StandUp
from wirerace.clock import now_ns
from wirerace.wire.frame_reader import FrameReader
from wirerace.wire.frames import CloseCode, Message, Opcode, encode_close, encode_frame

ONE, TWO = encode_frame(Opcode.TEXT, b"one"), encode_frame(Opcode.BINARY, b"\x00\x02")
HOLD = b""


def upgrade(frames: bytes = b"", headers: bytes = b"") -> Callable[[bytes], bytes]:
    """Return a function that shakes hands as any server does, and sends frames at once."""

    def answer_to(request: bytes) -> bytes:
        key = request.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
        digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest()
        accept = b"Sec-WebSocket-Accept: %b\r\n" % base64.b64encode(digest)
        return b"HTTP/1.1 101 Switching Protocols\r\n" + accept + headers + b"\r\n" + frames

    return answer_to


def sent_in(requests: list[bytes]) -> list[Message]:
    return list(FrameReader(masked=True, max_message_bytes=1000).feed(b"".join(requests)))


@pytest.mark.long
def test_messages_of_text_and_of_bytes_are_received_and_sent(serve: Serve, stand: StandUp) -> None:
    received: list[StampedMessage] = []
    script = serve(upgrade(ONE), TWO, encode_close(CloseCode.NORMAL), HOLD)

    class User(Once):
        headers = {"X-Room": "a"}  # noqa: RUF012

        @task
        def talk(self) -> None:
            with self.websocket("/chat?room=1", headers={"x-room": "b"}, name="/chat") as socket:
                received.append(socket.receive())
                sent_ns = socket.send("hällo")
                received.append(socket.receive())
                self.report("answer", received[-1], since_ns=sent_ns)
                socket.send(b"\xff")
                received.extend(socket)
                assert socket.close_code == CloseCode.NORMAL

    stood = stand(User, script.address)
    stood.wait_for(lambda: len(script.requests) > 3)

    assert b"GET /chat?room=1 HTTP/1.1\r\nHost: 127.0.0.1:" in script.requests[0]
    assert b"\r\nx-room: b\r\n" in script.requests[0]
    assert [(b"one", True), (b"\x00\x02", False)] == [(one.data, one.is_text) for one in received]
    assert {"connect /chat": (1, 0), "message answer": (1, 0)} == stood.rows()
    assert 2 == stood.environment.stats.entries["answer", "message"].total_content_length
    opcodes = [Opcode.TEXT, Opcode.BINARY, Opcode.CLOSE]
    assert opcodes == [message.opcode for message in sent_in(script.requests[1:])][:3]


@pytest.mark.long
def test_a_message_has_the_kernels_stamp_and_says_if_it_is_a_bound(serve: Serve, stand: StandUp) -> None:
    received: list[StampedMessage] = []
    began_ns = now_ns()
    script = serve(upgrade(ONE), ONE + TWO, HOLD)

    class User(Once):
        @task
        def listen(self) -> None:
            with self.websocket("/") as socket:
                received.append(socket.receive())
                socket.send("go on")
                received.extend([socket.receive(), socket.receive()])
                socket.send("enough")

    stand(User, script.address).wait_for(lambda: len(received) == 3)

    assert [True, False] == [one.is_bound for one in received[1:]]
    assert received[1].stamp == received[2].stamp
    assert began_ns <= received[0].arrival_ns <= received[2].arrival_ns <= received[2].read_ns <= now_ns()


REFUSAL = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 8\r\n\r\nno token"


@pytest.mark.parametrize(
    ("answer", "row", "said"),
    [
        (REFUSAL, "connect /", "Refused('401 Unauthorized: no token')"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "connect /", r"""BadAnswer("no HTTP: b'SSH-2.0-OpenSSH\r\n\r\n'")"""),
        (b"HTTP/1.1 101 Fine\r\n\r\n", "connect /", "BadAnswer('101 with a wrong Sec-WebSocket-Accept')"),
        (upgrade(headers=b"Sec-WebSocket-Protocol: x\r\n"), "connect /", "subprotocol that was not offered: 'x'"),
        (upgrade(encode_frame(Opcode.TEXT, b"x", b"abcd")), "receive /", "masks every frame, a server none: b'\\x81"),
        (upgrade(b"\xff\xff\xff\xff"), "receive /", "extension was agreed on: b'\\xff\\xff\\xff\\xff'"),
        (upgrade(encode_close(CloseCode.POLICY, "go")), "receive /", "ServerClosed('the server closed with 1008: go')"),
        (upgrade() , "receive /", "ConnectionLost('the server closed the connection')"),
    ],
    ids=["refusal", "no HTTP", "no accept", "subprotocol", "masked", "reserved", "closed with a code", "closed"],
)  # fmt: skip
def test_a_server_that_fails_is_a_failed_request(
    serve: Serve, stand: StandUp, answer: Answer, row: str, said: str
) -> None:
    """The user's next task comes; no traceback is logged (see the fixture)."""
    script = serve(answer, answer)

    class User(StampedUser):
        wait_time = constant(0.001)

        @task
        def listen(self) -> None:
            with self.websocket("/", subprotocols=["a"]) as socket:
                for _ in socket:
                    pass

    stood = stand(User, script.address)
    script.closes_after = {1, 2}
    stood.wait_for(lambda: stood.rows().get(row, (0, 0))[1] > 1)

    assert said in stood.failures()[0].replace("\\\\", "\\")


def test_a_server_that_is_not_there_is_a_failed_connection(serve: Serve, stand: StandUp) -> None:
    script = serve()
    script.stop()
    failed: list[RequestFailed] = []

    class User(Once):
        @task
        def listen(self) -> None:
            try:
                self.websocket("/ws")
            except RequestFailed as failure:
                failed.append(failure)
                raise

    stood = stand(User, script.address)
    stood.wait_for(lambda: failed)

    assert {"connect /ws": (1, 1)} == stood.rows()
    assert isinstance(failed[0].error, ConnectionRefusedError)


@pytest.mark.long
def test_a_user_waits_no_longer_than_its_timeout(serve: Serve, stand: StandUp) -> None:
    script = serve(HOLD)
    quiet = serve(upgrade(), HOLD)
    silent = serve(upgrade(), HOLD)

    class User(StampedUser):
        wait_time = constant(0.01)
        asked = 0

        @task
        def listen(self) -> None:
            self.asked += 1
            self.timeout = 0.05 if self.asked == 1 else 60
            if self.asked == 1:
                self.websocket("/held")
            elif self.asked == 2:
                self.websocket(f"ws://{quiet.address}/quiet").receive(timeout=0.05)
            elif self.asked == 3:
                for _ in self.websocket(f"ws://{silent.address}/silent").messages(timeout=0.03):
                    pass

    stood = stand(User, script.address)
    stood.wait_for(lambda: len(stood.failures()) == 3)

    assert "connect /held: TooLate('no answer within 0.05 s')" == stood.failures()[0]
    assert "no message within 0.05 s" in stood.failures()[1]
    assert "no message for 0.03 s" in stood.failures()[2]


@pytest.mark.long
def test_messages_end_after_a_duration(serve: Serve, stand: StandUp) -> None:
    script = serve(upgrade(ONE), HOLD)
    received: list[StampedMessage] = []
    ended: list[bool] = []

    class User(Once):
        @task
        def listen(self) -> None:
            with self.websocket("/") as socket:
                received.append(socket.receive())
                received.extend(socket.messages(timeout=60, duration=0.05))
                self.timeout = 0.05  # for its goodbye, which is not answered
            ended.append(True)

    stood = stand(User, script.address)
    stood.wait_for(lambda: ended)

    assert [b"one"] == [one.data for one in received]
    assert {"connect /": (1, 0)} == stood.rows()


@pytest.mark.long
@pytest.mark.parametrize("stop_timeout", [0, 30])
def test_a_user_that_waits_is_stopped_and_says_goodbye(serve: Serve, stand: StandUp, stop_timeout: float) -> None:
    """With a --stop-timeout the task ends by itself: what follows the iteration is done."""
    script = serve(upgrade(ONE), HOLD)
    done: list[str] = []

    class User(Once):
        @task
        def listen(self) -> None:
            with self.websocket("/") as socket:
                self.timeout = 0.05  # for its goodbye, which is not answered
                done.extend(message.text for message in socket)
            done.append("end")

        def on_stop(self) -> None:
            done.append("stop")

    stood = stand(User, script.address, stop_timeout=stop_timeout)
    stood.wait_for(lambda: done)
    with gevent.Timeout(20):
        stood.runner.stop()
    stood.wait_for(lambda: len(script.requests) > 1)

    assert ["one", *(["end"] if stop_timeout else []), "stop"] == done
    assert Opcode.CLOSE is sent_in(script.requests[1:])[0].opcode
    assert {"connect /": (1, 0)} == stood.rows()


def test_what_fails_before_the_tasks_is_tried_again(serve: Serve, stand: StandUp) -> None:
    """Locust would end the user with a traceback."""
    script = serve(REFUSAL, REFUSAL, upgrade(ONE), HOLD)
    received: list[StampedMessage] = []

    class User(StampedUser):
        wait_time = constant(0.001)

        def on_start(self) -> None:
            self.socket = self.websocket("/")

        @task
        def listen(self) -> None:
            received.extend(self.socket)

    stood = stand(User, script.address)
    stood.wait_for(lambda: received)

    assert {"connect /": (3, 2)} == stood.rows()


def test_what_a_task_leaves_open_is_closed_with_its_user(serve: Serve, stand: StandUp) -> None:
    script = serve(upgrade(), HOLD)
    users: list[Any] = []

    class User(Once):
        def on_start(self) -> None:
            users.append(self)
            self.socket = self.websocket("/")

        @task
        def listen(self) -> None:
            for _ in self.socket:
                pass

    stood = stand(User, script.address)
    stood.wait_for(lambda: users and users[0].channels)
    stood.runner.stop()
    stood.wait_for(lambda: not users[0].channels)


def test_sending_on_a_closed_connection_is_a_failed_request(serve: Serve, stand: StandUp) -> None:
    script = serve(upgrade(), HOLD)

    class User(Once):
        @task
        def talk(self) -> None:
            socket = self.websocket("/")
            socket.abort()
            socket.send("x")

    stood = stand(User, script.address)
    stood.wait_for(lambda: stood.count("send", "/"))

    assert ["send /: ConnectionLost('the connection is closed')"] == stood.failures()
