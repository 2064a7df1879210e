"""Our own servers keep every promise, on both ways of serving, and offer everything that is optional."""

import asyncio
from typing import Any

import pytest

from services.__main__ import service_of
from tests.checking.checked import UNCHECKED, failed, feeding, findings_of
from tests.contract.secured import secured
from tests.contract.stage import Running, Secured
from wirerace.backoff import Backoff
from wirerace.checking.verdicts import PromiseFinding
from wirerace.transports import TRANSPORTS

CASES = [
    *((name, {"serving": way}) for name, one in TRANSPORTS.items() if one.asks for way in ("fast", "plain")),
    *((name, {}) for name, one in TRANSPORTS.items() if not one.asks),
]
OPTIONS: dict[str, dict[str, Any]] = {"websocket": {"deflate": "per-client"}}
PAGES: dict[str, Any] = {"allowed_origins": "http://page.example"}


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a silent link count as broken sooner, and servers ask again soon."""
    monkeypatch.setattr("wirerace.checking.feed.HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr("services.feed.SILENCE_SECONDS", 1.5)
    monkeypatch.setattr("services.feed.OF_FEED", Backoff(0.01, 0.05))
    monkeypatch.setattr("wirerace.checking.promises.holds.HOLD_SECONDS", 0.2)
    monkeypatch.setattr("wirerace.checking.promises.breaking.LOOK_SECONDS", 0.1)


async def everything_about(
    transport: str, options: dict[str, Any], tls: Secured | None = None
) -> dict[str, PromiseFinding]:
    """Return the findings of all checks of a server, at its port of TLS if it has one."""
    async with feeding() as feed:
        extra = OPTIONS.get(transport, PAGES)
        files = {} if tls is None else {"tls_chain_file": tls.chain_file, "tls_key_file": tls.key_file}
        server = await Running.start(service_of(transport), producer_url=feed.url, **options, **extra, **files)
        try:
            authority = "" if tls is None else tls.authority
            return await findings_of(transport, server.client_port, feed, authority=authority)
        finally:
            await server.stop()


@pytest.mark.long
@pytest.mark.parametrize("has_tls", [False, True], ids=["plain", "tls"])
async def test_every_promise_is_kept_and_everything_is_offered(has_tls: bool) -> None:
    """They are checked at once, because they mostly wait."""
    with secured() as tls:
        every = (everything_about(transport, options, tls if has_tls else None) for transport, options in CASES)
        found = await asyncio.gather(*every)
    for case, findings in zip(CASES, found, strict=True):
        assert {} == failed(findings), case
        verdicts = {name: finding.verdict for name, finding in findings.items()}
        assert {name for name in UNCHECKED if name in findings} == {
            name for name, verdict in verdicts.items() if verdict == "not checked"
        }
        assert [] == [name for name, verdict in verdicts.items() if verdict == "not offered"], case


@pytest.mark.long
async def test_without_a_feed_the_rest_is_checked_and_the_reason_is_said() -> None:
    async with feeding() as feed:
        server = await Running.start(service_of("sse"), producer_url=feed.url)
        try:
            await server.until_health(200)
            findings = await findings_of("sse", server.port, None)
        finally:
            await server.stop()
    kept = {name for name, found in findings.items() if found.verdict == "pass"}
    assert {"bad-cursor", "one-host", "accept", "head", "http-1.0", "bad-last-event-id"} <= kept
    assert "needs a server that follows our feed, and --no-feed was given" == findings["resume"].why
    assert {} == failed(findings)
