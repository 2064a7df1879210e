"""Runs checks in a test, against a server in this process."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from wirerace.checking.address import address_in
from wirerace.checking.feed import OwnFeed
from wirerace.checking.scene import Scene
from wirerace.checking.suite import check
from wirerace.checking.talk import Patience
from wirerace.checking.verdicts import PromiseFinding

FOLLOWED_SECONDS = 20.0
UNCHECKED = {"restart", "stop", "heartbeat", "late-head"}
"""What is not checked without --command and --slow."""


@asynccontextmanager
async def feeding() -> AsyncIterator[OwnFeed]:
    """Give a feed."""
    feed = OwnFeed()
    await feed.start("127.0.0.1", 0)
    try:
        yield feed
    finally:
        await feed.close()


async def findings_of(
    transport: str,
    port: int,
    feed: OwnFeed | None,
    only: Collection[str] = (),
    patience_seconds: float = 20.0,
    *,
    authority: str = "",
) -> dict[str, PromiseFinding]:
    """Return the findings about a server in this process, with TLS if clients are to trust an authority."""
    address = address_in(f"{'https' if authority else 'http'}://127.0.0.1:{port}", authority)
    scene = Scene(transport, address, Patience(patience_seconds), feed)
    if feed is not None:
        assert await feed.until_followed(FOLLOWED_SECONDS)
    return {finding.id: finding async for finding in check(scene, only=only)}


def failed(findings: dict[str, PromiseFinding]) -> dict[str, PromiseFinding]:
    """Return those that failed."""
    return {name: finding for name, finding in findings.items() if finding.verdict == "fail"}
