"""Checks every promise of a transport, one after the other, each in bounded time."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection

import msgspec

from wirerace.checking.promise import COMMAND, FEED, TIME, Promise
from wirerace.checking.promises import promises_for
from wirerace.checking.scene import FEED_SECONDS, Scene
from wirerace.checking.verdicts import NotChecked, NotOffered, PromiseFinding, Unkept, Verdict, first_bytes

PATIENCES = 6
"""A check may take that many times the patience, beyond what its promise needs."""
LEAST_SECONDS = 2.0
NO_COMMAND = "needs --command, with which the server can be started again"
NO_TIME = "takes more than ten seconds: --slow checks it"


async def check(
    scene: Scene, *, slow: bool = False, only: Collection[str] = (), no_feed: str = "--no-feed was given"
) -> AsyncIterator[PromiseFinding]:
    """Yield a finding for each promise. `no_feed` says why there is no feed, if there is none."""
    for promise in promises_for(scene.transport.name, only):
        if why := _obstacle(promise, scene, no_feed, slow=slow):
            yield _finding(promise, "not checked", why=why)
        else:
            yield await _checked(promise, scene)


def _obstacle(promise: Promise, scene: Scene, no_feed: str, *, slow: bool) -> str:
    """Return why a promise cannot be checked, empty if it can."""
    if FEED in promise.needs and not scene.has_feed:
        return f"needs a server that follows our feed, and {no_feed}"
    if COMMAND in promise.needs and scene.command is None:
        return NO_COMMAND
    if TIME in promise.needs and not slow:
        return NO_TIME
    return ""


async def _checked(promise: Promise, scene: Scene) -> PromiseFinding:
    begun = time.monotonic()
    bound = max(PATIENCES * scene.seconds, LEAST_SECONDS) + promise.seconds + FEED_SECONDS
    is_silent = False
    try:
        async with asyncio.timeout(bound):
            await _prepare(promise, scene)
            await promise.keep(scene)
        finding = _finding(promise, "pass")
    except NotOffered as error:
        finding = _finding(promise, "not offered", why=str(error))
    except NotChecked as error:
        finding = _finding(promise, "not checked", why=str(error))
    except Unkept as error:
        is_silent = error.is_silent
        finding = _failed(promise, scene, error)
    except (TimeoutError, OSError) as error:
        came = f"no end within {bound:g} s" if isinstance(error, TimeoutError) else f"{error.strerror or error}"
        finding = _failed(promise, scene, Unkept("an answer to each question in time", came))
    scene.patience.note(is_silent=is_silent)
    scene.tidy()
    return msgspec.structs.replace(finding, seconds=round(time.monotonic() - begun, 3))


async def _prepare(promise: Promise, scene: Scene) -> None:
    """Start a server again that has ended, and make the feed work after the check before."""
    if scene.command is not None and scene.command.has_ended:
        await scene.restart()
    if scene.has_feed:
        scene.feed.mend()
        if FEED in promise.needs:
            await scene.until_followed()


def _finding(promise: Promise, verdict: Verdict, why: str = "") -> PromiseFinding:
    return PromiseFinding(id=promise.id, promise=promise.sentence, section=promise.section, verdict=verdict, why=why)


def _failed(promise: Promise, scene: Scene, error: Unkept) -> PromiseFinding:
    ended = scene.command is not None and scene.command.has_ended
    came = error.came + (f"; the server has ended{scene.command.last_lines()}" if ended and scene.command else "")
    return PromiseFinding(
        id=promise.id,
        promise=promise.sentence,
        section=promise.section,
        verdict="fail",
        expected=error.expected,
        came=came,
        first_bytes=first_bytes(error.seen),
    )
