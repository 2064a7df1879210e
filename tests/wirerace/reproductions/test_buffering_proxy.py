"""The checks of buffering-proxy, on arrivals made by hand."""

from collections.abc import Callable

import msgspec
import pytest

from tests.wirerace.reproductions.outcomes import SECOND, WINDOW, failed
from tests.wirerace.served import PROXIED
from tests.wirerace.trials import NOTHING_MEASURED, plan_of, trial_of
from wirerace.observe.account import AccountRecord
from wirerace.observe.spread import Spread, SpreadColumns
from wirerace.record.result import Raw
from wirerace.reproductions.buffering_proxy import BUFFER_BYTES, GAP_SECONDS, batches_of, checks
from wirerace.reproductions.check import Check, Outcome
from wirerace.workload.truth import EpochMade, Truth

GAP_NS = round(GAP_SECONDS * SECOND)
COUNT = 480
TOGETHER = 16
MS = 10**6


def outcome(latency_ns: Callable[[int], int], **changes: int | None) -> Outcome:
    """Return an outcome with the latency of each token, by its number."""
    made = [WINDOW.from_ns + index * GAP_NS for index in range(COUNT)]
    seqs = list(range(1, COUNT + 1))
    truth = Truth(COUNT, complete=True, epochs=[EpochMade("0123abcd", seqs, made, [0] * COUNT)])
    spreads = {seq: Spread(1, latency_ns(index), 0, 0) for index, seq in enumerate(seqs)}
    account = AccountRecord(subscribed=1, updates={"0123abcd": SpreadColumns.of(spreads)})
    trial = trial_of(plan_of("sse"), WINDOW, account, truth)
    sent = {"application_out": BUFFER_BYTES // TOGETHER * COUNT} | changes
    trial = msgspec.structs.replace(trial, arrived=COUNT, reverse_proxy=msgspec.structs.replace(PROXIED, **sent))
    return Outcome(trial, Raw(WINDOW, account, truth, NOTHING_MEASURED))


def at_once(_: int) -> int:
    return MS


def held_back(index: int) -> int:
    """Return the latency of a token that waits for the last one of its buffer."""
    return MS + (TOGETHER - 1 - index % TOGETHER) * GAP_NS


def found(shipped: Outcome, direct: Outcome | None = None) -> list[Check]:
    return checks({"direct": direct or outcome(at_once), "shipped": shipped, "tuned": outcome(at_once)})


def test_tokens_that_come_in_lumps_of_a_buffer_are_what_was_published() -> None:
    said = found(outcome(held_back))

    assert [] == failed(said)
    assert pytest.approx((TOGETHER, (TOGETHER - 1) * GAP_SECONDS + 0.001)) == (said[3].measured, said[4].measured)
    assert pytest.approx(0.272 + 48 * GAP_SECONDS) == said[-1].measured


def test_batches_that_the_window_may_have_cut_are_left_out() -> None:
    assert COUNT // TOGETHER - 2 == len(batches_of(outcome(held_back).raw))


def test_proxy_that_passes_everything_on_fails() -> None:
    assert 3 == len(failed(found(outcome(at_once))))


def test_direct_tokens_that_come_in_lumps_fail() -> None:
    assert ["directly: median gap between tokens"] == failed(found(outcome(held_back), outcome(held_back)))


def test_without_counts_of_the_server_lumps_are_not_compared_with_the_buffer() -> None:
    assert 4 == len(found(outcome(held_back, application_out=None)))
