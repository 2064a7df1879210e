"""A promise of docs/contract.md: declared once, with its words for people and the function that checks it."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

from wirerace.transports import TRANSPORTS

if TYPE_CHECKING:
    from wirerace.checking.scene import Scene

FEED, COMMAND, TIME = "feed", "command", "time"
"""What a check needs: a server that follows our feed, one that we may start again, more than ten seconds."""
ALL = tuple(TRANSPORTS)
ASKING = tuple(name for name, transport in TRANSPORTS.items() if transport.asks)
PUSHING = tuple(name for name, transport in TRANSPORTS.items() if not transport.asks)
CHUNKED = tuple(name for name in PUSHING if not TRANSPORTS[name].two_way)
SOCKETS = tuple(name for name in PUSHING if TRANSPORTS[name].two_way)

Keep = Callable[["Scene"], Awaitable[None]]


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """One promise. `section` is a heading of docs/contract.md, with the first words of a paragraph behind a colon.

    `keep` returns if the promise is kept. Otherwise it raises Unkept, NotOffered or NotChecked. It may take `seconds`
    more than the usual bound. What is `optional` may be missing, but not half there.
    """

    id: str
    sentence: str
    section: str
    keep: Keep
    transports: tuple[str, ...]
    needs: frozenset[str]
    optional: bool
    seconds: float


PROMISES: list[Promise] = []
"""All of them, in the order in which they are checked."""


def promise(  # noqa: PLR0913 -- the declaration of a promise
    name: str,
    sentence: str,
    section: str,
    *,
    on: tuple[str, ...] = ALL,
    needs: tuple[str, ...] = (FEED,),
    optional: bool = False,
    seconds: float = 0.0,
) -> Callable[[Keep], Keep]:
    """Declare a promise, which the decorated function checks."""

    def declare(keep: Keep) -> Keep:
        PROMISES.append(
            Promise(
                id=name,
                sentence=sentence,
                section=section,
                keep=keep,
                transports=on,
                needs=frozenset(needs),
                optional=optional,
                seconds=seconds,
            )
        )
        return keep

    return declare


def promises_of(transport: str) -> list[Promise]:
    """Return the promises of a server of one transport."""
    return [promise for promise in PROMISES if transport in promise.transports]
