"""A record's counts: how much was made in a window, without the updates."""

import math
from array import array
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services import record_parts
from services.record import Record
from tests.services.records import fill
from wirerace.wire.update import Update
from wirerace.workload.truth import Counts, EpochCount

MADE = st.tuples(st.sampled_from(["", "a", "b"]), st.integers(-3, 5))
"""The channel of an update, and how much later than the one before it is made: a clock may be set back."""


@pytest.mark.long
@pytest.mark.usefixtures("small_parts")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(MADE, max_size=40), st.integers(0, 60), st.integers(0, 60), st.integers(0, 40))
def test_counts_agree_with_the_truth(made: list[tuple[str, int]], from_ns: int, to_ns: int, second: int) -> None:
    """Also when the clock is set back, over many parts, and in two epochs."""
    record, ts = Record(None), 10
    heads: dict[tuple[str, str], int] = {}
    for number, (channel, later) in enumerate(made):
        epoch, ts = f"e{int(number >= second)}", max(0, ts + later)
        seq = heads[epoch, channel] = heads.get((epoch, channel), 0) + 1
        record.add(Update(epoch, seq, ts, "", channel), 0)
    truth, counts = record.between(from_ns, to_ns), record.counts(from_ns, to_ns)

    assert (truth.count, truth.complete) == (counts.count, counts.complete)
    assert counts.epochs == [EpochCount(one.epoch, len(one.seq), one.seq[-1], one.channel) for one in truth.epochs]


class Looked(array):  # type: ignore[type-arg]  # it has no type at run time
    """A column that counts how often somebody looks at a member."""

    looks = 0

    def __getitem__(self, place: Any) -> Any:
        Looked.looks += 1
        return super().__getitem__(place)


@pytest.mark.parametrize("updates", [100, 10_000])
def test_counting_looks_at_a_few_updates_of_however_many(monkeypatch: pytest.MonkeyPatch, updates: int) -> None:
    monkeypatch.setattr(record_parts, "array", Looked)
    record = Record(None)
    fill(record, *range(1, updates + 1))
    Looked.looks = 0
    counts = record.counts(10 * (updates // 4), 10 * (updates // 2))

    assert (updates // 4, updates // 2 - 1) == (counts.count, counts.epochs[0].newest)
    assert Looked.looks <= 2 * (math.log2(updates) + 2)


def test_answer_with_counts_is_as_long_for_many_updates_as_for_few() -> None:
    few, many = Record(None), Record(None)
    fill(few, *range(1, 11))
    fill(many, *range(1, 10_001))
    sizes = [len(msgspec.json.encode(record.counts(0, 2**62))) for record in (few, many)]

    assert sizes[1] - sizes[0] <= 10  # digits


def test_nothing_made_counts_as_nothing() -> None:
    assert Counts(0, complete=True, epochs=[]) == Record(None).counts(10, 20)
