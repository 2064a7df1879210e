"""The raw record of a trial: exact, small, and read from older versions, too."""

import random
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wirerace.results import RAW, with_objects
from tests.wirerace.trials import NOTHING_MEASURED
from wirerace.errors import BadInput
from wirerace.observe.account import AccountRecord, Window, merge
from wirerace.observe.accounting import Account
from wirerace.observe.spread import Spread, SpreadColumns
from wirerace.record.browsers import BrowsersRecord
from wirerace.record.reading import read_raw
from wirerace.record.result import Raw
from wirerace.runner.directory import RunDirectory
from wirerace.wire.update import Update, sequence_of
from wirerace.workload.truth import EpochMade, Truth

SAVED = sorted((Path(__file__).parents[2] / "data" / "report" / "raw").glob("*.json"))
"""Raw records that an older version wrote."""
MOST_BYTES_AN_UPDATE = 75
HOUR_UPDATES, CLIENTS, BEGAN_NS = 180_000, 500, 1_795_762_734_938_342_281

deliveries = st.lists(
    st.tuples(
        st.integers(0, 1),  # the load process
        st.sampled_from(("e0", "e1", "e2")),
        st.sampled_from(("", "a", "b-1")),
        st.integers(1, 12) | st.integers(10**18 - 3, 10**18 - 1),
        st.integers(-(10**9), 10**12),
    )
)
"""Updates that were received, in any order and with any gaps: process, epoch, channel, number and latency."""


def accounts_of(received: list[tuple[int, str, str, int, int]]) -> list[AccountRecord]:
    """Return the records of two load processes."""
    accounts = Account(), Account()
    for process, epoch, channel, seq, latency_ns in received:
        update = Update(epoch, seq, BEGAN_NS, "", channel)
        accounts[process].delivery(update.sequence, update, BEGAN_NS + latency_ns)
    return [account.to_record() for account in accounts]


@pytest.mark.long
@given(deliveries)
def test_spread_of_every_update_survives_columns_json_and_merging(
    received: list[tuple[int, str, str, int, int]],
) -> None:
    """The oracle has all latencies of each update; numbers may be missing anywhere."""
    latencies: dict[tuple[str, int], list[int]] = {}
    for _, epoch, channel, seq, latency_ns in received:
        latencies.setdefault((sequence_of(epoch, channel), seq), []).append(latency_ns)
    sent = msgspec.json.decode(msgspec.json.encode(accounts_of(received)), type=list[AccountRecord])
    saved = msgspec.json.decode(msgspec.json.encode(merge(sent)), type=AccountRecord)

    assert {key: Spread(len(some), sum(some), min(some), max(some)) for key, some in latencies.items()} == (
        saved.spread_of
    )
    assert all(spreads.seq == sorted(set(spreads.seq)) for spreads in saved.updates.values())


@pytest.mark.long
@given(received=deliveries, of_tabs=st.none() | deliveries)
def test_older_record_is_read_as_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    received: list[tuple[int, str, str, int, int]],
    of_tabs: list[tuple[int, str, str, int, int]] | None,
) -> None:
    tabs = None if of_tabs is None else BrowsersRecord("Chrome/1", merge(accounts_of(of_tabs)), [])
    raw = msgspec.structs.replace(RAW, account=merge(accounts_of(received)), browsers=tabs)
    path = tmp_path_factory.getbasetemp() / "older.json"
    path.write_bytes(msgspec.json.encode(with_objects(raw)))

    assert raw == read_raw(path)


@pytest.mark.parametrize("path", SAVED, ids=lambda path: path.stem)
def test_record_that_an_older_version_saved_is_read_to_the_last_number(path: Path) -> None:
    written = msgspec.json.decode(path.read_bytes())
    raw = read_raw(path)
    ((sequence, spreads),) = written["account"]["updates"].items()

    assert 2 <= len(SAVED)
    assert {(sequence, int(seq)): Spread(**values) for seq, values in spreads.items()} == raw.account.spread_of
    assert msgspec.to_builtins(raw.truth) == written["truth"]
    again = with_objects(raw)
    assert {name: again["account"][name] for name in written["account"]} == written["account"]


def hour() -> Raw:
    """Return what an hour of a WebSocket server is: 500 clients, 50 updates a second, and nothing is lost."""
    drawn = random.Random(1)
    seqs = list(range(2, HOUR_UPDATES + 2))
    least_ns = [drawn.randint(400_000, 2_000_000) for _ in seqs]
    most_ns = [one + drawn.randint(5_000_000, 9_000_000) for one in least_ns]
    sum_ns = [drawn.randint(CLIENTS * one, CLIENTS * other) for one, other in zip(least_ns, most_ns, strict=True)]
    ts = sorted(BEGAN_NS + drawn.randint(0, 3600 * 10**9) for _ in seqs)
    late_ns = [drawn.randint(50_000, 1_000_000) for _ in seqs]
    spreads = SpreadColumns(seqs, [CLIENTS] * HOUR_UPDATES, sum_ns, least_ns, most_ns)
    return Raw(
        Window(BEGAN_NS, BEGAN_NS + 3600 * 10**9),
        AccountRecord(updates={"76ba4c95": spreads}),
        Truth(HOUR_UPDATES, complete=True, epochs=[EpochMade("76ba4c95", seqs, ts, late_ns)]),
        NOTHING_MEASURED,
    )


@pytest.mark.long
def test_an_hour_with_500_clients_takes_75_bytes_an_update(tmp_path: Path) -> None:
    RunDirectory(tmp_path).save_raw("1-websocket", raw := hour())
    saved = tmp_path / "raw" / "1-websocket.json"

    assert saved.stat().st_size <= MOST_BYTES_AN_UPDATE * HOUR_UPDATES
    assert raw == read_raw(saved)


@pytest.mark.parametrize(
    ("updates", "line"),
    [
        ({"e": {"seq": [1]}}, "clients is missing; add it to account.updates[…]"),
        (
            {"e": {"seq": [1], "clients": [], "sum_ns": [], "least_ns": [], "most_ns": []}},
            "account.updates[…]: clients has 0 values, and seq has 1",
        ),
        (
            {"e": {"1": {"clients": 1, "sum_ns": 5, "least_ns": 5}}},
            "most_ns is missing; add it to account.updates[…][…]",
        ),
        ({"e": {"x": {}}}, "account.updates[…] must be a whole number"),
        ({"e": 3}, "account.updates[…] must be a table"),
    ],
)
def test_record_that_was_edited_is_refused_by_the_key(updates: object, line: str, tmp_path: Path) -> None:
    document = msgspec.json.decode(msgspec.json.encode(RAW))
    document["account"]["updates"] = updates
    path = tmp_path / "1-websocket.json"
    path.write_bytes(msgspec.json.encode(document))
    with pytest.raises(BadInput) as refusal:
        read_raw(path)

    assert line in str(refusal.value)
