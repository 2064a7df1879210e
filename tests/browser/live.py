"""The live page, as a person sees it."""

import re
from typing import TYPE_CHECKING

from tests.race.playing import LivePage
from tests.race.running import wait_until
from wirerace.transports import TRANSPORTS

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Locator, Page, Request

RECEIVED = re.compile(r"(\d+) received, (\d+) missing, (\d+) twice")


class Open:
    """The live page, freshly opened, as a person sees it."""

    def __init__(self, page: "Page", live: LivePage) -> None:
        self.page = page
        self.errors: list[str] = []
        self.asked: set[str] = set()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._requested)
        page.goto(live.url)

    def _said(self, message: "ConsoleMessage") -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(message.text)

    def _requested(self, request: "Request") -> None:
        self.asked.add(request.url.partition("?")[0])

    def lane(self, name: str) -> "Locator":
        return self.page.locator(f"#{name}")

    def figure(self, lane: str, name: str) -> str:
        text: str = self.lane(lane).locator(f"[data-figure={name}]").inner_text()
        return text

    def ledger(self, lane: str) -> tuple[int, int, int]:
        """Return how many updates were received, are missing, and came twice."""
        found = RECEIVED.fullmatch(self.figure(lane, "ledger"))
        return (int(found[1]), int(found[2]), int(found[3])) if found else (0, 0, 0)

    def stage(self, lane: str) -> str:
        text: str = self.lane(lane).locator(".stages .now").inner_text()
        return text

    def received(self, lane: str) -> int:
        return self.ledger(lane)[0]

    def until_more(self, *, than: int = 20) -> None:
        """Wait until every lane has received that many updates more."""
        before = {name: self.received(name) for name in TRANSPORTS}
        wait_until(lambda: all(self.received(name) > before[name] + than for name in TRANSPORTS))

    def slider(self, label: str) -> "Locator":
        return self.page.get_by_role("slider", name=label)
