"""Conditional polls: the cursor is the entity tag, and a client that has what is newest gets 304."""

from wirerace.checking.clients.client import expect_status, update_in
from wirerace.checking.clients.polling import updates_in
from wirerace.checking.http import Answer
from wirerace.checking.promise import promise
from wirerace.checking.scene import Scene
from wirerace.checking.verdicts import NotOffered, Unkept


@promise(
    "conditional",
    "A poll with If-None-Match gets 304, or what is newer and the next ETag.",
    "Requests: Conditional polls",
    on=("polling",),
    optional=True,
)
async def conditional(scene: Scene) -> None:
    """A tag that is no cursor matches nothing, and `after` takes precedence."""
    await scene.make_and_see(2)
    answer = await _poll(scene, "")
    if "etag" not in answer.headers:
        raise NotOffered("the answer to a poll without `after` has no ETag")
    newest = scene.feed.at(scene.feed.head)
    _expect_tag(answer, newest)
    expect_status(await _poll(scene, f'"{newest}"'), 304)
    expect_status(await _poll(scene, f'W/"{newest}"'), 304)
    expect_status(await _poll(scene, "*"), 304)
    expect_status(await _poll(scene, '"x"'), 204)
    made = await scene.make_and_see(2)
    newer = expect_status(await _poll(scene, f'"{newest}"'), 200)
    _expect_tag(newer, scene.feed.at(scene.feed.head))
    if [update_in(encoded) for encoded in updates_in(newer)] != made:
        raise Unkept("the two updates after the tag", "others", newer.seen)
    expect_status(await _poll(scene, f'"{newest}"', f"after={newer.cursor}"), 204)


async def _poll(scene: Scene, tag: str, query: str = "") -> Answer:
    return await scene.ask(scene.request(query, *([f"If-None-Match: {tag}"] if tag else [])))


def _expect_tag(answer: Answer, cursor: str) -> None:
    if answer.headers.get("etag") != f'"{cursor}"':
        raise Unkept(f'ETag: "{cursor}"', answer.headers.get("etag", "no ETag"), answer.seen)
    if "no-cache" not in answer.headers.get("cache-control", ""):
        raise Unkept("Cache-Control: private, no-cache", answer.headers.get("cache-control", "none"), answer.seen)
