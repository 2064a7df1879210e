"""Polling beside push for clients that accept an age: polling costs less from an age of c/s update intervals on."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from wirerace.experiment.contestants import ContestantTable
from wirerace.experiment.model import Clients, Experiment, WindowOptions
from wirerace.record.trial import Trial
from wirerace.reproductions.check import Check, Found, Outcomes, Reproduction, between, near, shown
from wirerace.workload.schedule import Source

AGE_SECONDS = 1.0
"""The accepted age, a tenth of the paper's 10 s. A client polls once in it."""
INTERVALS = (15, 45, 135)
"""The accepted age in update intervals. The age stays, so that polls always come equally often."""
PAPER_POLLS_PER_SECOND, PAPER_CLIENTS, PAPER_UPDATE_SECONDS, PAPER_AGE_SECONDS = 2_520, 25_000, 5, 10
PAPER_CROSSING = PAPER_AGE_SECONDS / PAPER_UPDATE_SECONDS
PAPER_RATIO = PAPER_CLIENTS / (PAPER_POLLS_PER_SECOND * PAPER_UPDATE_SECONDS)
"""c/s by the limits of the paper's thread: 2,520 polls a second, or pushes to 25,000 clients every 5 s."""
US = 1e-6

EXPERIMENT = Experiment(
    title="Van de Vyvere et al. 2020: polling and push for live open data",
    transports=["sse"],
    producer=Source(rate_per_second=INTERVALS[-1] / AGE_SECONDS, arrivals="periodic", payload_bytes=5200),
    clients=Clients(count=60),
    contestants=[
        ContestantTable(
            id="polling", transport="polling", options={"interval_seconds": AGE_SECONDS, "deliver": "latest"}
        )
    ],
    window=WindowOptions(warmup_seconds=1.0, measure_seconds=5.0),
)


class Costs(NamedTuple):
    """The server's CPU time at a setting, at which the accepted age is `intervals` update intervals long.

    `polling_seconds` and `push_seconds` are all of it. `poll_seconds` and `send_seconds` are that for a poll, and for
    pushing an update to a client, beyond what the server takes without clients.
    """

    intervals: int
    polling_seconds: float
    push_seconds: float
    poll_seconds: float
    send_seconds: float

    @property
    def polling_over_push(self) -> float:
        """The cost of polling as a multiple of that of push."""
        return self.polling_seconds / self.push_seconds


def checks(outcomes: Outcomes) -> list[Check]:
    """Return what both cost on both sides of the crossing, and where they cross."""
    found = [costs for number, intervals in enumerate(INTERVALS) if (costs := costs_of(outcomes, number, intervals))]
    if len(found) < len(INTERVALS):
        return [between(Found("costs of every setting", "ratio", None), "", (0, 0), "measured")]
    few, middle, many = found
    derived = middle.poll_seconds / middle.send_seconds
    return [
        near(Found("c/s, computed from the paper's limits", "ratio", PAPER_RATIO), "2: 10 s of 5 s", PAPER_CROSSING, 5),
        shown(Found("c, a poll", "microseconds", middle.poll_seconds / US)),
        shown(Found("s, pushing an update to a client", "microseconds", middle.send_seconds / US)),
        between(_polling_over_push(few), "above 1", (1.0, 1e6), "above 1"),
        between(_polling_over_push(many), "below 1", (0.0, 1.0), "below 1"),
        near(Found("crossing, in update intervals", "ratio", crossing_of(found)), f"c/s = {derived:.0f}", derived, 40),
        shown(
            Found(
                f"c at {many.intervals} intervals over {few.intervals}", "ratio", many.poll_seconds / few.poll_seconds
            )
        ),
        shown(
            Found(
                f"s at {many.intervals} intervals over {few.intervals}", "ratio", many.send_seconds / few.send_seconds
            )
        ),
    ]


def costs_of(outcomes: Outcomes, number: int, intervals: int) -> Costs | None:
    """Return the costs at a setting, None when they are unknown."""
    polling, push = outcomes[f"polling-at-{number}"].trial, outcomes[f"sse-at-{number}"].trial
    polls, sends = sum(polling.responses.values()), push.arrived
    if not polling.server.cpu_seconds or not push.server.cpu_seconds or not polls or not sends:
        return None
    return Costs(
        intervals,
        polling.server.cpu_seconds,
        push.server.cpu_seconds,
        _for_clients_seconds(polling) / polls,
        _for_clients_seconds(push) / sends,
    )


def crossing_of(found: Sequence[Costs]) -> float | None:
    """Return the accepted age, in update intervals, at which both cost the same; None when they do not cross.

    Between two settings, the logarithm of the ratio of both costs is taken as linear in that of the age.
    """
    for before, after in pairwise(found):
        low, high = math.log(before.polling_over_push), math.log(after.polling_over_push)
        if low >= 0 > high:
            return before.intervals * math.pow(after.intervals / before.intervals, low / (low - high))
    return None


def _polling_over_push(costs: Costs) -> Found:
    return Found(f"an age of {costs.intervals} intervals: polling over push", "ratio", costs.polling_over_push)


def _for_clients_seconds(trial: Trial) -> float:
    """Return the server's CPU time beyond what it takes without clients."""
    return (trial.server.cpu_seconds or 0.0) - (trial.server.idle_utilisation or 0.0) * trial.window_seconds


REPRODUCTION = Reproduction(
    name="live-open-data",
    line="polling costs less than push for clients that accept an age of c/s update intervals",
    source=(
        "Brecht Van de Vyvere, Pieter Colpaert, et al.: Comparing a polling and push-based approach for live Open Data "
        "interfaces. 2020; brechtvdv.github.io/Article-Live-Open-Data-Interfaces"
    ),
    setup=(
        "60 clients poll once a second and get the latest update of 5,200 bytes only, or get every update over SSE; an "
        "update is made 15, 45 and 135 times a second (in the paper every 5 s); CPU time of the server"
    ),
    words=(
        "A client that accepts an age polls once in that time, whatever number of updates is made. A client that is "
        "pushed to gets all updates. A poll costs c and a push s. So polling costs less when the accepted age is "
        "longer than c/s update intervals. The paper's limits of one thread are 2,520 polls a second and 25,000 "
        "clients every 5 s. They give c/s = 2, which is the paper's 10 s. The ratio depends on the servers and on "
        "their load. Here few polls come in a second, each wakes an idle server, and c/s is much larger. A busy server "
        "answers several polls each time it wakes: at saturation our c/s is 3 (docs/speed.md). The cache in front of "
        "the paper's server is not repeated."
    ),
    experiment=EXPERIMENT,
    checks=checks,
    sweep={"producer.rate_per_second": [intervals / AGE_SECONDS for intervals in INTERVALS]},
)
