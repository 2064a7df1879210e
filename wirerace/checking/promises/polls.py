"""Answers to polls: their form, their cursor, their bound."""

import msgspec

from wirerace.checking.clients.client import expect_status, update_in
from wirerace.checking.clients.polling import RawBatch, updates_in
from wirerace.checking.http import Answer
from wirerace.checking.promise import ASKING, promise
from wirerace.checking.scene import Scene
from wirerace.checking.verdicts import Unkept

MOST_UPDATES, MOST_BYTES = 1_000, 1_048_576


def hold_of(scene: Scene, seconds: float) -> str:
    """Return the parameter that bounds the hold, empty for a server that holds nothing."""
    return f"&hold={seconds:g}" if scene.transport.name == "longpolling" else ""


async def poll(scene: Scene, after: str, hold_seconds: float = 0.0) -> Answer:
    """Return the answer to a poll."""
    return await scene.ask(scene.request(f"after={after}{hold_of(scene, hold_seconds)}"), scene.seconds + hold_seconds)


@promise("empty", "An answer without updates is 204, without a body, with the client's cursor.", "Requests", on=ASKING)
async def empty(scene: Scene) -> None:
    """The client would continue from it."""
    await scene.make_and_see()
    newest = scene.feed.at(scene.feed.head)
    answer = expect_status(await poll(scene, newest), 204)
    if answer.cursor != newest:
        raise Unkept(f"Wirerace-Cursor: {newest}", answer.cursor or "no such header", answer.seen)
    if answer.headers.get("content-length", "0") != "0" or answer.is_chunked:
        raise Unkept("no body", "a head that announces one", answer.seen)


@promise("cursor-moves", "The cursor of an answer is that of its last update.", "Words on the wire", on=ASKING)
async def cursor_moves(scene: Scene) -> None:
    """So the next request continues behind it."""
    before = scene.feed.at(scene.feed.head)
    await scene.make_and_see(3)
    answer = expect_status(await poll(scene, before), 200)
    newest = scene.feed.at(scene.feed.head)
    if answer.cursor != newest:
        raise Unkept(f"Wirerace-Cursor: {newest}", answer.cursor or "no such header", answer.seen)


@promise("batch", 'An answer with updates is 200 {"updates": [...]}, oldest first.', "Requests", on=ASKING)
async def batch(scene: Scene) -> None:
    """JSON, and nothing that a strict reader would refuse."""
    before = scene.feed.at(scene.feed.head)
    made = await scene.make_and_see(5)
    answer = expect_status(await poll(scene, before), 200)
    if [update_in(encoded) for encoded in updates_in(answer)] != made:
        raise Unkept("the five updates that were made, oldest first", "others, or another order", answer.seen)


async def all_answers(scene: Scene, after: str, to: str) -> list[Answer]:
    """Return the answers that lead from one cursor to another."""
    answers: list[Answer] = []
    while after != to:
        asked = after
        answers.append(answer := expect_status(await poll(scene, asked), 200))
        if not answer.cursor or answer.cursor == after:
            raise Unkept("a cursor that moves on", answer.cursor or "no such header", answer.seen)
        after = answer.cursor
        has_more = msgspec.json.decode(answer.body, type=RawBatch).more
        if has_more != (after != to):
            expected = '"more": true' if after != to else 'no "more"'
            raise Unkept(f"{expected} in the answer to after={asked}", "the opposite", answer.seen)
    return answers


@promise(
    "bound-of-updates",
    'An answer has at most 1,000 updates; "more" says that there are others.',
    "Where a client starts: answer has a bound",
    on=ASKING,
    seconds=5,
)
async def bound_of_updates(scene: Scene) -> None:
    """A partial answer has the cursor of its last update."""
    before = scene.feed.at(scene.feed.head)
    made = await scene.make_and_see(MOST_UPDATES + 100)
    answers = await all_answers(scene, before, scene.feed.at(scene.feed.head))
    counts = [len(updates_in(answer)) for answer in answers]
    if max(counts) > MOST_UPDATES:
        raise Unkept(f"at most {MOST_UPDATES} updates in an answer", f"{max(counts)}", answers[0].seen)
    if sum(counts) != len(made):
        raise Unkept(f"{len(made)} updates in all", f"{sum(counts)}", answers[-1].seen)


@promise(
    "bound-of-bytes",
    "An answer has at most 1 MiB of updates, but at least one.",
    "Where a client starts: answer has a bound",
    on=ASKING,
    seconds=5,
)
async def bound_of_bytes(scene: Scene) -> None:
    """The bound is on payloads; the rest of an update is little."""
    before = scene.feed.at(scene.feed.head)
    await scene.make_and_see(3, 600_000)
    for answer in await all_answers(scene, before, scene.feed.at(scene.feed.head)):
        updates = updates_in(answer)
        if len(updates) > 1 and len(answer.body) > MOST_BYTES + 200 * len(updates):
            raise Unkept(f"at most {MOST_BYTES} bytes", f"{len(answer.body)} in {len(updates)} updates", answer.seen)


@promise(
    "keep-alive", "A connection answers one request after the other.", "Requests: HTTP follows", on=ASKING, needs=()
)
async def keep_alive(scene: Scene) -> None:
    """Also two that come together."""
    talk = await scene.connect()
    hold = hold_of(scene, 0).removeprefix("&")
    for _ in range(2):
        expect_status(await talk.ask(scene.request(hold)), 200, 204)
    await talk.send(scene.request(hold) * 2)
    for _ in range(2):
        expect_status(await talk.answer(), 200, 204)
