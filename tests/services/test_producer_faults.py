"""A producer in trouble, as a process: a full disk, a damaged record, an old schedule, one with too many updates."""

import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from tests.contract.feeds import Follow, followers, keys, put, truth
from tests.contract.processes import ServiceProcess
from tests.contract.stage import until
from wirerace.clock import NS_PER_SECOND
from wirerace.workload.schedule import Schedule, due_times
from wirerace.workload.trace import Event

pytestmark = pytest.mark.processes

DAY_NS = 86_400 * NS_PER_SECOND
BURSTS = Schedule(arrivals="bursty", rate_per_second=10_000.0, on_seconds=1.0, off_seconds=86_400.0)
TRACE = [Event(index / 1000, None) for index in range(10_000)]
Launch = Callable[..., Awaitable[ServiceProcess]]


@pytest.fixture
async def launch() -> AsyncIterator[Launch]:
    """Return a function that starts a producer, which ends with the test."""
    started: list[ServiceProcess] = []

    async def launch(*arguments: str, under: tuple[str, ...] = ()) -> ServiceProcess:
        started.append(await ServiceProcess.start("producer", *arguments, under=under))
        return started[-1]

    yield launch
    for process in started:
        process.close()


@pytest.fixture
async def follow() -> AsyncIterator[Follow]:
    async with followers() as follow:
        yield follow


@pytest.fixture(params=["limit", "tmpfs"])
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, ...]:
    """The command that starts a program with little space in `tmp_path`."""
    if request.param == "limit":
        return ("prlimit", "--fsize=4096")
    mounting = f'mount -t tmpfs -o size=16k none "{tmp_path}" && exec "$@"'
    under = ("unshare", "--mount", "sh", "-c", mounting, "sh")
    if subprocess.run([*under, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no right to mount here")
    return under


def recorded(directory: Path, schedule: Schedule) -> Path:
    """Return a record of a producer that was killed under a schedule."""
    path = directory / "record"
    path.write_bytes(msgspec.json.encode({"schedule": schedule, "options": None}) + b"\n")
    return path


async def test_producer_on_a_full_disk_is_503_and_continues(
    launch: Launch, follow: Follow, small_disk: tuple[str, ...], tmp_path: Path
) -> None:
    """Every update in its record was sent to its followers; the trouble is logged once."""
    record = tmp_path / "record"
    options = ("--rate-per-second", "200", "--record-file", str(record))
    producer = await launch(*options, under=small_disk)
    feed = await follow(producer, after="0-0")
    await producer.until_health(503)
    health = await producer.get("/health")
    assert b"updates are made and not recorded; free some space" in health.body
    received = await feed.updates(500)
    made = keys(await truth(producer, 0, received[-1].ts + 1))
    assert made == [(update.epoch, update.seq, update.ts) for update in received]
    assert 503 == (await producer.get("/health")).status
    assert 0 == await producer.end()
    assert 1 == producer.log.count(f"{record}: ")
    assert "Traceback" not in producer.log


async def test_record_of_a_full_disk_is_known_not_to_be_whole(launch: Launch, follow: Follow, tmp_path: Path) -> None:
    options = ("--rate-per-second", "200", "--record-file", str(tmp_path / "record"))
    first = await launch(*options, under=("prlimit", "--fsize=4096"))
    await first.until_health(503)
    last = (await (await follow(first)).updates(1))[0]
    await first.end()
    second = await launch(*options)
    window = await truth(second, 0, last.ts + 1)
    assert 0 < window.count < last.seq
    assert not window.complete
    (newer,) = await (await follow(second)).updates(1)
    assert (await truth(second, newer.ts, newer.ts + 1)).complete


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(arrivals="periodic", rate_per_second=1000.0),
        Schedule(arrivals="poisson", rate_per_second=1000.0),
        Schedule(arrivals="bursty", rate_per_second=1000.0, on_seconds=0.1, off_seconds=0.1),
        Schedule(arrivals="trace", trace=TRACE),
    ],
    ids=lambda schedule: schedule.arrivals,
)
async def test_schedule_that_began_a_day_ago_continues_at_once(
    launch: Launch, follow: Follow, schedule: Schedule, tmp_path: Path
) -> None:
    """It makes none of the earlier updates, and answers requests."""
    begun_ns = time.time_ns()
    start_ns = begun_ns - DAY_NS
    record = recorded(tmp_path, msgspec.structs.replace(schedule, start_ns=start_ns))
    producer = await launch("--idle", "true", "--record-file", str(record))
    updates = await (await follow(producer, after="0-0")).updates(20)
    assert begun_ns < updates[0].ts
    assert 200 == (await producer.get("/health")).status
    intended = due_times(schedule, start_ns, updates[0].ts)
    assert [next(intended) for _ in updates] == [update.ts for update in updates]
    assert 0 == await producer.end()


async def test_bursts_that_are_a_day_apart_take_no_core(launch: Launch, follow: Follow) -> None:
    producer = await launch("--idle", "true")
    feed = await follow(producer)
    assert 200 == (await put(producer, msgspec.json.encode(BURSTS))).status
    before = await producer.metric("cpu_seconds_total")
    assert [b"\n", b"\n"] == [line for line in [await feed.line() for _ in range(3)] if not line.strip()][:2]
    assert await producer.metric("cpu_seconds_total") - before < 0.5
    assert 200 == (await producer.get("/health")).status
    assert 0 == await producer.end()


async def test_producer_in_a_burst_that_it_cannot_keep_up_with_still_answers_and_stops(
    launch: Launch, tmp_path: Path
) -> None:
    """14 million updates are due in a second: they come late, in portions."""
    bursts = msgspec.structs.replace(BURSTS, on_seconds=60.0)
    record = recorded(tmp_path, msgspec.structs.replace(bursts, start_ns=time.time_ns() - next(due_times(bursts, 0))))
    producer = await launch("--idle", "true", "--record-file", str(record))

    async def makes() -> bool:
        return await producer.metric("updates_total") > 5000

    await until(makes, "it makes updates of the burst")
    assert 200 == (await producer.get("/health")).status
    assert 0 == await producer.end()


async def test_schedule_that_cannot_be_kept_is_in_no_record_and_keeps_no_producer_from_starting(
    launch: Launch, tmp_path: Path
) -> None:
    record = tmp_path / "record"
    first = await launch("--idle", "true", "--record-file", str(record))
    answer = await put(first, b'{"arrivals":"trace","trace":[[0,"a"],[1e308,"b"]],"speed":1e-300}')
    assert 400 == answer.status
    assert answer.line.startswith("schedule: trace[1]: ")
    assert 0 == await first.end()
    second = await launch("--idle", "true", "--record-file", str(record))
    assert b"null" == (await second.get("/schedule")).body
    assert "Traceback" not in second.log


async def test_producer_starts_with_a_record_of_damaged_lines(launch: Launch, follow: Follow, tmp_path: Path) -> None:
    """Also with the record of a producer that accepted a schedule that cannot be kept."""
    record = recorded(tmp_path, Schedule(arrivals="periodic", rate_per_second=100.0))
    with record.open("ab") as file:
        file.write(b'["e0",1,10,1]\n{}\n["e0",1e999,1,1]\n\0\0\0\n["e0",2,20,1]\n')
        file.write(b'{"schedule":{"arrivals":"trace","trace":[[0,"a"],[1e308,"b"]],"speed":1e-300},"options":null}\n')
    producer = await launch("--idle", "true", "--record-file", str(record))
    updates = await (await follow(producer, after="0-0")).updates(3)
    assert [1, 2, 3] == [update.seq for update in updates]
    assert "e0" != updates[0].epoch
    assert [("e0", 1, 10), ("e0", 2, 20)] == keys(await truth(producer, 0, 100))
    assert [3, 4, 5, 7] == [number for number in range(1, 10) if f"{record}:{number}: not a whole line" in producer.log]
    assert "Traceback" not in producer.log
