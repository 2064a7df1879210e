"""Visitors, end to end: real processes, real sockets, every visit accounted for against the producer's record."""

import json
from collections.abc import Callable

import pytest

from tests.race.running import Race, is_sampled
from wirerace.analysis.judge import judged
from wirerace.clock import to_ns
from wirerace.experiment.plans import plans_of
from wirerace.experiment.reading import read_experiment
from wirerace.record.result import Raw
from wirerace.transports import TRANSPORTS
from wirerace.workload.population import visits_of

pytestmark = pytest.mark.processes

VISITS = """
title = "Visitors"
transports = ["polling", "longpolling", "websocket", "sse", "stream"]

[population]
kind = "visit"
per_second = 20.0
updates = 3

[producer]
rate_per_second = 20.0

[polling]
interval_seconds = 0.2

[window]
warmup_seconds = 0.5
measure_seconds = 1.0
"""
PUSHED = [name for name, transport in TRANSPORTS.items() if not transport.asks]


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> Race:
    race = Race(tmp_path_factory.mktemp("visits"), VISITS, "--full")
    assert race.wait() == 0, race.said
    return race


def due_in(race: Race, raw: Raw) -> list[int]:
    """Return when visitors were due in the window, from the experiment's file alone."""
    experiment = read_experiment(race.file).first
    start_ns = raw.window.from_ns - to_ns(experiment.window.warmup_seconds)
    return [
        due_ns
        for due_ns in visits_of(experiment.population, experiment.seed, start_ns, raw.window.to_ns)
        if raw.window.has(due_ns)
    ]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_visitor_comes_when_it_is_due_and_gets_what_it_came_for(visited: Race, transport: str) -> None:
    raw, trial = visited.raw(transport), visited.trial(transport)
    entries = [one for one in raw.account.visits.ended if raw.window.has(one.due_ns)]
    assert due_in(visited, raw) == sorted(one.due_ns for one in entries)
    assert {"finished"} == {one.end for one in entries}
    assert (0, 0, 0, 1.0) == (trial.lost, trial.duplicated, trial.reordered, trial.reach)
    assert trial.visits is not None
    assert (len(entries), len(entries), 0, 0) == (
        trial.visits.due,
        trial.visits.finished,
        trial.visits.gave_up,
        trial.visits.stale,
    )


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_visitors_have_the_newest_update_and_those_that_follow(visited: Race, transport: str) -> None:
    """The newest of the producer's own record when the request left, or one that was made in the second before it."""
    raw = visited.raw(transport)
    (epoch,) = raw.truth.epochs
    for one in raw.account.visits.ended:
        assert one.first is not None
        assert one.last is not None
        assert one.last.seq - one.first.seq >= 3, "one read may bring more than it came for"
        newer = [ts for seq, ts in zip(epoch.seq, epoch.ts, strict=True) if seq > one.first.seq + 1]
        assert not newer or newer[0] > one.asked_ns - 10**9


def test_pushed_visits_take_one_request_and_one_connection_each(visited: Race) -> None:
    for transport in TRANSPORTS:
        visits = visited.trial(transport).visits
        assert visits is not None
        assert 1.0 == visits.connections
        assert visits.requests is not None
        assert (visits.requests == 1) == (transport in PUSHED)


def test_ports_rest_at_the_end_that_closes_first(visited: Race) -> None:
    """Clients close first, but for WebSocket, whose server does after the close frame."""
    for transport in TRANSPORTS:
        visits = visited.trial(transport).visits
        assert visits is not None
        if visits.resting is not None:
            clients, server = visits.resting.clients, visits.resting.server
            assert (server > clients) == (transport == "websocket"), (transport, visits.resting)
            assert clients + server > 10


def test_theory_of_visits_stands_beside_each_transport(visited: Race) -> None:
    for trial in filter(is_sampled, map(visited.trial, TRANSPORTS)):
        cells = {cell.quantity: cell for cell in trial.theory}
        assert {"first_age_seconds", "requests_per_visit", "visit_seconds"} == cells.keys()
    assert all(cell.given == 1.0 for cell in visited.trial("sse").theory if cell.quantity == "requests_per_visit")


def test_table_is_of_visits(visited: Race) -> None:
    said = visited.said
    assert all(words in said for words in ("time to the first update", "server CPU per visit", "visitors who gave up"))
    assert all(words not in said for words in ("mean age", "memory per client"))
    assert "poisson, 20 visitors/s for 3 updates" in " ".join(said.split())


def test_every_figure_of_visits_can_be_computed_again_from_the_raw_record(visited: Race) -> None:
    for plan in plans_of(read_experiment(visited.file).settings[0], 1):
        assert judged(plan, visited.raw(plan.transport.name)) == visited.trial(plan.transport.name)


def test_locusts_rows_are_of_visits_too(visited: Race) -> None:
    log = (visited.out / "logs" / "1-websocket.load.log").read_text()
    assert "VISIT    /ws" in log
    assert "connect  /ws" in log


def test_visitors_of_several_processes_are_those_of_one(race: Callable[..., Race]) -> None:
    keys = ("load.processes=3", 'transports=["longpolling"]')
    started = race(*(part for key in keys for part in ("--set", key)), experiment=VISITS)
    assert started.wait() == 0, started.said
    raw, trial = started.raw("longpolling"), started.trial("longpolling")
    assert due_in(started, raw) == sorted(one.due_ns for one in raw.account.visits.ended if raw.window.has(one.due_ns))
    assert (0, 0, 3) == (trial.lost, trial.duplicated, len(raw.account.processes))


def test_sweep_over_the_updates_of_a_visit_ends_with_its_crossing(race: Callable[..., Race]) -> None:
    keys = ("population.updates=[1, 4]", 'transports=["longpolling", "websocket"]')
    started = race(*(part for key in keys for part in ("--set", key)), "--full", experiment=VISITS)
    assert started.wait() == 0, started.said
    said = " ".join(started.said.split())
    assert "From which K on does a push cost less? (one repeat, so without intervals" in said
    assert "Requests per visit: WebSocket costs less than Long polling from K = 4 on." in said
    crossings = json.loads((started.out / "result.json").read_text())["crossings"]
    assert {("websocket", "longpolling")} == {(one["one"], one["other"]) for one in crossings}
    assert 4 == len(crossings)
