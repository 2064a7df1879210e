import msgspec
import pytest
from msgspec.structs import replace

from tests.wirerace.trials import NOTHING_MEASURED, NOTHING_SPENT, plan_of, trial_of
from wirerace.account import AccountRecord, Spread, Traffic, Window
from wirerace.analysis.judging import judged, measured_of, read_together, way_of
from wirerace.experiment.figures import figures
from wirerace.experiment.model import Clients, Experiment, Link, Stall
from wirerace.experiment.record import Raw
from wirerace.experiment.trial import Times
from wirerace.histogram import Latencies, LatenciesRecord
from wirerace.schedule import Made, Source, Truth
from wirerace.transports import TRANSPORTS

SECOND, MS = 10**9, 10**6
WINDOW = Window(100 * SECOND, 110 * SECOND)
MADE = [90 * SECOND, *(WINDOW.from_ns + index * SECOND // 5 for index in range(1, 50))]
TRUTH = Truth(len(MADE), complete=True, epochs=[Made("e", list(range(len(MADE))), MADE, [MS] * len(MADE))])
SERVER = (NOTHING_SPENT, replace(NOTHING_SPENT, feed_seconds=0.003 * 49, feed_updates=49, feed_reads=49))
MEASURED = replace(NOTHING_MEASURED, server=SERVER)
EXPERIMENT = Experiment("t", ["polling"], producer=Source(arrivals="periodic"))


def recorded(*latencies_ns: int) -> LatenciesRecord:
    latencies = Latencies()
    for latency_ns in latencies_ns:
        latencies.record(latency_ns)
    return latencies.to_record()


def raw_of(**account: object) -> Raw:
    heard = {seq: Spread(3, 15 * MS, 4 * MS, 6 * MS) for seq in range(1, 50)}
    whole = AccountRecord(subscribed=3, most_clients=3, delivered=147, arrived=147, client_ns=30 * SECOND)
    return Raw(
        WINDOW,
        msgspec.structs.replace(whole, updates={"e": heard}, latencies=recorded(*[5 * MS] * 147), **account),
        TRUTH,
        MEASURED,
    )


def test_way_of_a_poller_is_that_of_the_feed_and_half_a_request() -> None:
    raw = raw_of(answering=recorded(2 * MS, 4 * MS))
    way = way_of(plan_of("polling"), raw, trial_of(plan_of("polling"), WINDOW, raw.account, TRUTH, MEASURED))

    assert way is not None
    assert pytest.approx(0.003 + 0.0015) == way.delay_seconds


@pytest.mark.parametrize("transport", ["longpolling", "websocket"])
def test_way_of_who_waits_is_to_the_first_arrival_and_then_a_send_each(transport: str) -> None:
    raw = raw_of(repolling=recorded(*[MS] * 10), traffic=(Traffic(), Traffic(0, 0, 0, 0, 0, 2, 100)))
    way = way_of(plan_of(transport), raw, trial_of(plan_of(transport), WINDOW, raw.account, TRUTH, MEASURED))

    assert way is not None
    assert pytest.approx((0.004, 3, 0.001)) == (way.delay_seconds, way.clients, way.send_seconds)
    assert pytest.approx([0.00105] * 100, rel=1e-3) == list(way.repoll_seconds), "with a round trip of 50 µs"


def test_way_is_unknown_when_nothing_was_heard() -> None:
    raw = Raw(WINDOW, AccountRecord(), TRUTH, MEASURED)
    for transport in ("polling", "longpolling", "websocket"):
        trial = trial_of(plan_of(transport), WINDOW, raw.account, TRUTH, MEASURED)
        assert way_of(plan_of(transport), raw, trial) is None
        found = judged(EXPERIMENT, plan_of(transport), raw, trial)
        assert [] == found.theory
        assert found.verdict is not None
        assert "theory: too little was measured to predict from" in found.verdict.unchecked


def test_theory_stands_beside_every_quantity_that_was_measured() -> None:
    raw = raw_of(age_area=30 * 0.105, age_ns=30 * SECOND)
    plan = plan_of("websocket")
    cells = {
        cell.quantity: cell
        for cell in judged(EXPERIMENT, plan, raw, trial_of(plan, WINDOW, raw.account, TRUTH, MEASURED)).theory
    }

    assert {"latency_seconds", "age_seconds", "responses_per_client_second"} == cells.keys()
    latency, responses = cells["latency_seconds"], cells["responses_per_client_second"]
    assert pytest.approx((0.005, 0.005, 1.0)) == (latency.measured, latency.given, latency.ratio)
    assert latency.within
    assert pytest.approx(0.0011) == latency.tolerance
    assert pytest.approx((4.9, 4.9, 5.0)) == (responses.measured, responses.given, responses.closed)


def test_cell_outside_its_tolerance_is_flagged() -> None:
    raw = raw_of(client_ns=20 * SECOND)
    plan = plan_of("websocket")
    found = judged(EXPERIMENT, plan, raw, trial_of(plan, WINDOW, raw.account, TRUTH, MEASURED))
    (responses,) = [cell for cell in found.theory if cell.quantity == "responses_per_client_second"]

    assert responses.within is False
    assert pytest.approx(1.5) == responses.ratio
    assert found.verdict is not None
    assert any("responses per client second is outside" in doubt for doubt in found.verdict.doubts)


def test_theory_says_nothing_of_clients_that_come_and_go() -> None:
    experiment = msgspec.structs.replace(EXPERIMENT, clients=Clients(shape="storm"))
    raw, plan = raw_of(), plan_of("websocket")

    assert [] == judged(experiment, plan, raw, trial_of(plan, WINDOW, raw.account, TRUTH, MEASURED)).theory


def test_answers_that_hold_updates_are_what_updates_are_divided_by() -> None:
    raw = raw_of(responses={"data": 49, "empty": 1, "error": 5})
    trial = msgspec.structs.replace(
        trial_of(plan_of("polling"), WINDOW, raw.account, TRUTH, MEASURED), request_seconds=Times(1, 1, 1, 1, 1)
    )
    found = measured_of(plan_of("polling"), trial)

    assert pytest.approx((3.0, 0.02, 50 / 30)) == (
        found.updates_per_response,
        found.empty_fraction,
        found.responses_per_client_second,
    )


@pytest.mark.parametrize(
    ("count", "seen"),
    [(0, [1, 5, 10, 11, 20]), (1, [1, 5, 11, 11, 20]), (2, [5, 5, 11, 11, 20]), (9, [20, 20, 20, 20, 20])],
)
def test_updates_made_closest_together_are_taken_for_those_read_together(count: int, seen: list[int]) -> None:
    assert seen == read_together([1, 5, 10, 11, 20], Window(0, 100), count)


def test_theory_says_nothing_of_a_server_that_stands_still() -> None:
    experiment = msgspec.structs.replace(EXPERIMENT, stall=Stall(lasts_seconds=1))
    raw, plan = raw_of(), plan_of("websocket")

    assert [] == judged(experiment, plan, raw, trial_of(plan, WINDOW, raw.account, TRUTH, MEASURED)).theory


def linked(raw: Raw) -> Raw:
    return msgspec.structs.replace(raw, link=Link(0.05))


def test_gap_through_a_link_is_the_clients_and_a_round_trip_through_it() -> None:
    raw = linked(raw_of(repolling=recorded(*[MS] * 10)))
    trial = figures(plan_of("longpolling"), raw)
    way = way_of(plan_of("longpolling"), raw, trial)

    assert way is not None
    assert pytest.approx(0.101, rel=1e-3) == trial.repoll_seconds.mean
    assert pytest.approx(0.101**2, rel=1e-3) == trial.repoll_seconds.square_mean
    assert pytest.approx([0.101] * 100, rel=1e-3) == list(way.repoll_seconds)


def test_connection_opened_for_every_request_takes_another_round_trip_through_a_link() -> None:
    raw = linked(raw_of(repolling=recorded(*[MS] * 10), answering=recorded(200 * MS)))
    asks, held = (
        plan_of(name)._replace(options=TRANSPORTS[name].options(keep_alive=False))
        for name in ("polling", "longpolling")
    )
    way = way_of(asks, raw, figures(asks, raw))

    assert pytest.approx(0.201, rel=1e-3) == figures(held, raw).repoll_seconds.mean
    assert way is not None
    assert pytest.approx(0.003 + 0.05) == way.delay_seconds, "the handshake lies before the server has looked"


def test_way_of_long_polling_is_measured_on_updates_that_were_awaited() -> None:
    """Every second update comes 20 ms after another one, when everybody is away."""
    made = [90 * SECOND]
    for index in range(1, 25):
        made += [WINDOW.from_ns + index * SECOND // 3, WINDOW.from_ns + index * SECOND // 3 + 20 * MS]
    truth = Truth(len(made), complete=True, epochs=[Made("e", list(range(len(made))), made, [0] * len(made))])
    heard = {
        seq: Spread(2, 0, latency * MS, latency * MS) for seq in range(1, 49) for latency in ([50, 130][seq % 2 - 1],)
    }
    account = msgspec.structs.replace(
        raw_of(repolling=recorded(*[MS] * 10)).account, updates={"e": heard}, delivered=96, subscribed=2
    )
    raw = Raw(WINDOW, account, truth, MEASURED, Link(0.05))
    way = way_of(plan_of("longpolling"), raw, figures(plan_of("longpolling"), raw))

    assert way is not None
    assert 0.05 == way.delay_seconds
