"""What a client may choose: the newest updates first, or the newest one only."""

from wirerace.checking.http import Answer
from wirerace.checking.promise import promise
from wirerace.checking.promises.serving import expect_line
from wirerace.checking.scene import Scene
from wirerace.checking.verdicts import NotOffered, Unkept

REFUSALS = {400, 404, 501}
BAD_COUNTS = ("0", "-1", "x", "1.0", "1000001")


async def refuses(scene: Scene, query: str) -> Answer | None:
    """Return the head of a refusal, None if a query is served."""
    hold = "&hold=0" if scene.transport.asks else ""
    head = await scene.ask_head(scene.request(query + hold))
    return head if head.status in REFUSALS else None


@promise("last", "last=K starts with the K newest updates.", "Where a client starts: Newest first", optional=True)
async def last(scene: Scene) -> None:
    """With fewer kept, with all that there are. A malformed K is refused, and so is one beside `after`."""
    updates = await scene.make_and_see(4)
    if await refuses(scene, "last=0") is None:
        raise NotOffered("last=0, which is malformed, is not refused: the server does not know `last`")
    if await refuses(scene, "last=1") is not None:
        raise NotOffered("last=1 is refused")
    for count in (1, 3):
        client = await scene.subscribe(query=f"last={count}")
        await scene.expect(client, [*updates[-count:], *(made := scene.make())])
        updates += made
    for query in (*(f"last={count}" for count in BAD_COUNTS), f"last=1&after={scene.feed.at(0)}"):
        if await refuses(scene, query) is None:
            raise Unkept(f"400 for {query}", "an answer that is no refusal")
    expect_line(await scene.ask(scene.request("last=0")), "last")


@promise(
    "latest",
    "With deliver=latest a client that is behind gets the newest update only.",
    "Requests: Latest only",
    optional=True,
)
async def latest(scene: Scene) -> None:
    """A client that is not behind gets every update."""
    before = scene.feed.at(scene.feed.head)
    updates = await scene.make_and_see(4)
    if await refuses(scene, "deliver=nonsense") is None:
        raise NotOffered("deliver=nonsense is not refused: the server does not know `deliver`")
    if await refuses(scene, f"deliver=latest&after={before}") is not None:
        raise NotOffered("deliver=latest is refused")
    client = await scene.subscribe(before, query="deliver=latest")
    await scene.expect(client, updates[-1:])
    await scene.expect(client, scene.make())
    every = await scene.subscribe(before, query="deliver=all")
    await scene.expect(every, updates)
