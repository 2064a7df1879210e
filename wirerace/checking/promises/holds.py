"""Long polling: how long a request is held, and what answers it."""

import time

from wirerace.checking.clients.client import expect_status, update_in
from wirerace.checking.clients.polling import updates_in
from wirerace.checking.promise import FEED, promise
from wirerace.checking.promises.polls import poll
from wirerace.checking.promises.serving import expect_line
from wirerace.checking.scene import Scene
from wirerace.checking.verdicts import Unkept

ON = ("longpolling",)
HOLD_SECONDS = 0.5
EARLY_SECONDS = 0.02
"""Timers of a server may be that much coarser than ours."""
LONG_SECONDS = 60.0
HELD = 20


@promise("hold-kept", "A request is held for the whole of `hold` when there is no update.", "Requests", on=ON)
async def hold_kept(scene: Scene) -> None:
    """Not less, and not much more."""
    await scene.make_and_see()
    begun = time.monotonic()
    answer = expect_status(await poll(scene, scene.feed.at(scene.feed.head), HOLD_SECONDS), 204)
    took = time.monotonic() - begun
    if took < HOLD_SECONDS - EARLY_SECONDS:
        raise Unkept(f"204 after {HOLD_SECONDS:g} s", f"204 after {took:.3f} s", answer.seen)


@promise("hold-ends", "A held request is answered as soon as there is an update.", "Requests", on=ON)
async def hold_ends(scene: Scene) -> None:
    """Every one that is held."""
    await scene.make_and_see()
    talks = [await scene.connect() for _ in range(HELD)]
    for talk in talks:
        await talk.send(scene.request(f"after={scene.feed.at(scene.feed.head)}&hold={LONG_SECONDS:g}"))
    await is_held(scene)
    made = scene.make()
    for talk in talks:
        answer = expect_status(await talk.answer(), 200)
        if [update_in(encoded) for encoded in updates_in(answer)] != made:
            raise Unkept("the update that was made", "something else", answer.seen)


@promise("hold-zero", "With hold=0 a request is answered at once.", "Requests", on=ON, needs=())
async def hold_zero(scene: Scene) -> None:
    """As a poll is."""
    expect_status(await scene.ask(scene.request("hold=0")), 204)


@promise("bad-hold", "A malformed hold gets 400, and one line that names it.", "Where a client starts", on=ON, needs=())
async def bad_hold(scene: Scene) -> None:
    """It would be held for a time that nobody has asked for."""
    for hold in ("x", "-1", "nan", "1_0"):
        answer = await scene.ask(scene.request(f"hold={hold}"))
        if answer.status != 400:
            raise Unkept(f"400 for hold={hold}", f"{answer.status}", answer.seen)
        expect_line(answer, "hold")


@promise(
    "held-through-a-cut",
    "A held request stays held while the server has lost the producer.",
    "When something breaks: The link to the producer",
    on=ON,
    needs=(FEED,),
    seconds=5,
)
async def held_through_a_cut(scene: Scene) -> None:
    """The next update answers it."""
    await scene.make_and_see()
    talk = await scene.connect()
    await talk.send(scene.request(f"after={scene.feed.at(scene.feed.head)}&hold={LONG_SECONDS:g}"))
    await is_held(scene)
    scene.feed.cut()
    if (data := await talk.read(HOLD_SECONDS)) is not None:
        raise Unkept("a request that stays held", "an answer" if data else "the end of the connection", data)
    await scene.mend()
    scene.make()
    expect_status(await talk.answer(), 200)


async def is_held(scene: Scene) -> None:
    """Give the server time to take requests: a poll that begins later is answered first."""
    await poll(scene, scene.feed.at(scene.feed.head))
