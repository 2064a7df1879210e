"""The tabs of one browser: opened, asked for their state and for their ledgers, closed."""

import asyncio
import contextlib
from typing import NamedTuple

import msgspec

from wirerace.clock import now_ns
from wirerace.decoding import decode_json
from wirerace.errors import TrialFailed
from wirerace.runner.browsers.chromium import Chromium, ChromiumRefuses
from wirerace.runner.browsers.clocks import Comparison, clock_of, to_ns_of_ms
from wirerace.runner.browsers.order import Delivery, TabLedger, TabLedgers, TabsOrder, TabsState, TabState

PROBES = 40
"""Questions in one comparison of clocks."""
PART = 50_000
"""Deliveries that are read at a time."""
PAUSE_SECONDS, MOST_TRIES = 0.05, 600  # for a tab to load its page: 30 s
CLOCK = "performance.timeOrigin + performance.now()"
RESOLUTION = "Tab.resolution()"


class OpenTab(NamedTuple):
    """One tab: its place, its target and session in the DevTools protocol, and its clock before the window."""

    place: int
    target: str
    session: str
    before: Comparison


class Tabs:
    """All tabs of an order, in one browser."""

    def __init__(self, chromium: Chromium, order: TabsOrder, origin: str) -> None:
        self._chromium = chromium
        self._order = order
        self._origin = origin
        self._tabs: list[OpenTab] = []
        self._closed: set[int] = set()
        self._is_compared = False

    async def open(self) -> None:
        """Open every tab, one after the other; in a trial, compare their clocks when all are subscribed."""
        profile = ""
        for index in range(self._order.count):
            if not profile or not self._order.one_profile:
                profile = (await self._chromium.call("Target.createBrowserContext"))["browserContextId"]
            self._tabs.append(await self._opened(index, profile))
        if not self._order.is_trial:
            return
        for tab in self._tabs:
            await self._chromium.value(tab.session, "tab.opening", seconds=None)
        for tab in self._tabs:
            await self._compare(tab, tab.before)
        self._is_compared = True

    async def state(self) -> TabsState:
        """Return what each tab has received so far."""
        return TabsState(self._is_compared, await self._states())

    async def close(self, index: int) -> None:
        """Close one tab, as its reader does."""
        await self._chromium.call("Target.closeTarget", targetId=self._tabs[index].target)
        self._closed.add(index)

    async def ledgers(self) -> TabLedgers:
        """Return all ledgers, with the clocks compared again."""
        version = await self._chromium.call("Browser.getVersion")
        return TabLedgers(version["product"], [await self._ledger(tab) for tab in self._tabs])

    async def _opened(self, index: int, profile: str) -> OpenTab:
        call = self._chromium.call
        target = (await call("Target.createTarget", url=self._origin, browserContextId=profile))["targetId"]
        session = (await call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        await self._load(session)
        await self._chromium.value(session, f"subscribe({msgspec.json.encode(self._order.tab(index)).decode()})")
        return OpenTab(index, target, session, Comparison())

    async def _load(self, session: str) -> None:
        for _ in range(MOST_TRIES):
            with contextlib.suppress(ChromiumRefuses):  # it just navigates
                if await self._chromium.value(session, "typeof subscribe === 'function'"):
                    return
            await asyncio.sleep(PAUSE_SECONDS)
        raise TrialFailed(f"a tab does not load its page from {self._origin}")

    async def _states(self) -> list[TabState]:
        return [await self._state(tab) for tab in self._tabs]

    async def _state(self, tab: OpenTab) -> TabState:
        channel = self._order.channel_of(tab.place)
        if tab.place in self._closed:
            return TabState(opened=False, received=0, epoch="", seq=0, trouble="", channel=channel, closed=True)
        found = await self._chromium.value(tab.session, "tab.state()")
        return msgspec.convert(found | {"channel": channel}, TabState)

    async def _ledger(self, tab: OpenTab) -> TabLedger:
        after, found = Comparison(), await self._chromium.value(tab.session, "tab.times()")
        await self._compare(tab, after)
        deliveries: list[Delivery] = []
        while part := await self._deliveries(tab, len(deliveries)):
            deliveries += part
        known = {"channel": self._order.channel_of(tab.place), "deliveries": deliveries}
        return msgspec.convert(found | known | {"clock": clock_of([tab.before, after])}, TabLedger)

    async def _deliveries(self, tab: OpenTab, index: int) -> list[Delivery]:
        """Return some deliveries from a place on, as text: Chromium takes three times as long for values."""
        text = await self._chromium.value(tab.session, f"JSON.stringify(tab.rows.slice({index}, {index + PART}))")
        return decode_json(text.encode(), list[Delivery], "a tab")

    async def _compare(self, tab: OpenTab, comparison: Comparison) -> None:
        """Compare the clock of a tab with the kernel's."""
        comparison.resolution_ns = to_ns_of_ms(await self._chromium.value(tab.session, RESOLUTION))
        for _ in range(PROBES):
            before_ns = now_ns()
            comparison.asked(before_ns, await self._chromium.value(tab.session, CLOCK), now_ns())
