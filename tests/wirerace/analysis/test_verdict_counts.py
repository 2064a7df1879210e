"""The verdict on a window with few updates, answers or deliveries, and on a trace or an age that is missing."""

from itertools import islice

import msgspec
import pytest

from tests.wirerace.analysis.good import CLIENTS, EXPERIMENT, SECOND, WINDOW, changed, judged, with_account
from wirerace.experiment.model import WindowOptions
from wirerace.experiment.plans import schedule_of
from wirerace.observe.spread import Spread, SpreadColumns
from wirerace.workload.schedule import Source, due_times


@pytest.mark.parametrize(
    ("rate", "warmup_seconds", "found"),
    [
        (0.01, 1.0, "no update was made in the window"),
        (0.1, 9.0, "only 1 update was made in the window"),
    ],
)
def test_nothing_to_measure_is_a_reason_though_it_was_the_schedule(
    rate: float, warmup_seconds: float, found: str
) -> None:
    experiment = msgspec.structs.replace(
        EXPERIMENT,
        producer=Source(rate_per_second=rate, arrivals="periodic"),
        window=WindowOptions(warmup_seconds=warmup_seconds),
    )
    verdict_ = judged(changed("updates", int(found.startswith("only"))), with_account(updates={}), experiment)

    assert [f"{found}: every figure rests on updates"] == verdict_.reasons


@pytest.mark.parametrize(("made", "weights"), [(2, ["reason"]), (3, ["doubt"]), (9, ["doubt"]), (10, [])])
def test_few_updates_are_a_doubt_and_under_three_a_reason(made: int, weights: list[str]) -> None:
    experiment = msgspec.structs.replace(EXPERIMENT, producer=Source(rate_per_second=made / 10, arrivals="periodic"))
    found = judged(changed("updates", made), experiment=experiment).findings

    assert [(weight, f"only {made} updates were made in the window") for weight in weights] == [
        (finding.weight, finding.what) for finding in found
    ]


@pytest.mark.parametrize(("received", "reasons"), [(0, ["none"]), (1, ["1"]), (2, ["2"]), (3, [])])
@pytest.mark.parametrize("made", [3, 100])
def test_under_three_updates_that_any_client_received_are_a_reason(
    received: int, reasons: list[str], made: int
) -> None:
    experiment = msgspec.structs.replace(EXPERIMENT, producer=Source(rate_per_second=made / 10, arrivals="periodic"))
    spreads = {seq: Spread(2, 10, 5, 5) for seq in range(1, received + 1)}
    found = judged(changed("updates", made), with_account(updates={"e": SpreadColumns.of(spreads)}), experiment)

    assert [f"clients received {count} of the window's {made} updates" for count in reasons] == [
        reason.partition(":")[0] for reason in found.reasons
    ]


def test_trace_that_is_gone_leaves_open_what_was_due() -> None:
    experiment = msgspec.structs.replace(EXPERIMENT, producer=Source(arrivals="trace", trace_file="gone.csv"))

    assert ["what was due: the trace cannot be read again"] == judged(experiment=experiment).unchecked


@pytest.mark.parametrize(("empty", "doubts"), [(1, ["only 6 answers"]), (4, ["only 9 answers"]), (5, [])])
def test_few_answers_are_a_doubt(empty: int, doubts: list[str]) -> None:
    found = judged(changed("responses", {"data": 5, "empty": empty, "error": 0}), transport="longpolling")

    assert [f"{few} were received in the window" for few in doubts] == [
        doubt.partition(":")[0] for doubt in found.doubts
    ]


@pytest.mark.parametrize(("made", "doubts"), [(2, 0), (3, 2)])
def test_few_answers_are_no_doubt_of_their_own_where_there_was_hardly_an_update(made: int, doubts: int) -> None:
    experiment = msgspec.structs.replace(EXPERIMENT, producer=Source(rate_per_second=made / 10, arrivals="periodic"))
    trial = msgspec.structs.replace(changed("updates", made), responses={"data": 2, "empty": 0, "error": 0})

    assert doubts == len(judged(trial, experiment=experiment, transport="longpolling").doubts)


@pytest.mark.parametrize(("aged", "percent", "valid"), [(0.9, "10 %", True), (0.4, "60 %", False)])
def test_time_without_an_age_is_a_finding(aged: float, percent: str, *, valid: bool) -> None:
    found = judged(raw=with_account(age_ns=round(CLIENTS * 10 * SECOND * aged)))

    assert valid is found.valid
    assert found.findings[0].what.startswith(f"clients had no update yet for {percent}")


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_updates_that_were_due_by_luck_are_those_of_the_schedule_with_its_seed(more: int) -> None:
    """The warm-up comes first: the schedule begins one before the window."""
    warmup_seconds = EXPERIMENT.window.warmup_seconds
    experiment = msgspec.structs.replace(EXPERIMENT, producer=Source(rate_per_second=10.0, arrivals="poisson"))
    start_ns = WINDOW.from_ns - round(warmup_seconds * SECOND)
    times = list(islice(due_times(schedule_of(experiment, 1, start_ns), start_ns), 1000))
    due = sum(map(WINDOW.has, times))

    assert times[-1] > WINDOW.to_ns
    assert (more == 0) is judged(changed("updates", due + more), experiment=experiment).valid
