from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from tests.costly import costly
from tests.wirerace.stories import Story, account_of, stories
from wirerace.observe.account import AccountRecord, ProcessUse, Skip, Subscription, Traffic, merge
from wirerace.observe.clocks import HostClock, Meeting
from wirerace.observe.histogram import Latencies, LatenciesRecord
from wirerace.observe.outages import OutageRecord, Recovering
from wirerace.observe.spread import Spread, SpreadColumns
from wirerace.observe.upstream import SentMessage
from wirerace.observe.visit import VISIT_STAGES, VisitEntry, VisitsRecord
from wirerace.wire.update import Cursor

pytestmark = pytest.mark.long

COUNTS = st.integers(1, 9)  # never 0, because a field that is left out would not be noticed
MOST_LATENCY_NS = 5
SMALLEST, LARGEST = ("least_ns", "min_ns"), ("most_ns", "max_ns", "step_ns")


def latencies(values: list[int]) -> LatenciesRecord:
    recorded = Latencies()
    for value in values:
        recorded.record(value)
    return recorded.to_record()


KNOWN: dict[type, st.SearchStrategy[Any]] = {
    msgspec.inspect.IntType: COUNTS,
    msgspec.inspect.FloatType: COUNTS.map(float),
    msgspec.inspect.StrType: st.sampled_from("ab"),
    LatenciesRecord: st.lists(st.integers(0, MOST_LATENCY_NS), min_size=1, max_size=3).map(latencies),
    SpreadColumns: st.dictionaries(COUNTS, st.builds(Spread, *[COUNTS] * 4), min_size=1, max_size=3).map(
        SpreadColumns.of
    ),
    Traffic: st.builds(Traffic, *[COUNTS] * 7),
    Subscription: st.builds(Subscription, st.builds(Cursor, st.sampled_from("ab"), COUNTS), st.none(), COUNTS),
    Skip: st.builds(Skip, *[st.builds(Cursor, st.sampled_from("ab"), COUNTS)] * 2),
    VisitsRecord: st.builds(
        VisitsRecord,
        st.lists(st.builds(VisitEntry, COUNTS, COUNTS, COUNTS, st.just("finished"), COUNTS), min_size=1, max_size=3),
        st.fixed_dictionaries(
            dict.fromkeys(VISIT_STAGES, st.lists(st.integers(0, MOST_LATENCY_NS), min_size=1).map(latencies))
        ),
        st.lists(st.integers(0, MOST_LATENCY_NS), min_size=1).map(latencies),
    ),
    OutageRecord: st.builds(
        OutageRecord,
        COUNTS,
        COUNTS,
        *[st.dictionaries(COUNTS, COUNTS, min_size=1, max_size=3)] * 3,
        st.dictionaries(
            COUNTS,
            st.builds(Recovering, COUNTS, st.lists(st.integers(0, MOST_LATENCY_NS), min_size=1).map(latencies)),
            min_size=1,
            max_size=3,
        ),
    ),
    HostClock: st.builds(
        HostClock,
        host=st.just("a"),
        address=st.just("10.0.0.1"),
        port=COUNTS,
        probes=COUNTS,
        answers=COUNTS,
        least_round_trip_ns=COUNTS,
        corrected_ns=COUNTS,
        drift=COUNTS.map(float),
        error_ns=COUNTS,
        meetings=st.lists(st.builds(Meeting, st.just("b"), st.just("10.0.0.2"), *[COUNTS] * 3), min_size=1, max_size=2),
    ),
    SentMessage: st.builds(SentMessage, *[COUNTS] * 7),
    ProcessUse: st.builds(ProcessUse, COUNTS, COUNTS, COUNTS.map(float), st.none(), st.just(0.5)),
}


def values_of(of_type: msgspec.inspect.Type) -> st.SearchStrategy[Any]:
    """Return a strategy for a field's type, without empty values; a new type has to be added here."""
    match of_type:
        case msgspec.inspect.ListType(item):
            return st.lists(values_of(item), min_size=1, max_size=3)
        case msgspec.inspect.DictType(key, value):
            return st.dictionaries(values_of(key), values_of(value), min_size=1, max_size=3)
        case msgspec.inspect.TupleType(items):
            return st.tuples(*map(values_of, items))
        case msgspec.inspect.StructType(cls):
            return KNOWN[cls]
        case msgspec.inspect.UnionType(types):  # a value that older versions did not know
            (known,) = (one for one in types if not isinstance(one, msgspec.inspect.NoneType))
            return values_of(known)
    return KNOWN[type(of_type)]


def full_records() -> st.SearchStrategy[AccountRecord]:
    """Return a strategy for accounts of which every field has a value, made from the struct's own fields."""
    described = msgspec.inspect.type_info(AccountRecord)
    assert isinstance(described, msgspec.inspect.StructType)
    # What is by outcome or stage has every key.
    whole = {"responses": "data empty error", "stages": "tcp_connected request_sent answered first_update"}
    fields = {}
    for field in described.fields:
        if (keys := whole.get(field.name)) is not None:
            assert isinstance(field.type, msgspec.inspect.DictType)
            fields[field.name] = st.fixed_dictionaries(dict.fromkeys(keys.split(), values_of(field.type.value_type)))
        else:
            fields[field.name] = values_of(field.type)
    return st.builds(AccountRecord, **fields)


def in_rows(record: AccountRecord) -> dict[str, Any]:
    """Return a record as plain values, its columns as rows by number: what is in them is merged row by row."""
    values: dict[str, Any] = msgspec.to_builtins(record)
    for sequence, columns in values["updates"].items():
        numbers = columns.pop("seq")
        rows = ({name: column[place] for name, column in columns.items()} for place in range(len(numbers)))
        values["updates"][sequence] = dict(zip(numbers, rows, strict=True))
    return values


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every number in a record with its path; lists and histograms whole, as counts of their values."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "histogram":
                yield f"{path}.{key}", Counter(counts_of(inner))
            else:
                yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, tuple):
        for index, inner in enumerate(value):
            yield from leaves(inner, f"{path}.{index}")
    elif isinstance(value, list):
        yield path, Counter(map(repr, value))
    else:
        yield path, value


def counts_of(encoded: str) -> dict[int, int]:
    histogram = HdrHistogram.decode(encoded)
    counts = {value: histogram.get_count_at_value(value) for value in range(MOST_LATENCY_NS + 1)}
    return {value: count for value, count in counts.items() if count}


def expected_leaf(path: str, parts: list[Any]) -> Any:
    """Return the expected number of merged records: an extreme if its name says so, otherwise the sum."""
    if path.endswith(SMALLEST):
        return min(parts)
    if path.endswith(LARGEST):
        return max(parts)
    return sum(parts[1:], parts[0])


@costly()
@given(st.lists(full_records(), min_size=1, max_size=3))
def test_merging_takes_every_number_of_every_field_into_account(records: list[AccountRecord]) -> None:
    parts: dict[str, list[Any]] = {}
    for record in records:
        for path, value in leaves(in_rows(record)):
            parts.setdefault(path, []).append(value)

    assert {path: expected_leaf(path, values) for path, values in parts.items()} == dict(
        leaves(in_rows(merge(records)))
    )


def test_every_field_of_an_account_has_an_empty_value() -> None:
    """Merging nothing gives an account, too: that of a load in which no test has started."""
    assert AccountRecord() == merge([])


def test_possible_delays_of_several_load_processes_add_up() -> None:
    """One of them may have had no test. Records of older versions know no delays, and that stays unknown."""
    one, other = AccountRecord(asking_late=latencies([2, 3])), AccountRecord(asking_late=latencies([5]))

    assert latencies([2, 3, 5]) == merge([one, other]).asking_late
    assert latencies([5]) == merge([AccountRecord(), other]).asking_late
    older = msgspec.json.decode(b"{}", type=AccountRecord)
    assert merge([older, older]).asking_late is None


@costly()
@given(st.lists(stories(), max_size=3), st.lists(stories(), max_size=3))
def test_merged_records_equal_the_record_of_one_account_that_had_it_all(one: list[Story], other: list[Story]) -> None:
    together = account_of(*one, *other).to_record()
    merged = merge([account_of(*one).to_record(), account_of(*other).to_record()])

    assert pytest.approx(together.age_area) == merged.age_area
    # The most clients at one time is a sum of peaks, each at its own time. Each process notes its first update.
    same = {"age_area": 0.0, "most_clients": 0, "first_ns": []}
    assert msgspec.structs.replace(together, **same) == msgspec.structs.replace(merged, **same)


@costly()
@given(st.lists(full_records(), max_size=3))
def test_merging_leaves_the_records_as_they_were(records: list[AccountRecord]) -> None:
    before = msgspec.json.encode(records)
    merged = merge(records)
    merged.processes.clear()
    merged.updates.clear()

    assert before == msgspec.json.encode(records)


@costly()
@given(full_records())
def test_record_survives_json(record: AccountRecord) -> None:
    assert record == msgspec.json.decode(msgspec.json.encode(record), type=AccountRecord)


@costly()
@given(full_records())
def test_record_names_its_fields_at_every_depth(record: AccountRecord) -> None:
    """A row without names cannot be read without the code; the two ends of the window are the only pair."""
    written = msgspec.json.decode(msgspec.json.encode(record))
    pairs = {name for name, value in written.items() if isinstance(value, list) and not isinstance(value[0], dict)}

    assert {"closed_ns", "first_ns"} == pairs
    assert {"histogram", "recorded", "sum_ns", "min_ns", "max_ns"} == written["latencies"].keys()
    assert {"epoch", "seq"} == written["partly"][0]["first"].keys()
    assert 2 == len(written["traffic"])
