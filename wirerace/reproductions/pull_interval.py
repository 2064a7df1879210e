"""Pulling at half, once and twice the publish interval: wasted requests, updates that come together, delays."""

from wirerace.experiment.contestants import ContestantTable
from wirerace.experiment.model import Clients, Experiment, WindowOptions
from wirerace.reproductions.check import (
    Check,
    Found,
    Outcome,
    Outcomes,
    Reproduction,
    between,
    near,
    ratio,
    shown,
)
from wirerace.transports.polling import PollingOptions
from wirerace.workload.schedule import Source

PUBLISH_SECONDS = 0.5
TIMES = {"half": 0.5, "once": 1.0, "twice": 2.0}
"""Pull interval divided by publish interval; `once` is the plain contestant."""
MOST_PATH_SECONDS = 0.01  # from making to a poller that asks at the right moment

EXPERIMENT = Experiment(
    title="Bozdag et al. 2007: pull interval and publish interval",
    transports=["polling"],
    producer=Source(rate_per_second=1 / PUBLISH_SECONDS, arrivals="periodic"),
    # With one phase for every client and period, latency is as even as the phases: a Fibonacci number of golden steps.
    clients=Clients(count=144),
    options={"polling": PollingOptions(interval_seconds=PUBLISH_SECONDS)},
    contestants=[
        ContestantTable(
            id=f"polling-{name}", transport="polling", options={"interval_seconds": times * PUBLISH_SECONDS}
        )
        for name, times in TIMES.items()
        if name != "once"
    ],
    window=WindowOptions(warmup_seconds=1.25, measure_seconds=10.0),
)


def checks(outcomes: Outcomes) -> list[Check]:
    """Return the paper's conclusions, as the numbers that follow from them."""
    half, once, twice = outcomes["polling-half"], outcomes["polling"], outcomes["polling-twice"]
    return [
        _empty("half", half, 0.5, "wasted: 50 %"),
        _empty("once", once, 0.0, "0 %"),
        _empty("twice", twice, 0.0, "0 %"),
        _together("half", half, 1.0, "1"),
        _together("once", once, 1.0, "1"),
        _together("twice", twice, 2.0, "missed: 2"),
        *(_late(name, outcome) for name, outcome in (("half", half), ("once", once), ("twice", twice))),
        shown(Found("twice: come with a newer one", "fraction", outdated_fraction(twice))),
    ]


def outdated_fraction(outcome: Outcome) -> float | None:
    """Return the part of updates that come with a newer one: a client that gets only the newest would miss them."""
    data, arrived = outcome.trial.responses["data"], outcome.trial.arrived
    return 1 - data / arrived if arrived else None


def _empty(name: str, outcome: Outcome, derived: float, published: str) -> Check:
    found = Found(f"{name}: empty responses", "fraction", outcome.trial.empty_fraction)
    return between(found, published, (derived - 0.01, derived + 0.01), "± 1 % of all")


def _together(name: str, outcome: Outcome, derived: float, published: str) -> Check:
    found = Found(f"{name}: updates an answer", "ratio", ratio(outcome.trial.arrived, outcome.trial.responses["data"]))
    return near(found, published, derived, 2)


def _late(name: str, outcome: Outcome) -> Check:
    derived = TIMES[name] * PUBLISH_SECONDS / 2
    found = Found(f"{name}: mean latency", "seconds", outcome.trial.latency_seconds.mean)
    bounds = (0.97 * derived, 1.03 * derived + MOST_PATH_SECONDS)
    return between(found, f"T/2 = {derived * 1000:g} ms", bounds, "± 3 %, 10 ms")


REPRODUCTION = Reproduction(
    name="pull-interval",
    line="pulling faster than updates are made wastes requests, slower is late",
    source=(
        "Engin Bozdag, Ali Mesbah, Arie van Deursen: A Comparison of Push and Pull Techniques for AJAX. 9th IEEE "
        "International Workshop on Web Site Evolution (WSE 2007); TUD-SERG-2007-016a, arXiv 0706.3984"
    ),
    setup="144 clients poll every 0.25, 0.5 and 1 s; an update is made every 0.5 s",
    words=(
        "Pulling twice as often as updates are made makes every second request useless, and halves the delay. Pulling "
        "half as often wastes no request, and brings updates two at a time. The paper's pull clients missed data then, "
        "because a client that gets only the newest update misses every second one. Our answers bring everything since "
        "the client's cursor, so here updates are late instead, and nothing is lost. Even with equal intervals the "
        "mean delay is half an interval, because no client knows when in the interval an update is made. A period that "
        "is known and kept is rare. The paper's CPU times and its push server are not repeated here."
    ),
    experiment=EXPERIMENT,
    checks=checks,
)
