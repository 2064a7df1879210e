"""Channels: each client listens to one. They come last, because a server that knows none cannot read such a feed."""

from wirerace.checking.promise import promise
from wirerace.checking.promises.choosing import refuses
from wirerace.checking.scene import Scene
from wirerace.checking.verdicts import NotOffered, Unkept

SECTION = "Words on the wire: channel"
ONE, OTHER = "check-1", "check-2"


async def probe(scene: Scene) -> None:
    """Raise NotOffered for a server that knows no channels: it serves a channel that does not exist."""
    head = await refuses(scene, "channel=nobody-made-this")
    if head is None or head.status != 404:
        came = "served" if head is None else f"refused with {head.status}"
        raise NotOffered(f"a channel that does not exist is {came}, not refused with 404")


@promise(
    "channel-unknown",
    "A channel that does not exist gets 404, a name that no channel can have 400.",
    SECTION,
    optional=True,
)
async def channel_unknown(scene: Scene) -> None:
    """One that is served by mistake would look like a quiet one."""
    await probe(scene)
    for name in ("a%20b", "x" * 33):
        head = await refuses(scene, f"channel={name}")
        if head is None or head.status != 400:
            raise Unkept(
                f"400 for channel={name}", f"{head.status}" if head else "an answer", head.seen if head else b""
            )


@promise("channels", "A client gets the updates of its channel, and no others.", SECTION, optional=True, seconds=5)
async def channels(scene: Scene) -> None:
    """Each channel has numbers and cursors of its own, and resumes where a client left it."""
    await probe(scene)
    scene.feed.begin_epoch()
    scene.make()
    for channel in (ONE, OTHER):
        scene.feed.make("first", channel=channel)
    await scene.until_followed()
    await scene.until(lambda: _exists(scene, OTHER), f"an answer for channel={OTHER}", "404")
    client, default = await scene.subscribe(query=f"channel={ONE}"), await scene.subscribe()
    scene.feed.make("not for me", channel=OTHER)
    mine = scene.feed.make("a", "b", channel=ONE)
    others = scene.make(2)
    await scene.expect(client, mine)
    await scene.expect(default, others)
    client.close()
    missed = scene.feed.make("c", channel=ONE)
    resumed = await scene.subscribe(client.cursor, query=f"channel={ONE}")
    await scene.expect(resumed, missed)
    scene.feed.begin_epoch()


async def _exists(scene: Scene, channel: str) -> bool:
    return await refuses(scene, f"channel={channel}") is None
