"""Charts as values: what they show of a result, against the definition of what they show."""

import bisect
import itertools
import random
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from tests.wirerace.report.made_up import result_of, trial
from tests.wirerace.report.reports import PLACES
from tests.wirerace.trials import NOTHING_MEASURED
from wirerace.observe.account import AccountRecord, Window
from wirerace.observe.histogram import Latencies
from wirerace.observe.spread import Spread, SpreadColumns
from wirerace.record.reading import read_result
from wirerace.record.result import Interval, Point, Raw, Result
from wirerace.record.trial import Age, Trial
from wirerace.report.charts.axes import sweeps_of
from wirerace.report.charts.curves import sweep_curves
from wirerace.report.charts.distribution import cumulative, distributions
from wirerace.report.charts.freshness import NOT_COUNTED, freshness, freshness_words, percent
from wirerace.report.charts.frontier import frontier
from wirerace.report.charts.over_time import ages_over_time, latencies_over_time
from wirerace.report.charts.values import Curve, LineChart
from wirerace.report.charts.view import View
from wirerace.report.charts.wording import clearly_less, extremes, listed
from wirerace.workload.truth import EpochMade, Truth

SECOND = 10**9
WINDOW = Window(10 * SECOND, 14 * SECOND)


def of_clients(latencies: Sequence[Sequence[int]], made: Sequence[int]) -> Raw:
    """Return the record of clients, given when updates were made, and each client's latency of each."""
    received = list(zip(*latencies, strict=True))
    spreads = {seq: Spread(len(some), sum(some), min(some), max(some)) for seq, some in enumerate(received, 1)}
    times = Latencies()
    for latency_ns in itertools.chain.from_iterable(received):
        times.record(latency_ns)
    account = AccountRecord(updates={"e": SpreadColumns.of(spreads)}, latencies=times.to_record())
    truth = Truth(
        len(made), complete=True, epochs=[EpochMade("e", list(range(1, len(made) + 1)), list(made), [0] * len(made))]
    )
    return Raw(WINDOW, account, truth, NOTHING_MEASURED)


@pytest.fixture(scope="module")
def played() -> tuple[list[int], list[list[int]]]:
    """Return when updates were made, and each client's latency of each, in order for each client."""
    source = random.Random(3)
    made = sorted(source.randrange(WINDOW.from_ns, WINDOW.to_ns) for _ in range(30))
    clients = []
    for _ in range(5):
        arrived = itertools.accumulate((ts + source.randrange(SECOND // 2) for ts in made), max)
        clients.append([at - ts for ts, at in zip(made, arrived, strict=True)])
    return made, clients


def view_of(raw: Raw) -> View:
    return View(result_of(trial("sse")), lambda _: raw)


def test_age_of_every_client_lies_in_the_band(played: tuple[list[int], list[list[int]]]) -> None:
    made, clients = played
    (chart,) = ages_over_time(view_of(of_clients(clients, made)))
    (strip,) = chart.strips
    moments = [dot.x for dot in strip.dots]
    for latencies in clients:
        arrivals = [ts + latency for ts, latency in zip(made, latencies, strict=True)]
        for number in range(1, 400):
            at_ns = WINDOW.from_ns + number * 10**7
            known = [ts for ts, arrival in zip(made, arrivals, strict=True) if arrival <= at_ns]
            place = bisect.bisect_right(moments, at_ns / SECOND - 10)
            if not known or not 0 < place < len(moments):
                continue
            before, after = strip.dots[place - 1], strip.dots[place]
            age = (at_ns - max(known)) / SECOND
            into = at_ns / SECOND - 10 - before.x  # the age rises as time passes, between two dots
            assert before.low is not None
            assert before.high is not None
            assert before.low + into - 1e-6 <= age <= before.high + into + 1e-6
            assert after.x >= before.x


def test_band_of_latency_reaches_from_the_fastest_client_to_the_slowest(
    played: tuple[list[int], list[list[int]]],
) -> None:
    made, clients = played
    (chart,) = latencies_over_time(view_of(of_clients(clients, made)))
    (strip,) = chart.strips
    slowest = max(itertools.chain.from_iterable(clients)) / SECOND

    assert 30 == len(strip.dots)
    assert pytest.approx(slowest) == max(dot.high or 0 for dot in strip.dots)
    assert all((dot.low or 0) <= dot.y <= (dot.high or 0) for dot in strip.dots)


@pytest.mark.long
def test_distribution_is_that_of_all_latencies(played: tuple[list[int], list[list[int]]]) -> None:
    made, clients = played
    latencies = sorted(itertools.chain.from_iterable(clients))
    dots = cumulative([of_clients(clients, made).account.latencies])

    assert (0.0, 1.0) == (dots[0].y, dots[-1].y)
    for dot in dots[1:]:
        assert bisect.bisect_left(latencies, dot.x * SECOND * 0.998) / len(latencies) <= dot.y + 1e-9
        assert dot.y <= bisect.bisect_right(latencies, dot.x * SECOND * 1.002) / len(latencies) + 1e-9


def theory_in(chart: LineChart) -> dict[str, Curve]:
    return {curve.transport: curve for curve in chart.curves if curve.is_theory}


@pytest.mark.long
def test_what_is_measured_has_theory_beside_it() -> None:
    """Long polling has none here, because no re-poll gap was measured."""
    result = read_result(PLACES["stay"])
    latencies = of_clients([[SECOND // 2, SECOND]], [WINDOW.from_ns, WINDOW.from_ns + 1])
    (chart,) = distributions(View(result, lambda _: latencies))
    theory = theory_in(chart)

    assert {"polling", "sse", "stream", "websocket"} == theory.keys()
    assert chart.title.startswith("Polling's updates came anywhere in its interval of 1 s; ")
    assert "Dotted: what theory expects, given the updates as they were made." in chart.about
    for curve in theory.values():
        parts = [dot.y for dot in curve.dots]
        assert all(before <= after + 1e-9 for before, after in itertools.pairwise(parts))
        assert (0.0, 1.0) == pytest.approx((parts[0], parts[-1]), abs=0.01)


@pytest.mark.long
def test_theory_of_several_trials_is_that_of_all_their_deliveries(played: tuple[list[int], list[list[int]]]) -> None:
    """Half of the deliveries are those of each trial, and so is half of the theory."""
    result = read_result(PLACES["stay"])
    made, clients = played
    view = View(result, lambda _: of_clients(clients, made))
    (chart,) = distributions(view)
    contestant = next(one for one in result.contestants if one.transport == "sse")
    expected = view.expected_latencies(contestant)

    assert [150] * len(view.trials(contestant)) == [count for _, count in expected]
    for dot in theory_in(chart)["sse"].dots:
        assert pytest.approx(sum(one.within(dot.x) for one, _ in expected) / len(expected)) == dot.y


@pytest.mark.long
def test_theory_that_was_fitted_says_so() -> None:
    result = read_result(PLACES["stay"])
    for one in result.trials:
        one.theory[:] = [msgspec.structs.replace(cell, kind="fit") for cell in one.theory]
    latencies = of_clients([[SECOND // 2, SECOND]], [WINDOW.from_ns, WINDOW.from_ns + 1])
    (chart,) = distributions(View(result, lambda _: latencies))

    assert " is a fit: a part of it is taken from these latencies." in chart.about


@pytest.mark.long
def test_nothing_is_drawn_beside_what_theory_does_not_predict() -> None:
    """Nobody predicted a mean for these trials, as where a fault is played."""
    latencies = of_clients([[SECOND // 2, SECOND]], [WINDOW.from_ns, WINDOW.from_ns + 1])
    (chart,) = distributions(View(result_of(trial("sse"), trial("polling")), lambda _: latencies))

    assert {} == theory_in(chart)
    assert "Dotted" not in chart.about


def aged(transport: str, age: float, cpu_seconds: float, **changes: Any) -> Trial:
    bare = trial(transport, client_seconds=100.0, age_seconds=Age(age, None), **changes)
    return msgspec.structs.replace(bare, server=msgspec.structs.replace(bare.server, cpu_seconds=cpu_seconds))


def test_frontier_has_what_nothing_clearly_beats() -> None:
    result = result_of(aged("polling", 0.6, 0.5), aged("longpolling", 0.1, 1.0), aged("websocket", 0.101, 0.2))
    (chart,) = frontier(result)

    assert "On the frontier of age and cost: WebSocket; Polling and Long polling are not" == chart.title
    assert pytest.approx((5000.0, 0.6)) == chart.curves[0].dots[0][:2]


def test_frontier_of_contestants_that_are_alike_has_them_all() -> None:
    result = result_of(aged("longpolling", 0.1, 1.0), aged("websocket", 0.101, 0.99))
    (chart,) = frontier(result)

    assert "On the frontier of age and cost: Long polling and WebSocket" == chart.title


def test_frontier_of_one_contestant_is_no_chart() -> None:
    assert [] == list(frontier(result_of(aged("websocket", 0.1, 0.2))))


def swept(values: Sequence[object], *trials: Trial) -> Result:
    result = result_of(*trials)
    result.experiment["clients"]["count"] = list(values)
    return msgspec.structs.replace(result, points=[Point({"clients.count": value}) for value in values])


def test_frontier_of_a_sweep_runs_along_its_values_in_their_order() -> None:
    trials = [aged("websocket", 0.1 * (3 - point), 0.1 * (point + 1), point=point) for point in range(3)]
    (chart,) = frontier(swept([300, 100, 200], *trials))

    assert ["100", "200", "300"] == [dot.label for dot in chart.curves[0].dots]
    assert "clients.count" in chart.about


def test_sweep_of_words_has_names_on_its_axis() -> None:
    (found,) = sweeps_of(swept(["same", "own"], aged("websocket", 0.1, 0.1)))

    assert ["same", "own"] == list(found.dimension.names)
    assert [0.0, 1.0] == found.positions


def test_sweep_of_two_keys_has_a_chart_for_each_value_of_the_other() -> None:
    result = result_of(aged("websocket", 0.1, 0.1))
    points = [Point({"clients.count": count, "deliver": how}) for how in ("all", "latest") for count in (1, 2, 3)]
    found = list(sweeps_of(msgspec.structs.replace(result, points=points)))

    assert [("clients.count", [0, 1, 2]), ("clients.count", [3, 4, 5])] == [(one.axis, one.points) for one in found]
    assert [", with deliver = all", ", with deliver = latest"] == [one.said for one in found]


def test_curves_name_a_contestant_that_is_clearly_best_everywhere() -> None:
    trials = [
        aged(name, age * (point + 1), 0.1, point=point)
        for point in range(2)
        for name, age in (("polling", 0.6), ("websocket", 0.1))
    ]
    titles = [chart.title for chart in sweep_curves(swept([1, 2], *trials))]

    assert "Mean age: WebSocket had the least everywhere" in titles


def test_curves_that_touch_name_nobody_as_best() -> None:
    trials = [aged(name, 0.1, 0.1, point=point) for point in range(2) for name in ("polling", "websocket")]
    titles = [chart.title for chart in sweep_curves(swept([1, 2], *trials))]

    assert "Mean age: 100 ms everywhere" in titles


def test_freshness_is_told_in_words_and_as_parts_of_a_whole() -> None:
    age = Age(0.3, None, {"0.1": 0.02, "1": 0.85, "5": 1.0})
    view = View(result_of(trial("polling", age_seconds=age)))
    (chart,) = freshness(view)

    assert pytest.approx([0.02, 0.83, 0.15, 0.0]) == chart.bars[0].parts
    said = "100 ms 2 % of the time, than 1 s 85 % of the time and than 5 s all the time."
    assert [f"Polling: a client's newest update is younger than {said}"] == freshness_words(view)


def test_result_without_freshness_says_so() -> None:
    assert [NOT_COUNTED] == freshness_words(View(result_of(trial("polling"))))
    assert [] == list(freshness(View(result_of(trial("polling")))))


@pytest.mark.parametrize(
    ("part", "said"),
    [(0.0, "0 %"), (0.004, "0.4 %"), (0.5, "50 %"), (0.993, "99.3 %"), (0.99999, "almost 100 %"), (1.0, "100 %")],
)
def test_only_all_of_the_time_is_all_of_it(part: float, said: str) -> None:
    assert said == percent(part)


def test_titles_claim_nothing_where_intervals_overlap() -> None:
    apart = [
        aged(name, age, 1.0, repeat=repeat) for repeat in (1, 2, 3) for name, age in (("polling", 0.6), ("sse", 0.1))
    ]
    alike = [
        aged(name, age, 1.0, repeat=repeat)
        for repeat, some in enumerate(((0.1, 0.2), (0.3, 0.1), (0.2, 0.31)), 1)
        for name, age in zip(("polling", "sse"), some, strict=True)
    ]

    assert "Age: 100 ms with SSE, 600 ms with Polling" == extremes(View(result_of(*apart)), "age.mean", "Age")
    assert extremes(View(result_of(*alike)), "age.mean", "Age").endswith(", not told apart")


def test_less_is_clear_if_intervals_do_not_touch_or_a_tenth_lies_between() -> None:
    assert clearly_less(Interval(1, 0.9, 1.1), Interval(1.3, 1.2, 1.4))
    assert not clearly_less(Interval(1, 0.9, 1.25), Interval(1.3, 1.2, 1.4))
    assert clearly_less(Interval(1, None, None), Interval(1.2, None, None))
    assert not clearly_less(Interval(1, None, None), Interval(1.2, None, None), noise=1.3)
    assert not clearly_less(Interval(1, None, None), Interval(1.05, None, None))
    assert not clearly_less(Interval(None, None, None), Interval(1, None, None))


def test_names_are_listed() -> None:
    assert ["", "a", "a and b", "a, b and c"] == [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])]
