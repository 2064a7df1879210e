"""When something breaks: the link to the producer, the producer, a reader that does not read."""

import asyncio

from wirerace.checking.clients.client import expect_status
from wirerace.checking.promise import FEED, PUSHING, TIME, promise
from wirerace.checking.promises.starting import saw
from wirerace.checking.scene import FEED_SECONDS, Scene
from wirerace.checking.talk import Talk
from wirerace.checking.verdicts import Unkept

SECTION = "When something breaks"
LINK = f"{SECTION}: The link to the producer"
PRODUCER = f"{SECTION}: The producer."
SILENCE_SECONDS = 3.0
HEAD_SECONDS = 10.0
LARGE_BYTES = 524_288
LARGE_UPDATES = 40
"""Together more than Linux buffers at both ends of a connection, and than the server may keep for it."""
RECEIVE_BYTES = 4_096
LOOK_SECONDS = 1.0
"""A server that looks at its clients once in a while looks at a slow one within that time."""


@promise(
    "cut", "When the link to the producer breaks, clients keep their connections, and miss nothing.", LINK, seconds=5
)
async def cut(scene: Scene) -> None:
    """The server asks again at its cursor."""
    client = await scene.subscribe()
    await scene.expect(client, scene.make(2))
    newest = str(scene.feed.cursor)
    scene.feed.cut()
    missed = scene.make(3)
    asked = len(scene.feed.asked)
    await scene.mend()
    await scene.expect(client, [*missed, *scene.make(1)], scene.seconds)
    after = scene.feed.asked[asked]
    if after != newest:
        raise Unkept(f"GET /feed?after={newest}", f"after={after}" if after else "no cursor")


@promise("served-without-feed", "While the link is broken, the server delivers what it has.", LINK)
async def served_without_feed(scene: Scene) -> None:
    """A client resumes as ever."""
    before = scene.feed.at(scene.feed.head)
    updates = await scene.make_and_see(3)
    scene.feed.cut()
    client = await scene.subscribe(before)
    await scene.expect(client, updates)


@promise("health-503", "GET /health answers 503 while the link is broken, and 200 when it is mended.", LINK, seconds=5)
async def health_503(scene: Scene) -> None:
    """So that a supervisor notices."""

    async def is_ill() -> bool:
        return (await scene.ask(scene.spelled("/health"))).status == 503

    async def is_well() -> bool:
        return (await scene.ask(scene.spelled("/health"))).status == 200

    scene.feed.cut()
    await scene.until(is_ill, "503 from /health while the link is broken", "another status")
    await scene.mend()
    await scene.until(is_well, "200 from /health when the link is mended", "another status")


@promise("silence", "A link that is silent for 3 s counts as broken.", LINK, seconds=SILENCE_SECONDS + FEED_SECONDS)
async def silence(scene: Scene) -> None:
    """The server connects again. A dead link would look like a quiet one for ever."""
    client = await scene.subscribe()
    asked = len(scene.feed.asked)
    scene.feed.mute()
    missed = scene.make(2)
    within = SILENCE_SECONDS + scene.seconds + 1
    if not await scene.feed.until_asked(asked + 1, within):
        raise Unkept("GET /feed again after 3 s of silence", f"none within {within:g} s")
    await scene.mend()
    await scene.expect(client, missed, scene.seconds)


@promise(
    "bad-line",
    "A line of the feed that is no update, or not the next one, counts as a broken link.",
    f"{SECTION}: A feed that is damaged",
    seconds=5,
)
async def bad_line(scene: Scene) -> None:
    """No client gets it."""
    client = await scene.subscribe()
    await scene.expect(client, scene.make(2))
    for line in (b"{}", b'{"epoch":"%b","seq":1,"ts":1,"data":"again"}' % scene.feed.epoch.encode()):
        asked = len(scene.feed.asked)
        scene.feed.send_line(line)
        if not await scene.feed.until_asked(asked + 1, scene.seconds + FEED_SECONDS):
            raise Unkept(f"GET /feed again after the line {line!r}", "none")
        await scene.expect(client, scene.make(1))


@promise(
    "new-epoch",
    "A new producer is a new epoch: clients get its first update after the last of the old one.",
    PRODUCER,
    seconds=5,
)
async def new_epoch(scene: Scene) -> None:
    """Those that are connected."""
    client = await scene.subscribe()
    await scene.expect(client, scene.make(2))
    scene.feed.begin_epoch()
    await scene.until_followed()
    await scene.expect(client, scene.make(3))


@promise(
    "across-epochs", "A client that was away gets the rest of the old epoch, and then the new one.", PRODUCER, seconds=5
)
async def across_epochs(scene: Scene) -> None:
    """As far as the server keeps it."""
    before = scene.feed.at(scene.feed.head)
    old = await scene.make_and_see(3)
    scene.feed.begin_epoch()
    new = scene.make(2)
    await scene.until_followed()
    await saw(scene, new)
    client = await scene.subscribe(before)
    await scene.expect(client, [*old, *new])


@promise("epoch-named", "After the change, a cursor names the new epoch.", PRODUCER, seconds=5)
async def epoch_named(scene: Scene) -> None:
    """Also before its first update."""
    await scene.make_and_see()
    scene.feed.begin_epoch()
    await scene.until_followed()

    async def names_it() -> bool:
        client = await scene.subscribe()
        client.close()
        return bool(client.first.cursor == scene.feed.at(0))

    await scene.until(names_it, f"Wirerace-Cursor: {scene.feed.at(0)}", "another cursor")


@promise(
    "slow-reader",
    "A client that reads too slowly loses its connection, and no other client notices.",
    f"{SECTION}: A slow reader",
    on=PUSHING,
    seconds=20,
)
async def slow_reader(scene: Scene) -> None:
    """It leaves more unread than 256 KiB beyond the kernel's buffers."""
    slow = await scene.connect(RECEIVE_BYTES)
    await slow.send(scene.request())
    expect_status(await slow.head(), 101, 200)
    other = await scene.subscribe()
    for _ in range(LARGE_UPDATES):
        await scene.expect(other, scene.make(1, LARGE_BYTES), scene.seconds + 2)
    await asyncio.sleep(min(scene.seconds, LOOK_SECONDS))
    size = await _bytes_to_the_end(slow, 5.0)
    if size >= LARGE_UPDATES * LARGE_BYTES:
        raise Unkept("the end of the connection, before all has come", f"{size} bytes, that is, all", slow.seen)


async def _bytes_to_the_end(slow: Talk, seconds: float) -> int:
    """Return the number of bytes that a slow reader still gets."""
    size = 0
    while data := await slow.read(seconds):
        size += len(data)
        if size >= LARGE_UPDATES * LARGE_BYTES:
            return size
    if data is None:
        raise Unkept("the end of the connection", f"an open connection after {size} bytes")
    return size


@promise(
    "late-head",
    "The head of a request must be complete after 10 s; otherwise it gets 408.",
    f"{SECTION}: A request that is never finished",
    needs=(FEED, TIME),
    seconds=HEAD_SECONDS + 5,
)
async def late_head(scene: Scene) -> None:
    """And the connection ends."""
    talk = await scene.connect()
    await talk.send(b"GET / HTTP/1.1\r\nHost: x\r\n")
    expect_status(await talk.answer(HEAD_SECONDS + scene.seconds), 408)
    await talk.rest()


@promise("others-unharmed", "What one client does wrong harms no other.", SECTION)
async def others_unharmed(scene: Scene) -> None:
    """Bytes that are no HTTP, half a request, and connections that break."""
    other = await scene.subscribe()
    for data in (b"\x00\xff\r\n\r\n", b"GET ", scene.request(), scene.request()[:-2]):
        talk = await scene.connect()
        await talk.send(data)
        await asyncio.sleep(0)
        talk.close()
        await scene.expect(other, scene.make())
