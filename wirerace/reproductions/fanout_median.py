"""Four broadcasts in flight, to more and more clients: the time grows with N by what a delivery costs the server."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, linear_regression
from typing import NamedTuple

from wirerace.clock import NS_PER_SECOND
from wirerace.experiment.model import Clients, Experiment, WindowOptions
from wirerace.record.result import Raw
from wirerace.reproductions.check import Check, Found, Outcome, Outcomes, Reproduction, between, near, ratio, shown
from wirerace.workload.schedule import Source

IN_FLIGHT = 4
BURST_SECONDS = 2.0
"""From one burst to the next: the clients have read everything long before."""
COUNTS = (750, 1_000, 1_500, 2_000)
"""With many more, one load process takes longer to read a burst than the verdict allows."""
PUBLISHED_SECONDS = {1_000: 0.030, 2_000: 0.064}
"""The median round trip by the number of clients: Node.js, ws."""
LIMIT_SECONDS = 0.5
"""The shootout added clients until the 95th percentile of the round trip exceeded this."""
US = 1e-6

EXPERIMENT = Experiment(
    title="websocket-shootout 2016: four broadcasts in flight",
    transports=["websocket"],
    producer=Source(
        arrivals="trace",
        trace_file=str(Path(__file__).with_suffix(".csv")),
        rate_per_second=IN_FLIGHT / BURST_SECONDS,
        payload_bytes=200,
    ),
    clients=Clients(count=COUNTS[-1], spawn_per_second=1000),
    # The window begins and ends midway between two bursts.
    window=WindowOptions(warmup_seconds=1.0, measure_seconds=8.0),
)


class FanOut(NamedTuple):
    """What the bursts of a trial took.

    `busy_seconds` is the server's time for a delivery, in which it ran or waited for a core; `cpu_seconds` is the part
    in which it ran. `last_seconds` is the mean time until the last client had the last update of a burst,
    `median_seconds` the median of all deliveries.
    """

    clients: int
    busy_seconds: float
    cpu_seconds: float
    last_seconds: float
    median_seconds: float

    @property
    def fan_out_seconds(self) -> float:
        """The server's time for sending one update to all clients: N s."""
        return self.clients * self.busy_seconds

    @property
    def median_in_fan_outs(self) -> float:
        """The median of all deliveries, as a multiple of a fan-out."""
        return self.median_seconds / self.fan_out_seconds


def checks(outcomes: Outcomes) -> list[Check]:
    """Return how the times grow with the number of clients, beside the server's time for a delivery."""
    found = sorted(fan_out for outcome in outcomes.values() if (fan_out := fan_out_of(outcome)) is not None)
    derived = _growth([(one.clients, IN_FLIGHT * one.fan_out_seconds) for one in found])
    measured = _growth([(one.clients, one.last_seconds) for one in found])
    sends = {one.clients: one.last_seconds / one.busy_seconds for one in found}
    largest = found[-1] if len(found) == len(COUNTS) else None
    return [
        *(_last_of(one) for one in found),
        between(
            Found("its growth with N, over that of 4 N s", "ratio", ratio(measured, derived)),
            "1: linear in N",
            (0.75, 1.25),
            "± 25 %",
        ),
        near(
            Found("the last of 2,000 over that of 1,000, in s", "ratio", ratio(sends.get(2_000), sends.get(1_000))),
            "2.1: 64 and 30 ms",
            PUBLISHED_SECONDS[2_000] / PUBLISHED_SECONDS[1_000],
            30,
        ),
        between(
            Found(
                f"{COUNTS[-1]:,} clients: median delivery, over N s", "ratio", largest and largest.median_in_fan_outs
            ),
            "2 to 4, derived",
            (IN_FLIGHT / 2, IN_FLIGHT),
            "2 to 4",
        ),
        shown(Found("s, the server's CPU time for a delivery", "microseconds", largest and largest.cpu_seconds / US)),
        shown(Found("clients at 4 N s = 500 ms", "count", largest and LIMIT_SECONDS / IN_FLIGHT / largest.cpu_seconds)),
    ]


def fan_out_of(outcome: Outcome) -> FanOut | None:
    """Return what the bursts of a trial took, None when the server was not measured or nothing arrived."""
    trial, server = outcome.trial, outcome.trial.server
    lasts, median = last_seconds_of(outcome.raw), trial.latency_seconds.p50
    if server.cpu_seconds is None or not trial.arrived or not lasts or median is None:
        return None
    cpu_seconds = server.cpu_seconds - (server.idle_utilisation or 0.0) * trial.window_seconds
    busy_seconds = cpu_seconds + (server.waited_seconds or 0.0)
    return FanOut(trial.clients, busy_seconds / trial.arrived, cpu_seconds / trial.arrived, fmean(lasts), median)


def last_seconds_of(raw: Raw) -> list[float]:
    """Return, for each burst of the window, the time from its making until the last client had the last update."""
    bursts: dict[int, list[int]] = {}
    spread_of = raw.account.spread_of
    for made in raw.truth.epochs:
        for seq, ts, late_ns in zip(made.seq, made.ts, made.late_ns, strict=True):
            spread = spread_of.get((made.sequence, seq))
            if raw.window.has(ts) and spread is not None:
                bursts.setdefault(ts, []).append(spread.most_ns - late_ns)
    return [max(lasts) / NS_PER_SECOND for lasts in bursts.values()]


def _last_of(one: FanOut) -> Check:
    derived = IN_FLIGHT * one.fan_out_seconds
    found = Found(f"{one.clients:,} clients: the last one, after", "seconds", one.last_seconds)
    return near(found, f"4 N s = {1000 * derived:.0f} ms, derived", derived, 30)


def _growth(points: Sequence[tuple[int, float]]) -> float | None:
    """Return the seconds that each client more adds, by least squares; None unless every number of clients was run."""
    return linear_regression(*zip(*points, strict=True)).slope if len(points) == len(COUNTS) else None


REPRODUCTION = Reproduction(
    name="fanout-median",
    line="with four broadcasts in flight the round trip is four fan-outs long: 4 N s",
    source=(
        "Hashrocket: websocket-shootout, round 2, 2016: broadcasts, 4 in flight, payloads of 200 bytes; "
        "github.com/hashrocket/websocket-shootout, results/round-02.md"
    ),
    setup=(
        "four updates of 200 bytes at the same moment, every 2 s, over WebSocket to 750, 1,000, 1,500 and 2,000 "
        "clients; s is the server's time for a delivery in the same trial"
    ),
    words=(
        "One thread sends 4 N messages one after the other, so the last client has the last update after 4 N s. In the "
        "shootout a client waits for its own broadcast, and a new one begins when one ends. Each broadcast takes four "
        "fan-outs, so the median there is 4 N s, too. In a burst only the last client waits that long, and half of the "
        "deliveries take at most 2 N s. Our median is an upper bound of that, because a client that reads several "
        "updates together knows the arrival of the newest only. The number of clients at 500 ms depends on s alone: s "
        "is 8.9 µs for 14,000 clients (Node.js, ws), and 4.8 µs for 26,000 (uws). Our s includes the receiver's share "
        "of a loopback connection, and was measured on another machine."
    ),
    experiment=EXPERIMENT,
    checks=checks,
    sweep={"clients.count": COUNTS},
)
