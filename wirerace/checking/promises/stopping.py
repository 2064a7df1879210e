"""A server that stops, and one that is started again: what a command is needed for."""

import asyncio
import time
from collections.abc import Awaitable

from wirerace.checking.clients.client import expect_status
from wirerace.checking.promise import ASKING, CHUNKED, COMMAND, FEED, SOCKETS, promise
from wirerace.checking.promises.holds import is_held
from wirerace.checking.scene import Scene
from wirerace.checking.verdicts import Unkept
from wirerace.wire.frames import CloseCode, Opcode

SECTION = "When something breaks"
RESTART_SECONDS = 15.0
STOP_SECONDS = 5.0
UNAVAILABLE = 503


@promise(
    "restart",
    "A restarted server answers 503 until it has caught up; then every client resumes at its cursor.",
    f"{SECTION}: The server.",
    needs=(FEED, COMMAND),
    seconds=2 * RESTART_SECONDS,
)
async def restart(scene: Scene) -> None:
    """The feed is mute while the server starts, so that it cannot catch up."""
    scene.feed.begin_epoch()
    updates = scene.make(6)
    await scene.until_followed()
    client = await scene.subscribe(scene.feed.at(0))
    await scene.expect(client, updates)
    client.close()
    missed = scene.make(2)
    scene.feed.mute()
    await scene.restart()
    try:
        for after in ("", f"after={client.cursor}"):
            head = await scene.ask_head(scene.request(after))
            if head.status != UNAVAILABLE:
                raise Unkept("503 before the server has caught up", f"{head.status}", head.seen)
    finally:
        scene.feed.mend()
    await scene.mend()

    async def serves() -> bool:
        return (await scene.ask_head(scene.request(f"after={scene.feed.at(0)}"))).status != UNAVAILABLE

    await scene.until(serves, "no 503 when the server has caught up", "503")
    resumed = await scene.subscribe(client.cursor)
    await scene.expect(resumed, [*missed, *scene.make()])


@promise(
    "stop",
    "On SIGTERM the server ends its clients' answers in order, and exits with 0 within 5 s.",
    f"{SECTION}: A stop",
    needs=(FEED, COMMAND),
    seconds=2 * RESTART_SECONDS,
)
async def stop(scene: Scene) -> None:
    """A held request gets 204, a stream its last chunk, a WebSocket 1001."""
    assert scene.command is not None  # noqa: S101 -- the promise needs it
    await scene.make_and_see()
    end = {**dict.fromkeys(ASKING, _asking), **dict.fromkeys(CHUNKED, _chunked), **dict.fromkeys(SOCKETS, _socket)}
    ended = await end[scene.transport.name](scene)
    begun = time.monotonic()
    stopping = asyncio.ensure_future(scene.command.stop())
    try:
        await ended
    finally:
        code = await stopping
        took = time.monotonic() - begun
        await scene.restart()
    if code is None or took > STOP_SECONDS + 1:
        raise Unkept("the end of the process within 5 s", f"none within {took:.0f} s")
    if code:
        raise Unkept("exit code 0", f"{code}")
    await scene.mend()


async def _asking(scene: Scene) -> Awaitable[None]:
    talk, newest = await scene.connect(), scene.feed.at(scene.feed.head)
    held = scene.transport.name == "longpolling"
    await talk.send(scene.request(f"after={newest}" + ("&hold=60" if held else "")))
    if held:
        await is_held(scene)
    else:
        expect_status(await talk.answer(), 204)

    async def ends() -> None:
        if held:
            answer = expect_status(await talk.answer(STOP_SECONDS), 204)
            if answer.cursor != newest:
                raise Unkept(f"Wirerace-Cursor: {newest}", answer.cursor or "no such header", answer.seen)
        await talk.rest(within=STOP_SECONDS)

    return ends()


async def _chunked(scene: Scene) -> Awaitable[None]:
    client = await scene.subscribe()

    async def ends() -> None:
        await client.receive(1, STOP_SECONDS)
        if client.ended != "the last chunk":
            raise Unkept("the last chunk", client.ended or "an open connection", bytes(client.body))
        client.close()

    return ends()


async def _socket(scene: Scene) -> Awaitable[None]:
    client = await scene.subscribe()

    async def ends() -> None:
        await client.receive(1, STOP_SECONDS)
        if client.close_code != CloseCode.GOING_AWAY:
            raise Unkept("a close with code 1001", client.ended or "an open connection", client.talk.seen)
        await client.send(Opcode.CLOSE, CloseCode.GOING_AWAY.to_bytes(2, "big"))
        client.close()

    return ends()
