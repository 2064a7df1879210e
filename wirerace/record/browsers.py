"""Browser tabs beside the clients of a trial, as values: in raw records, and in result.json."""

import msgspec

from wirerace.observe.account import AccountRecord


class TabClock(msgspec.Struct, frozen=True):
    """A tab's clock against the kernel's: it is ahead by `offset_ns`, to `accuracy_ns`; it moves by `resolution_ns`.

    The offset is the middle of all that is possible, and the accuracy is half of that, over all comparisons before and
    after the window.
    """

    offset_ns: int
    accuracy_ns: int
    resolution_ns: int


class BrowsersRecord(msgspec.Struct, frozen=True):
    """What the tabs of a trial received: one account of all, as for other clients, and the clock of each tab.

    Times in the account are the kernel's: the offset of each tab's clock was subtracted.
    """

    browser: str
    account: AccountRecord
    clocks: list[TabClock]
    breaks: int = 0


class TabLatency(msgspec.Struct, frozen=True):
    """Latency of deliveries to tabs: from the intended making until the page's script had the update."""

    mean: float | None
    min: float | None
    p50: float | None
    p99: float | None
    max: float | None


class Browsers(msgspec.Struct, frozen=True, kw_only=True):
    """Real browser tabs beside the clients of a trial; nothing of theirs is in the trial's own deliveries.

    `behind_seconds` is the median of their latency minus that of the trial's clients. The clock fields are the worst of
    all tabs, in seconds: how far the clock was ahead (`clock_offset`), how exactly that is known, and its least step.
    """

    browser: str
    tabs: int
    expected: int
    delivered: int
    lost: int
    superseded: int
    duplicated: int
    reordered: int
    reach: float | None
    breaks: int
    tab_latency_seconds: TabLatency
    behind_seconds: float | None
    clock_offset_seconds: float
    clock_accuracy_seconds: float
    clock_resolution_seconds: float

    @property
    def is_whole(self) -> bool:
        """Return whether every update reached every tab once and in order."""
        return not (self.lost or self.duplicated or self.reordered)
