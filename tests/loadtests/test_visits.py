"""Visitors in a real Locust environment, against servers that are honest or lie: every visit is counted exactly."""

from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace

from tests.loadtests.visited import EPOCH, GAP_SECONDS, HONEST, Lie, LyingServer, VisitSwarm
from tests.wirerace.trials import NOTHING_MEASURED, at_ends, plan_of
from wirerace.analysis.expected import expected_of
from wirerace.analysis.visits import visits_of
from wirerace.clock import to_ns
from wirerace.experiment.model import Experiment
from wirerace.observe.account import AccountRecord
from wirerace.observe.visit import VISIT_STAGES
from wirerace.record.result import Raw
from wirerace.transports import TRANSPORTS
from wirerace.workload.population import Population

pytestmark = pytest.mark.long

SECONDS = 0.49
PUSHED = [name for name, transport in TRANSPORTS.items() if not transport.asks]
ASKED = [name for name, transport in TRANSPORTS.items() if transport.asks]
Visited = tuple[LyingServer, VisitSwarm, AccountRecord]
Visit = Callable[..., Visited]


@pytest.fixture
def visit() -> Iterator[Visit]:
    """Return a function that lets 19 visitors come for K updates, to a server that lies to each as it is told."""
    closing: list[Callable[[], None]] = []

    def run(
        transport: str,
        updates: int,
        lie_to: Callable[[int], Lie] = lambda _: HONEST,
        *,
        timeout_seconds: float = 30.0,
        is_there: bool = True,
        until_received: int = 0,
    ) -> Visited:
        server = LyingServer(transport, lie_to)
        closing.append(server.stop)
        if not is_there:
            server.stop()
        population = Population(
            kind="visit", per_second=40.0, arrivals="periodic", updates=updates, timeout_seconds=timeout_seconds
        )
        swarm = VisitSwarm(server, transport, population, SECONDS)
        closing.append(swarm.close)
        return server, swarm, swarm.finish(until_received)

    yield run
    for close in reversed(closing):
        close()


def raw_of(visited: Visited) -> Raw:
    server, swarm, account = visited
    calm = replace(account, processes=[])  # a process that waited for a core would have a longer grace period
    return Raw(swarm.window, calm, server.truth(), at_ends(swarm.window, NOTHING_MEASURED))


def lost_in(visited: Visited, transport: str, updates: int) -> int:
    population = Population(kind="visit", updates=updates)
    plan = plan_of(transport, experiment=Experiment("t", [transport], population=population))
    return expected_of(plan, raw_of(visited)).deliveries - visited[2].delivered


@pytest.mark.parametrize("updates", [1, 3])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_each_visitor_takes_the_newest_update_and_the_next_ones_on_a_cold_connection(
    visit: Visit, transport: str, updates: int
) -> None:
    visited = server, swarm, account = visit(transport, updates)
    visits = account.visits.ended

    assert 19 == len(visits) == len(server.sent) == server.connections == account.connects
    assert {"finished"} == {one.end for one in visits}
    assert [] == swarm.failures()
    for one in visits:
        assert one.first is not None
        assert one.last is not None
        assert EPOCH == one.first.epoch == one.last.epoch
        assert one.last.seq - one.first.seq >= updates
        if transport in PUSHED:
            assert 1 == one.requests
    began = sorted(one.first.seq for one in visits if one.first is not None)
    assert began == sorted(sent[0] - 1 for sent in server.sent)
    assert (0, 0, 0) == (account.duplicated, account.reordered, lost_in(visited, transport, updates))
    taken = [range(one.first.seq + 1, one.last.seq + 1) for one in visits if one.first and one.last]
    assert sum(map(len, taken)) == account.received
    later = [seq for seqs in taken for seq in seqs[1:] if swarm.window.has(server.made_ns[seq - 1])]
    assert len(later) == account.latencies.recorded, "the first update of a visit has no latency"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_first_request_asks_for_the_newest_and_the_others_continue(visit: Visit, transport: str) -> None:
    server, _, account = visit(transport, 3)

    path = TRANSPORTS[transport].path
    first = {"longpolling": f"{path}?last=1&hold=0"}.get(transport, f"{path}?last=1")
    assert {first} == {targets[0] for targets in server.requests}
    assert all("last" not in target for targets in server.requests for target in targets[1:])
    assert sum(map(len, server.requests)) == sum(one.requests for one in account.visits.ended)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_stages_of_a_visit_follow_each_other(visit: Visit, transport: str) -> None:
    _, swarm, account = visit(transport, 2)
    stages = [stage for stage in VISIT_STAGES if stage != "tls_established"]
    means = [account.visits.stages[stage].sum_ns / 19 for stage in stages]

    assert [19] * len(stages) == [account.visits.stages[stage].recorded for stage in stages]
    assert 0 == account.visits.stages["tls_established"].recorded
    assert sorted(means) == means
    assert 0 <= means[0]
    assert 19 == account.visits.first_ages.recorded
    assert all(swarm.window.has(one.due_ns) and one.due_ns < one.asked_ns < one.left_ns for one in account.visits.ended)


def test_websocket_visitor_says_goodbye_and_lets_the_server_close_first(visit: Visit) -> None:
    server, *_ = visit("websocket", 1)

    assert 19 == server.goodbyes


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_visitors_whose_connection_is_closed_early_come_back_and_miss_nothing(visit: Visit, transport: str) -> None:
    """Every second visitor loses its connection after its first answer, or update."""
    visited = server, _, account = visit(transport, 6, lambda visitor: Lie(closes_after=1) if visitor % 2 else HONEST)

    assert {"finished"} == {one.end for one in account.visits.ended}
    assert 19 + 9 == server.connections == account.connects
    came_back = account.breaks + account.repeated_requests  # a poll on a connection that was closed is sent again
    assert (9, 0, 0) == (came_back, account.duplicated, lost_in(visited, transport, 6))


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_visitors_who_get_no_more_give_up_and_are_counted(visit: Visit, transport: str) -> None:
    """Nothing is made to look lost: what was withheld is younger than the grace period."""
    visited = _, swarm, account = visit(
        transport, 4, lambda visitor: Lie(silent_after=1) if visitor < 5 else HONEST, timeout_seconds=0.9
    )
    gave_up = [one for one in account.visits.ended if one.end == "gave_up"]

    assert (5, 14) == (len(gave_up), sum(one.end == "finished" for one in account.visits.ended))
    assert all(one.left_ns - one.due_ns >= to_ns(0.9) for one in gave_up)
    assert 14 == account.visits.stages["closed"].recorded
    assert 0 == lost_in(visited, transport, 4)
    (failure,) = swarm.failures()
    assert f"VISIT {TRANSPORTS[transport].path}: gave up after 0.9 s with 1 of 4 updates" == failure


@pytest.mark.long
@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_what_is_withheld_for_long_is_lost(visit: Visit, transport: str) -> None:
    """Three visitors stay until what they came for is older than the grace period: one of their three updates came."""
    visited = visit(transport, 3, lambda visitor: Lie(silent_after=1) if visitor < 3 else HONEST, timeout_seconds=3.0)
    made_in_time = [sent[0] for sent in visited[0].sent[:3]]

    due = [seq for first in made_in_time for seq in (first + 1, first + 2)]
    in_window = [seq for seq in due if visited[1].window.has(visited[0].made_ns[seq - 1])]
    assert len(in_window) == lost_in(visited, transport, 3) > 0


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_older_update_than_the_newest_is_found_out(visit: Visit, transport: str) -> None:
    """Seven visitors get one that is 15 gaps old."""
    visited = *_, account = visit(transport, 1, lambda visitor: Lie(stale=15) if visitor < 7 else HONEST)
    plan = plan_of(transport, experiment=Experiment("t", [transport], population=Population(kind="visit")))
    found = visits_of(plan, raw_of(visited), to_ns(10 * GAP_SECONDS))

    assert found is not None
    assert (19, 7) == (found.due, found.stale)
    assert account.visits.first_ages.max_ns is not None
    assert account.visits.first_ages.max_ns >= to_ns(15 * GAP_SECONDS)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_update_that_is_left_out_of_a_visit_is_lost(visit: Visit, transport: str) -> None:
    visited = server, _, account = visit(transport, 3, lambda visitor: Lie(drops=2) if visitor < 4 else HONEST)
    dropped = [sent[0] + 1 for sent in server.sent[:4] if len(sent) > 1]
    passed = [one for one in account.visits.ended if one.first and one.last and one.last.seq >= one.first.seq + 2]

    assert 4 == len(dropped)
    assert len(passed) == len(account.visits.ended)
    in_window = sum(visited[1].window.has(server.made_ns[seq - 1]) for seq in dropped)
    assert in_window == lost_in(visited, transport, 3)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_update_that_comes_twice_does_not_count_as_another(visit: Visit, transport: str) -> None:
    visited = *_, account = visit(transport, 3, lambda visitor: Lie(repeats=2) if visitor < 4 else HONEST)

    assert {"finished"} == {one.end for one in account.visits.ended}
    assert 4 == account.repeated
    assert all(one.last.seq - one.first.seq >= 3 for one in account.visits.ended if one.first and one.last)
    assert 0 == lost_in(visited, transport, 3)


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_visitors_of_a_server_that_is_not_there_give_up(visit: Visit, transport: str) -> None:
    _, _, account = visit(transport, 1, is_there=False, timeout_seconds=2.0)

    assert ["gave_up"] * 19 == [one.end for one in account.visits.ended]
    assert {None} == {one.first for one in account.visits.ended}
    assert account.failed_connects >= 19
    assert (0, 0) == (account.received, account.clients)


def test_visits_that_are_left_when_the_load_ends_are_unfinished(visit: Visit) -> None:
    *_, account = visit("websocket", 2, lambda _: Lie(silent_after=1), until_received=5)

    assert {"unfinished"} == {one.end for one in account.visits.ended}
    assert 5 <= len(account.visits.ended)
    assert all(one.last.seq == one.first.seq + 1 for one in account.visits.ended if one.first and one.last)
