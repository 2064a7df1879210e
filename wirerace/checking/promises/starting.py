"""Where a client starts, and that it gets every update from there: once, in order, as it was made."""

import asyncio

from wirerace.checking.promise import promise
from wirerace.checking.scene import Scene
from wirerace.checking.verdicts import Unkept
from wirerace.errors import BadCursor
from wirerace.wire.update import Cursor, Update

SECTION = "Where a client starts"
MANY = 20
BURST = 300
LARGE_BYTES = 1_048_576
PAYLOADS = (
    "",
    " ",
    "text",
    '"quoted" \\ {"json": [1, 2]}',
    "two\nlines\r\nand\ttabs",
    "\u2028 \u00fcber \U0001f600",
    "\x00\x1f",
)


def is_cursor(text: str) -> bool:
    """Return whether a text is a cursor."""
    try:
        Cursor.parse(text)
    except BadCursor:
        return False
    return True


@promise("cursor", "The first answer carries a cursor.", "Words on the wire")
async def cursor(scene: Scene) -> None:
    """It is in the header Wirerace-Cursor, and leads to what is made next."""
    client = await scene.subscribe()
    if not is_cursor(client.first.cursor):
        raise Unkept("Wirerace-Cursor: <epoch>-<seq>", client.first.cursor or "no such header", client.first.seen)
    updates = scene.make(2)
    client.close()
    resumed = await scene.subscribe(client.first.cursor)
    await scene.expect(resumed, updates)


@promise("next-update", "A client without a cursor gets the next update that is made.", SECTION)
async def next_update(scene: Scene) -> None:
    """None of those before it."""
    await scene.make_and_see(3)
    client = await scene.subscribe()
    await scene.expect(client, scene.make())


@promise(
    "as-made", "An update arrives as it was made: epoch, seq, ts and every character of data.", "Words on the wire"
)
async def as_made(scene: Scene) -> None:
    """A field more would be visible to clients, too."""
    client = await scene.subscribe()
    await scene.expect(client, scene.feed.make(*PAYLOADS))


@promise("large", "An update with a payload of 1 MiB arrives whole.", "Requests", seconds=5)
async def large(scene: Scene) -> None:
    """The largest that a schedule may have."""
    client = await scene.subscribe()
    await scene.expect(client, scene.make(1, LARGE_BYTES), scene.seconds + 3)
    await scene.expect(client, scene.make())


@promise("once-in-order", "Every update arrives once, and in order.", SECTION, seconds=5)
async def once_in_order(scene: Scene) -> None:
    """In bursts, and one by one; the last one shows that nothing came twice."""
    client = await scene.subscribe()
    for count in (1, BURST, 1, 2, 1):
        await scene.expect(client, scene.make(count))


@promise("many-clients", "Every client gets every update.", SECTION)
async def many_clients(scene: Scene) -> None:
    """Those that come in between get what is made from then on."""
    clients = [await scene.subscribe() for _ in range(MANY)]
    updates = scene.make(3)
    late = await scene.subscribe(scene.feed.at(updates[0].seq))
    await asyncio.gather(*(scene.expect(client, updates) for client in clients))
    await scene.expect(late, updates[1:])


@promise("resume", "A client that comes back with its cursor gets what it missed, without a gap.", SECTION)
async def resume(scene: Scene) -> None:
    """Its own cursor, as the server gave it, is sent back unchanged."""
    client = await scene.subscribe()
    await scene.expect(client, scene.make(5))
    client.close()
    missed = await scene.make_and_see(5)
    resumed = await scene.subscribe(client.cursor)
    await scene.expect(resumed, [*missed, *scene.make(2)])


@promise("from-any-cursor", "A cursor leads to everything after it, also <epoch>-0 and the newest one.", SECTION)
async def from_any_cursor(scene: Scene) -> None:
    """In an epoch of its own."""
    scene.feed.begin_epoch()
    updates = scene.make(6)
    await scene.until_followed()
    await saw(scene, updates)
    for seq in (0, 1, 3, 5, 6):
        client = await scene.subscribe(scene.feed.at(seq))
        after = scene.make() if seq == len(updates) else []
        await scene.expect(client, [*updates[seq:], *after])
        client.close()


@promise("gap", "A cursor older than what is kept leads to the oldest kept update: the gap shows in seq.", SECTION)
async def gap(scene: Scene) -> None:
    """A producer that has dropped its first updates makes the gap."""
    scene.feed.begin_epoch(first=8)
    updates = scene.make(3)
    await scene.until_followed()
    await saw(scene, updates)
    client = await scene.subscribe(scene.feed.at(2))
    await scene.expect(client, updates)


@promise("unknown-epoch", "A cursor of an unknown epoch leads to the oldest update that is kept.", SECTION, seconds=5)
async def unknown_epoch(scene: Scene) -> None:
    """What is kept is the server's business, but the updates made last are among it."""
    updates = await scene.make_and_see(3)
    client = await scene.subscribe("nosuchepoch-7")
    found: list[Update] = []
    while found[-len(updates) :] != updates:
        receipts = await client.receive(1, scene.seconds)
        if not receipts:
            raise Unkept(
                f"all that is kept, to {scene.feed.at(updates[-1].seq)}", f"{len(found)} updates", client.talk.seen
            )
        found.append(receipts[0].update)
    keys = [(update.epoch, update.seq) for update in found]
    if len(set(keys)) < len(keys):
        raise Unkept("each update once", "one of them again", client.talk.seen)


@promise(
    "ahead",
    "A cursor ahead of the server gets nothing until the server is past it.",
    SECTION,
)
async def ahead(scene: Scene) -> None:
    """As after a restart of the server, when a client knows more than the server."""
    await scene.make_and_see()
    client = await scene.subscribe(scene.feed.at(scene.feed.head + 2))
    await scene.expect(client, scene.make(4)[2:])


async def saw(scene: Scene, updates: list[Update]) -> None:
    """Wait until the server has updates that were made while it may not have followed."""
    client = await scene.subscribe(f"{updates[0].epoch}-{updates[0].seq - 1}")
    await scene.expect(client, updates)
    client.close()
