"""Event streams: ids that are cursors, and a browser that resumes with the last one."""

import re

from wirerace.checking.clients.client import expect_status
from wirerace.checking.promise import promise
from wirerace.checking.promises.starting import is_cursor
from wirerace.checking.scene import Scene
from wirerace.checking.verdicts import Unkept

ON = ("sse",)
SECTION = "Requests: Event streams"
BLANK_LINE = re.compile(rb"\r\n\r\n|\n\n|\r\r")
"""The end of an event."""


@promise("stream-begins", "The stream begins with retry: and with an id: that is the cursor.", SECTION, on=ON)
async def stream_begins(scene: Scene) -> None:
    """A browser cannot read headers. With this id it resumes even before its first update."""
    await scene.make_and_see()
    client = await scene.subscribe()
    await client.until(lambda: bool(client.events.last_id) or BLANK_LINE.search(client.body) is not None, scene.seconds)
    first = client.events.last_id
    if not is_cursor(first):
        raise Unkept("id: <epoch>-<seq> at the beginning", first or "no id", bytes(client.body))
    if client.first.cursor and client.first.cursor != first:
        raise Unkept(f"id: {client.first.cursor}, as in the head", f"id: {first}", bytes(client.body))
    if client.retry_ms is None:
        raise Unkept("retry: milliseconds at the beginning", "none", bytes(client.body))


@promise("event-ids", "Each event has its update's cursor as its id.", SECTION, on=ON)
async def event_ids(scene: Scene) -> None:
    """An event without one would have the id of the event before it."""
    client = await scene.subscribe()
    for receipt in await scene.expect(client, scene.make(5)):
        wanted = f"{receipt.update.epoch}-{receipt.update.seq}"
        if receipt.cursor != wanted:
            raise Unkept(f"id: {wanted}", f"id: {receipt.cursor}" if receipt.cursor else "no id", bytes(client.body))


@promise("event-data", "Each event has its update as data, on one line.", SECTION, on=ON)
async def event_data(scene: Scene) -> None:
    """Its type is message, the default, so that onmessage gets it."""
    client = await scene.subscribe()
    receipts = await scene.expect(client, scene.feed.make("one\ntwo", "three"))
    body = bytes(client.body).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    lines = [line for line in body.split(b"\n") if line.startswith(b"data")]
    if len(lines) != len(receipts):
        raise Unkept(f"{len(receipts)} lines of data", f"{len(lines)}", body)
    if b"\nevent:" in body and any(line not in {b"event: message", b"event:message"} for line in _kinds(body)):
        raise Unkept("events of the type message", "another type", body)


def _kinds(body: bytes) -> list[bytes]:
    return [line for line in body.split(b"\n") if line.startswith(b"event:")]


@promise("last-event-id", "Last-Event-ID resumes, and counts more than `after`.", SECTION, on=ON)
async def last_event_id(scene: Scene) -> None:
    """A browser that reconnects uses the same URL again."""
    await scene.make_and_see()
    before = scene.feed.at(scene.feed.head)
    updates = await scene.make_and_see(4)
    for after in ("", before):
        client = await scene.subscribe(after, headers=f"Last-Event-ID: {scene.feed.at(updates[1].seq)}")
        await scene.expect(client, updates[2:])


@promise("bad-last-event-id", "A malformed Last-Event-ID gets 400.", SECTION, on=ON, needs=())
async def bad_last_event_id(scene: Scene) -> None:
    """An empty one is none."""
    for given, status in {"x": 400, "k3f9-01": 400, "": 200}.items():
        expect_status(await scene.ask_head(scene.request("", f"Last-Event-ID: {given}")), status)
