"""Growth: what a process's samples say about its slope, and how much of that is an update's place in a record."""

import tracemalloc
from collections.abc import Callable, Sequence
from statistics import linear_regression, median
from typing import NamedTuple

from services.recent import Bounds, Recent
from services.record import Record
from wirerace.observe.account import Window
from wirerace.observe.accounting import Account
from wirerace.wire.update import Cursor, Update, encode_update, sequence_of
from wirerace.workload.kept import KEEP_BYTES, KEEP_UPDATES

TOLERANCE_KB = 60.0
"""What a process may grow in a minute without a reason: 86 MB a day. Pages and malloc make steps in a short run."""
SETTLING = 1 / 3
"""The part of a run that is left out at its beginning."""
TRIED_UPDATES = 5_000
CLIENTS = 300  # each with a latency of its own. Python keeps one object for equal small numbers, up to 256
SECONDS = 60.0


class UsageSample(NamedTuple):
    """What a process used at one moment: its own memory (USS), its open files, its threads."""

    at_seconds: float
    user_bytes: int
    files: int
    threads: int


class Growth(NamedTuple):
    """The growth of one process: its slopes and what explains them, kB a minute, files and threads before and after.

    `slope_kb` is that of the settled part of a run, `halves_kb` those of its two halves: a single step is in one only.
    """

    first_mb: float
    last_mb: float
    slope_kb: float
    halves_kb: tuple[float, float]
    explained_kb: float
    files: tuple[int, int]
    threads: tuple[int, int]

    @property
    def grows(self) -> bool:
        """Whether something grows without bound, as far as such a run can show it."""
        unexplained = min(self.halves_kb) - self.explained_kb
        return unexplained > TOLERANCE_KB or self.files[1] > self.files[0] or self.threads[1] > self.threads[0]


def growth_of(samples: Sequence[UsageSample], explained: "Explained") -> Growth:
    """Return the growth in the settled part of a run; `explained` says how many bytes belong to records in a time."""
    begin = samples[0].at_seconds + SETTLING * (samples[-1].at_seconds - samples[0].at_seconds)
    settled = [sample for sample in samples if sample.at_seconds >= begin]
    middle = len(settled) // 2
    first, last = settled[0].at_seconds, settled[-1].at_seconds
    return Growth(
        samples[0].user_bytes / 1e6,
        samples[-1].user_bytes / 1e6,
        _slope_kb(settled),
        (_slope_kb(settled[:middle]), _slope_kb(settled[middle:])),
        explained(first, last) / 1e3 / (last - first) * SECONDS,
        _before_and_after([sample.files for sample in settled]),
        _before_and_after([sample.threads for sample in settled]),
    )


def _slope_kb(samples: Sequence[UsageSample]) -> float:
    """Return the slope of memory, kB a minute, by least squares."""
    times = [sample.at_seconds for sample in samples]
    return linear_regression(times, [sample.user_bytes for sample in samples]).slope * SECONDS / 1e3


def _before_and_after(counts: Sequence[int]) -> tuple[int, int]:
    """Return the most in the first half, and the median of the last fifth: connections that come back are no growth."""
    return max(counts[: len(counts) // 2]), round(median(counts[-max(1, len(counts) // 5) :]))


class UpdateBytes(NamedTuple):
    """What one update takes: in the producer's record, in a history, and in the ledger of a load process."""

    record: float
    history: float
    ledger: float


def update_bytes(payload_bytes: int) -> UpdateBytes:
    """Return what an update takes, by making some."""
    record, account = Record(None), Account(Window(0, 2**62))
    recent = Recent(Bounds(KEEP_UPDATES, KEEP_BYTES))

    def update_of(seq: int) -> Update:
        return Update("a1b2c3d4", seq, 1_790_000_000_000_000_000 + seq * 20_000_000, "x" * payload_bytes)

    def keep(update: Update) -> None:
        recent.append(Cursor(update.epoch, update.seq), encode_update(update), update.payload_bytes)

    def deliver(update: Update) -> None:
        for client in range(CLIENTS):
            account.delivery(sequence_of(update.epoch, ""), update, update.ts + 1_000_000 + 10_007 * client)

    return UpdateBytes(
        _each(update_of, lambda update: record.add(update, 150_000)), _each(update_of, keep), _each(update_of, deliver)
    )


def _each(update_of: Callable[[int], Update], act: Callable[[Update], None]) -> float:
    """Return the bytes that stay for each update when something is done with it."""
    act(update_of(1))  # what the first one alone needs is left out
    tracemalloc.start()
    try:
        for seq in range(2, TRIED_UPDATES + 1):
            act(update_of(seq))
        return tracemalloc.get_traced_memory()[0] / (TRIED_UPDATES - 1)
    finally:
        tracemalloc.stop()


Explained = Callable[[float, float], float]
"""Returns how many bytes records take more after a time than before it, both in seconds since the first update."""


def together(*parts: Explained) -> Explained:
    """Return what several records explain together."""
    return lambda first, last: sum(part(first, last) for part in parts)


def kept_bytes(each: float, rate_per_second: float, most_updates: int | None = None) -> Explained:
    """Return how many bytes more are kept after a time than before it, if updates come from second 0 on."""

    def at(seconds: float) -> float:
        made = rate_per_second * max(0.0, seconds)
        return each * (made if most_updates is None else min(made, most_updates))

    return lambda first, last: at(last) - at(first)
