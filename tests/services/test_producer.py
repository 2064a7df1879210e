"""The producer: makes updates at the intended times, sends them to every follower, and records all."""

import time
from collections.abc import AsyncIterator
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from services.producer import Producer
from tests.contract.feeds import SELDOM, HttpFollow, Start, delete, followers, producers, put, truth
from tests.contract.raw import get
from tests.contract.stage import Running
from wirerace.clock import NS_PER_SECOND
from wirerace.workload.schedule import Schedule, due_times
from wirerace.workload.truth import Counts, EpochCount, Truth


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Return a function that starts a producer."""
    async with producers() as start:
        yield start


@pytest.fixture
async def follow() -> AsyncIterator[HttpFollow]:
    """Return a function that follows a producer's feed."""
    async with followers() as follow:
        yield follow


@pytest.fixture
async def producer(start: Start) -> Running:
    return await start()


async def test_idle_producer_has_no_schedule_and_has_made_nothing(producer: Running) -> None:
    assert b"null" == (await producer.get("/schedule")).body
    assert Truth(0, complete=True, epochs=[]) == await truth(producer)
    health = await producer.get("/health")
    assert 200 == health.status
    assert health.cursor.endswith("-0")


async def test_producer_starts_with_the_schedule_of_its_options(start: Start, follow: HttpFollow) -> None:
    producer = await start(idle=False, rate_per_second=200, arrivals="periodic", payload_bytes=7, seed=5)
    schedule = msgspec.json.decode((await producer.get("/schedule")).body, type=Schedule)
    assert (200, "periodic", 7, 5) == (
        schedule.rate_per_second,
        schedule.arrivals,
        schedule.payload_bytes,
        schedule.seed,
    )
    updates = await (await follow(producer, after="0-0")).updates(3)
    assert [1, 2, 3] == [update.seq for update in updates]
    assert [7, 7, 7] == [len(update.data) for update in updates]


async def test_setting_a_schedule_makes_one_update_at_once(producer: Running, follow: HttpFollow) -> None:
    feed = await follow(producer)
    before = time.time_ns()
    answer = await put(producer, SELDOM | {"payload_bytes": 33})
    (update,) = await feed.updates(1)
    assert 200 == answer.status
    assert before <= update.ts <= time.time_ns()
    assert 33 == len(update.data)
    assert 1 == (await truth(producer)).count


async def test_schedule_that_was_set_is_returned(producer: Running) -> None:
    """It is whole: with defaults, and with its start."""
    before = time.time_ns()
    schedule = msgspec.json.decode((await put(producer, SELDOM)).body, type=Schedule)
    assert msgspec.convert(SELDOM | {"start_ns": schedule.start_ns}, type=Schedule) == schedule
    assert before <= (schedule.start_ns or 0) <= time.time_ns()
    assert msgspec.json.encode(schedule) == (await producer.get("/schedule")).body


@pytest.mark.long
@pytest.mark.parametrize("arrivals", ["periodic", "poisson", "bursty"])
async def test_updates_are_made_at_the_times_that_the_schedule_intends(
    producer: Running, follow: HttpFollow, arrivals: str
) -> None:
    """To the nanosecond, from the start of the schedule, and none early."""
    start_ns = time.time_ns() + NS_PER_SECOND
    schedule = {"rate_per_second": 200, "arrivals": arrivals, "on_seconds": 0.05, "off_seconds": 0.05, "seed": 3}
    feed = await follow(producer)
    assert 200 == (await put(producer, schedule | {"start_ns": start_ns})).status
    _priming, *updates = await feed.updates(51)
    received_ns = time.time_ns()
    intended = islice(due_times(msgspec.convert(schedule, type=Schedule), start_ns), 50)
    assert list(intended) == [update.ts for update in updates]
    assert updates[-1].ts <= received_ns
    assert all(late_ns >= 0 for made in (await truth(producer)).epochs for late_ns in made.late_ns)


@pytest.mark.long
async def test_same_schedule_again_makes_the_same_updates_again(producer: Running, follow: HttpFollow) -> None:
    """Every transport of a repeat gets the same updates from a new start."""
    feed, received = await follow(producer), []
    for _ in range(2):
        start_ns = time.time_ns() + NS_PER_SECOND // 2
        schedule = {"rate_per_second": 500, "arrivals": "poisson", "payload_bytes": 20, "seed": 9, "start_ns": start_ns}
        assert 200 == (await put(producer, schedule)).status
        updates = await feed.updates(21)
        received.append([(update.ts - start_ns, update.data) for update in updates if update.ts >= start_ns][:20])
        assert 200 == (await delete(producer)).status
        feed = await follow(producer)
    assert [20, 20] == [len(updates) for updates in received]
    assert received[0] == received[1]


@pytest.mark.long
async def test_schedule_in_the_future_replaces_the_one_before_at_once(producer: Running, follow: HttpFollow) -> None:
    """Later updates of the old one are not made."""
    await put(producer, {"rate_per_second": 2000, "arrivals": "periodic"})
    start_ns = time.time_ns() + NS_PER_SECOND
    answer = await put(producer, {"rate_per_second": 100, "arrivals": "periodic", "start_ns": start_ns})
    answered_ns = time.time_ns()
    assert 200 == answer.status
    feed = await follow(producer, after="0-0")
    while (await feed.updates(1))[0].ts <= start_ns:
        pass
    (made,) = (await truth(producer, answered_ns)).epochs
    assert start_ns + NS_PER_SECOND // 100 == made.ts[0]


async def test_no_update_is_made_after_the_schedule_was_deleted(producer: Running) -> None:
    await put(producer, {"rate_per_second": 1000, "arrivals": "periodic"})
    answer = await delete(producer)
    assert (200, b"null") == (answer.status, answer.body)
    assert b"null" == (await producer.get("/schedule")).body
    head = (await producer.get("/health")).cursor
    await put(producer, SELDOM)
    epoch, _, seq = head.partition("-")
    assert f"{epoch}-{int(seq) + 1}" == (await producer.get("/health")).cursor


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "schedule: "),
        (b"{", "schedule: "),
        (b"\xff", "schedule: "),
        (b"[]", "schedule: "),
        (b"null", "schedule: "),
        (b'{"rate": 5}', "rate"),
        (b'{"rate_per_second": 0}', "rate_per_second"),
        (b'{"rate_per_second": 10001}', "rate_per_second"),
        (b'{"rate_per_second": "fast"}', "rate_per_second"),
        (b'{"rate_per_second": NaN}', "JSON"),
        (b'{"arrivals": "never"}', "arrivals"),
        (b'{"arrivals": "trace"}', "trace"),
        (b'{"payload_bytes": -1}', "payload_bytes"),
        (b'{"payload_bytes": 1048577}', "payload_bytes"),
        (b'{"payload_bytes": 1.5}', "payload_bytes"),
        (b'{"seed": -1}', "seed"),
        (b'{"start_ns": -1}', "start_ns"),
        (b'{"start_ns": 1}', "start_ns"),
        (b'{"start_ns": 1e400}', "schedule: "),
        (b'{"start_ns": 1000000000000000000000000000000}', "start_ns"),
        (b'{"start_ns": ' + b"1" * 400 + b"}", "start_ns"),
        (b'{"start_ns": ' + b"1" * 5000 + b"}", "start_ns"),
        (b'{"seed": ' + b"1" * 400 + b"}", "seed"),
        (b'{"rate_per_second": ' + b"1" * 400 + b"}", "rate_per_second"),
        (b'{"speed": 1' + b"0" * 5000 + b"}", "speed"),
        (b'{"trace_file": "\xff"}', "UTF-8"),
        (b'{"trace_file": "cut \\ud83d"}', "JSON"),
        (b'{"trace_file": ' + b"[" * 100_000, "trace_file"),
        (b'{"arrivals": "trace", "trace": ' + b"[" * 100_000, "trace"),
        (b"[" * 100_000, "schedule: "),
        (b'{"more": ' + b"[" * 100_000, "schedule: "),
        (b'{"arrivals": "trace", "trace": [[0, "a"], [1e308, "b"]], "speed": 1e-300}', "trace[1]"),
        (b'{"arrivals": "trace", "trace": [[0, "a"], [2, "b"], [1, "c"]]}', "trace[2]: time goes back"),
        (b'{"arrivals": "trace", "trace": [[-1, "a"]]}', "trace[0]"),
        (b'{"arrivals": "trace", "trace": [[' + b"1" * 400 + b', "a"]]}', "trace[0]"),
        (b'{"arrivals": "trace", "trace": [[0, "' + b"x" * 1_048_577 + b'"]]}', "trace[0]: a payload has at most"),
        (b'{"on_seconds": 1e-300}', "on_seconds"),
    ],
    ids=lambda value: value[:60].decode(errors="replace") if isinstance(value, bytes) else value,
)
async def test_malformed_schedule_is_refused_with_one_line_that_names_the_field(
    start: Start, body: bytes, named: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It changes nothing: no update is made, no schedule is set, and nothing is recorded."""
    record = tmp_path / "record"
    producer = await start(record_file=str(record))
    recorded = record.read_bytes()
    answer = await put(producer, body)
    assert recorded == record.read_bytes()
    assert "Traceback" not in caplog.text
    assert len(answer.line) < 500
    assert 400 == answer.status
    assert answer.line.startswith("schedule: ")
    assert named in answer.line
    assert b"null" == (await producer.get("/schedule")).body
    assert 0 == (await truth(producer)).count


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("", "from"),
        ("?from=1", "to"),
        ("?from=-1&to=2", "from"),
        ("?from=1&to=x", "to"),
        ("?from=1&to=1e9", "to"),
        ("?from=1&to=" + "1" * 400, "to"),
        ("?from=%D9%A1&to=1", "from"),
        ("?from=%FF&to=1", "from"),
        ("?from=1&to=%00", "to"),
    ],
)
async def test_malformed_window_is_refused(producer: Running, query: str, named: str) -> None:
    for path in ("/updates", "/updates/counts"):
        answer = await producer.get(f"{path}{query}")
        assert 400 == answer.status
        assert answer.line.startswith(f"{named} must be ")


async def test_body_that_is_too_large_is_refused_with_one_line(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.host.MOST_REQUEST_BYTES", 1000)
    answer = await put(await start(), b" " * 2000)
    assert (413, "a body has at most 1000 bytes; send less") == (answer.status, answer.line)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "identity, gzip", "x"])
async def test_body_that_is_encoded_is_refused_whatever_it_would_become(
    producer: Running, caplog: pytest.LogCaptureFixture, coding: str
) -> None:
    """115 KB of gzip became 1.2 GB of memory."""
    for method, path in (("PUT", "/schedule"), ("GET", "/health"), ("GET", "/updates?from=1&to=2")):
        answer = await producer.ask(get(path, f"Content-Encoding: {coding}", method=method, body=b"no gzip"))
        assert (415, "a body must not be encoded: send it as it is") == (answer.status, answer.line)
    assert 200 == (await producer.ask(get("/schedule", "Content-Encoding: identity", method="PUT", body=b"{}"))).status
    assert "Traceback" not in caplog.text


async def test_failure_to_make_an_update_ends_the_producer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A producer that makes nothing must not look alive."""

    def fail(_producer: Producer, _due: object) -> None:
        raise ZeroDivisionError("a defect")

    producer = await Running.start(Producer, rate_per_second=1000, arrivals="periodic")
    monkeypatch.setattr(Producer, "_make", fail)
    with pytest.raises(ZeroDivisionError, match="a defect"):
        await producer.ended()


async def test_window_counts_what_was_made_in_it(producer: Running, follow: HttpFollow) -> None:
    """It includes its first nanosecond and excludes its end."""
    feed = await follow(producer)
    for _ in range(4):
        await put(producer, SELDOM)
    times = [update.ts for update in await feed.updates(4)]
    assert times == sorted(set(times))
    window = await truth(producer, times[1], times[3])
    assert (2, True) == (window.count, window.complete)
    assert times[1:3] == window.epochs[0].ts
    assert [2, 3] == window.epochs[0].seq
    answer = await producer.get(f"/updates/counts?from={times[1]}&to={times[3]}")
    counts = msgspec.json.decode(answer.body, type=Counts)
    assert Counts(2, complete=True, epochs=[EpochCount(window.epochs[0].epoch, 2, 3)]) == counts


async def test_metrics_of_the_producer_count_what_it_made(producer: Running, follow: HttpFollow) -> None:
    feed = await follow(producer)
    await put(producer, SELDOM)
    await feed.updates(1)
    metrics = await producer.metrics()
    assert 1 == metrics["wirerace_updates_total"]
    assert 1 == metrics["wirerace_deliveries_total"]
    assert 10 == metrics["wirerace_payload_bytes_total"]
    assert 1 == metrics["wirerace_clients"]
    assert 1 == metrics["wirerace_feed_live"]
    feed.response.close()
    await producer.until_metric("clients", 0)


async def test_producer_exports_the_number_of_channels_of_its_schedule(producer: Running) -> None:
    """Clients get the updates of one of them, so what is expected of them depends on it."""
    for channels in (3, 1):
        await put(producer, SELDOM | {"channels": channels})
        assert channels == await producer.metric("channels")
