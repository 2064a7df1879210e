"""Outcomes of trials, made by hand."""

from typing import Any

import msgspec

from tests.wirerace.trials import NOTHING_MEASURED, plan_of, trial_of
from wirerace.observe.account import AccountRecord, Window
from wirerace.observe.spread import Spread, SpreadColumns
from wirerace.record.durations import Times
from wirerace.record.result import Raw
from wirerace.record.trial import Latency, Trial
from wirerace.reproductions.check import Check, Outcome
from wirerace.workload.truth import EpochMade, Truth

SECOND = 10**9
WINDOW = Window(100 * SECOND, 112 * SECOND)
MADE = [WINDOW.from_ns + SECOND // 2 + index * SECOND for index in range(12)]
SEQS = list(range(40, 52))
TRUTH = Truth(12, complete=True, epochs=[EpochMade("0123abcd", SEQS, MADE, [0] * 12)])
MS = 10**6


def latency(mean: float | None = None, p99: float | None = None, most: float | None = None) -> Latency:
    return Latency(mean, mean, None, p99, None, most)


def times(p99: float | None, most: float | None) -> Times:
    return Times(1, p99, p99, p99, most)


def outcome(transport: str, heard_ms: list[int] | None = None, **changes: Any) -> Outcome:
    """Return an outcome with nothing but the changes, and the latency of each update."""
    spread_of = {seq: Spread(2, 2 * ms * MS, 0, 0) for seq, ms in zip(SEQS, heard_ms or [], strict=False)}
    account = AccountRecord(subscribed=2, updates={"0123abcd": SpreadColumns.of(spread_of)})
    trial: Trial = msgspec.structs.replace(trial_of(plan_of(transport), WINDOW, account, TRUTH), **changes)
    return Outcome(trial, Raw(WINDOW, account, TRUTH, NOTHING_MEASURED))


def failed(checks: list[Check]) -> list[str]:
    """Return the checks that failed, and assert that all others passed or have no bounds."""
    assert all((check.passed is None) == (check.low is None) == (not check.tolerance) for check in checks)
    return [check.what for check in checks if check.passed is False]
