"""What the browser's process is asked for, and what it answers: JSON between two processes of our own."""

from typing import Any

import msgspec

from wirerace.record.browsers import TabClock

HOST = "127.0.0.1"


def origin_of(port: int) -> str:
    """Return the origin of the page that the tabs load."""
    return f"http://{HOST}:{port}"


class TabsOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Tabs that subscribe to one server, the `channels` in turn.

    Each tab has a profile of its own, as another person's browser has, unless `one_profile` is true. The tabs of a
    trial stay; others may be closed, and their clocks are not compared.
    """

    chromium: str
    page_port: int
    control_port: int
    count: int
    transport: str
    url: str
    options: dict[str, Any]
    channels: list[str]
    one_profile: bool = False
    is_trial: bool = True

    def tab(self, index: int) -> dict[str, object]:
        """Return what one tab is asked for."""
        channel = self.channel_of(index)
        query = [f"channel={channel}"] if channel else []
        query += ["deliver=latest"] if self.options.get("deliver") == "latest" else []
        url = self.url + ("?" + "&".join(query) if query else "")
        return {"name": self.transport, "url": url, "options": self.options}

    def channel_of(self, index: int) -> str:
        """Return the channel of a tab."""
        return self.channels[index % len(self.channels)]


class TabState(msgspec.Struct, frozen=True):
    """What a tab has received so far: the number of updates, and the newest. `opened` says that it is subscribed."""

    opened: bool
    received: int
    epoch: str
    seq: int
    trouble: str
    channel: str = ""
    closed: bool = False


class TabsState(msgspec.Struct, frozen=True):
    """All tabs; `is_ready` says that each is subscribed and that its clock has been compared."""

    is_ready: bool
    tabs: list[TabState]


Delivery = tuple[str, str, int, int, float]
"""Epoch, channel, seq, ts in nanoseconds to 256 ns, and the time at which a tab had it, in milliseconds since 1970."""


class TabLedger(msgspec.Struct, frozen=True):
    """Everything that a tab has received, by its own clock, and how that clock differs from the kernel's."""

    channel: str
    opened_ms: float | None
    closed_ms: float
    breaks: int
    clock: TabClock
    deliveries: list[Delivery]


class TabLedgers(msgspec.Struct, frozen=True):
    """The ledgers of all tabs, and the name and version of their browser."""

    browser: str
    tabs: list[TabLedger]


class CloseTab(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tab to close, by its place."""

    index: int
