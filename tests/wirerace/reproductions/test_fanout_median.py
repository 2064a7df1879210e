import msgspec
import pytest

from tests.wirerace.reproductions.outcomes import MADE, MS, SEQS, WINDOW, failed, latency, outcome
from tests.wirerace.trials import NOTHING_MEASURED
from wirerace.experiment.plans import schedule_of, trace_of
from wirerace.observe.account import AccountRecord
from wirerace.observe.spread import Spread, SpreadColumns
from wirerace.record.result import Raw
from wirerace.reproductions.check import Check, Outcome
from wirerace.reproductions.fanout_median import BURST_SECONDS, COUNTS, EXPERIMENT, IN_FLIGHT, checks, last_seconds_of
from wirerace.workload.schedule import due_times
from wirerace.workload.truth import EpochMade, Truth

SEND_US = 10
DELIVERIES = IN_FLIGHT * 3  # of each client: three bursts
TRUTH = Truth(
    DELIVERIES, complete=True, epochs=[EpochMade("0123abcd", SEQS, sorted(MADE[:3] * IN_FLIGHT), [2 * MS] * DELIVERIES)]
)


def burst(clients: int, send_us: float = SEND_US, times: float = 1.0, median: float = 3.0) -> Outcome:
    """Return three bursts whose last client has all after 4 N s, and more by a factor, from when they were made."""
    fan_out_seconds = clients * send_us / 1e6
    lasts = [2 * MS + round(times * number * fan_out_seconds * 1e9) for number in range(1, IN_FLIGHT + 1)] * 3
    spreads = {seq: Spread(clients, clients * last, 0, last) for seq, last in zip(SEQS, lasts, strict=True)}
    found = outcome(
        "websocket",
        clients=clients,
        arrived=DELIVERIES * clients,
        latency_seconds=msgspec.structs.replace(latency(), p50=median * fan_out_seconds),
    )
    server = msgspec.structs.replace(
        found.trial.server,
        cpu_seconds=0.9 * DELIVERIES * fan_out_seconds + 0.01 * found.trial.window_seconds,
        waited_seconds=0.1 * DELIVERIES * fan_out_seconds,
        idle_utilisation=0.01,
    )
    account = AccountRecord(subscribed=clients, updates={"0123abcd": SpreadColumns.of(spreads)})
    raw = Raw(WINDOW, account, TRUTH, NOTHING_MEASURED)
    return Outcome(msgspec.structs.replace(found.trial, server=server), raw)


def found(**changes: Outcome) -> list[Check]:
    outcomes = {f"websocket-at-{number}": burst(clients) for number, clients in enumerate(COUNTS)}
    return checks(outcomes | {name.replace("_", "-"): changed for name, changed in changes.items()})


def test_four_fan_outs_for_the_last_client_is_what_was_published() -> None:
    assert [] == failed(found())


def test_shown_are_the_time_of_a_delivery_and_the_clients_that_it_allows() -> None:
    cpu, clients = (check.measured for check in found() if check.passed is None)

    assert pytest.approx(0.9 * SEND_US) == cpu
    assert pytest.approx(0.5 / 4 / (0.9 * SEND_US / 1e6)) == clients


def test_lateness_of_the_producer_is_no_part_of_a_burst() -> None:
    assert pytest.approx([IN_FLIGHT * 0.01] * 3) == last_seconds_of(burst(1000).raw)


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        (
            burst(2000, times=2),
            [
                "2,000 clients: the last one, after",
                "its growth with N, over that of 4 N s",
                "the last of 2,000 over that of 1,000, in s",
            ],
        ),
        (burst(2000, median=1.5), ["2,000 clients: median delivery, over N s"]),
        (burst(2000, median=4.5), ["2,000 clients: median delivery, over N s"]),
    ],
)
def test_what_does_not_agree_fails(changed: Outcome, names: list[str]) -> None:
    assert names == failed(found(websocket_at_3=changed))


def test_nothing_measured_has_not_passed() -> None:
    nothing = {f"websocket-at-{number}": outcome("websocket") for number, _ in enumerate(COUNTS)}

    assert 3 == len(failed(checks(nothing)))


def test_trace_is_a_burst_at_one_moment_again_and_again() -> None:
    trace = trace_of(EXPERIMENT.producer)
    assert trace is not None
    due = due_times(schedule_of(EXPERIMENT, 1, 0), 0)
    first_eight = [next(due) for _ in range(2 * IN_FLIGHT)]

    assert IN_FLIGHT == len(trace.events)
    assert [0] * IN_FLIGHT + [round(BURST_SECONDS * 1e9)] * IN_FLIGHT == first_eight
