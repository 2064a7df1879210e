"""Messages from clients: each is acknowledged once, and with fan_out it becomes an update."""

import json
import secrets
from typing import Any, NamedTuple

from wirerace.checking.clients.websocket import FrameClient
from wirerace.checking.http import Answer
from wirerace.checking.promise import FEED, SOCKETS, promise
from wirerace.checking.scene import Scene
from wirerace.checking.verdicts import NotOffered, Unkept
from wirerace.clock import now_ns
from wirerace.wire.frames import Opcode
from wirerace.wire.message import ACKNOWLEDGED, REFUSED

SECTION = "Messages from clients"
MOST_BYTES = 65_536
ANSWER_SECONDS = 1.0
"""A server that does not answer frames in this time does not offer to."""
WITHOUT_SEND = {404, 405, 501}


class CheckMessage(NamedTuple):
    """A message of a check, whose client no other check has."""

    client: str
    n: int
    ts: int
    data: str

    @property
    def encoded(self) -> bytes:
        """The message as it travels."""
        return json.dumps(self._asdict()).encode()


def message(n: int = 1, client: str = "", data: str = "hello") -> CheckMessage:
    """Return a message."""
    return CheckMessage(client or f"check-{secrets.token_hex(4)}", n, now_ns(), data)


async def send(scene: Scene, body: bytes, query: str = "", method: str = "POST") -> Answer:
    """Return the answer to a message that is sent as a request. Raises NotOffered when there is no /send."""
    target = f"/send?{query}" if query else "/send"
    answer = await scene.ask(scene.spelled(target, method=method, body=body))
    if method == "POST" and answer.status in WITHOUT_SEND:
        raise NotOffered(f"POST /send answers {answer.status}")
    return answer


def acknowledged(answer: Answer, sent: CheckMessage) -> dict[str, Any]:
    """Return the acknowledgement of a message. Raises Unkept when it is none."""
    if answer.status != 200:
        raise Unkept("200 with an acknowledgement", f"{answer.status}", answer.seen)
    return acknowledgement_in(answer.body, sent, answer.seen)


def acknowledgement_in(encoded: bytes, sent: CheckMessage, seen: bytes) -> dict[str, Any]:
    """Return an acknowledgement, which must be that of a message."""
    try:
        fields = json.loads(encoded)
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or (fields.get("ack"), fields.get("client")) != (sent.n, sent.client):
        raise Unkept(f'{{"ack": {sent.n}, "client": "{sent.client}", "received": NS}}', "something else", seen)
    if not isinstance(fields.get("received"), int):
        raise Unkept("the time of the receipt, Unix nanoseconds", f"{fields.get('received')!r}", seen)
    return fields


@promise(
    "send",
    "POST /send acknowledges a message with its key and the time of its receipt.",
    SECTION,
    needs=(),
    optional=True,
)
async def acknowledge(scene: Scene) -> None:
    """By the server's clock, which is ours, or nearly."""
    sent = message()
    fields = acknowledged(await send(scene, sent.encoded), sent)
    if fields.get("repeated"):
        raise Unkept("no `repeated` for a new message", "true")
    if abs(fields["received"] - now_ns()) > 60 * 10**9:
        raise Unkept(f"about {now_ns()}", f"{fields['received']}")


@promise(
    "send-once",
    "A message that is sent again is acknowledged with `repeated`, and another one with its key gets 409.",
    f"{SECTION}: Once.",
    needs=(),
    optional=True,
)
async def once(scene: Scene) -> None:
    """`received` is that of the first receipt."""
    sent = message()
    first = acknowledged(await send(scene, sent.encoded), sent)
    again = acknowledged(await send(scene, sent.encoded), sent)
    if again.get("repeated") is not True or again["received"] != first["received"]:
        raise Unkept(f'"repeated": true and received {first["received"]}', json.dumps(again))
    other = await send(scene, sent._replace(data="other").encoded)
    if other.status != 409:
        raise Unkept("409 for another message with the same key", f"{other.status}", other.seen)


@promise(
    "send-refused",
    "What is no message gets 400, one that is too large 413, another method 405.",
    SECTION,
    needs=(),
    optional=True,
)
async def refused(scene: Scene) -> None:
    """And a wrong parameter 400."""
    sent = message()
    cases = {
        "no JSON": (b"hello", "", "POST", 400),
        "a message without its client": (b'{"n":1,"ts":1,"data":"x"}', "", "POST", 400),
        "a message number 0": (sent._replace(n=0).encoded, "", "POST", 400),
        "fan_out=yes": (sent.encoded, "fan_out=yes", "POST", 400),
        "more than 64 KiB": (sent._replace(data="x" * (MOST_BYTES + 1)).encoded, "", "POST", 413),
        "PUT": (sent.encoded, "", "PUT", 405),
    }
    for what, (body, query, method, status) in cases.items():
        answer = await send(scene, body, query, method)
        if answer.status != status:
            raise Unkept(f"{status} for {what}", f"{answer.status}", answer.seen)


@promise(
    "fan-out",
    "With fan_out=true a message becomes one update, and is acknowledged when the producer has made it.",
    f"{SECTION}: Fan-out.",
    needs=(FEED,),
    optional=True,
    seconds=5,
)
async def fan_out(scene: Scene) -> None:
    """It has the message's key, and its ts as `sent`. Without fan_out nobody gets it."""
    client = await scene.subscribe()
    await send(scene, message().encoded)
    sent = message()
    acknowledged(await send(scene, sent.encoded, "fan_out=true"), sent)
    acknowledged(await send(scene, sent.encoded, "fan_out=true"), sent)
    scene.make()
    receipts = await client.receive(2, scene.seconds)
    keys = [(receipt.update.client, receipt.update.n, receipt.update.sent) for receipt in receipts]
    if keys != [(sent.client, sent.n, sent.ts), ("", 0, 0)]:
        raise Unkept("one update of the message, and the next one of the producer", f"{keys}", client.talk.seen)


@promise(
    "fan-out-refused",
    "While the producer cannot be reached, a message with fan_out gets 503, and is made once when it is sent again.",
    f"{SECTION}: Fan-out.",
    needs=(FEED,),
    optional=True,
    seconds=10,
)
async def fan_out_refused(scene: Scene) -> None:
    """Nothing is acknowledged that was not made."""
    client = await scene.subscribe()
    probe = message()
    acknowledged(await send(scene, probe.encoded, "fan_out=true"), probe)
    await client.receive(1, scene.seconds)
    scene.feed.cut()
    sent = message()
    talk = await scene.connect()
    answer = await talk.ask(scene.spelled("/send?fan_out=true", method="POST", body=sent.encoded), scene.seconds + 3)
    if answer.status != 503:
        raise Unkept("503 while the producer is gone", f"{answer.status}", answer.seen)
    await scene.mend()
    acknowledged(await send(scene, sent.encoded, "fan_out=true"), sent)
    receipts = await client.receive(1, scene.seconds)
    if [receipt.update.n for receipt in receipts] != [sent.n]:
        raise Unkept("one update of the message", f"{len(receipts)}", client.talk.seen)


@promise(
    "received",
    "GET /received has the messages of a window, in the order of their receipt.",
    f"{SECTION}: What a server received",
    needs=(),
    optional=True,
)
async def received(scene: Scene) -> None:
    """By the time at which they were to be sent."""
    sent = message()
    fields = acknowledged(await send(scene, sent.encoded), sent)
    answer = await scene.ask(scene.spelled(f"/received?from={sent.ts}&to={sent.ts + 1}"))
    if answer.status in WITHOUT_SEND:
        raise NotOffered(f"/received answers {answer.status}")
    try:
        found = json.loads(answer.body)["messages"][sent.client]
    except (ValueError, LookupError, TypeError):
        found = None
    if found != [[sent.n, sent.ts, fields["received"]]]:
        raise Unkept(f"[[{sent.n}, {sent.ts}, {fields['received']}]] of {sent.client}", f"{found}", answer.seen)


@promise(
    "frames-sent",
    "On a WebSocket a text frame is a message: it is acknowledged or refused in a frame.",
    SECTION,
    on=SOCKETS,
    needs=(),
    optional=True,
)
async def frames_sent(scene: Scene) -> None:
    """A refusal closes nothing. A server that ignores what clients send does not offer this."""
    client = await scene.subscribe()
    sent = message()
    for payload, begin in ((sent.encoded, ACKNOWLEDGED), (b"hello", REFUSED)):
        await client.send(Opcode.TEXT, payload)
        await client.until(lambda begin=begin: bool(_answers(client, begin)), min(scene.seconds, ANSWER_SECONDS))
        replies = _answers(client, begin)
        if not replies and begin == ACKNOWLEDGED and not client.ended:
            raise NotOffered("a message in a frame is not answered")
        if not replies:
            raise Unkept(f"a frame that begins with {begin.decode()}", client.ended or "none", client.talk.seen)
        if begin == ACKNOWLEDGED:
            acknowledgement_in(replies[0], sent, replies[0])


def _answers(client: FrameClient, begin: bytes) -> list[bytes]:
    return [message.payload for message in client.messages if message.payload.startswith(begin)]
