"""Long polling beside WebSocket over longer and longer paths: equal up to half of the update interval, later beyond."""

from wirerace.experiment.contestants import ContestantTable
from wirerace.experiment.model import Clients, Experiment, WindowOptions
from wirerace.experiment.paths import NetworkPath
from wirerace.reproductions.check import Check, Found, Outcomes, Reproduction, between, near, ratio
from wirerace.workload.schedule import Source

INTERVAL_SECONDS = 0.25
DELAYS_SECONDS = (0.05, 0.1, 0.15)
"""One-way delays: two below half of the interval, one above it."""
TRANSPORTS = ("longpolling", "websocket")

EXPERIMENT = Experiment(
    title="Pimentel and Nickerson 2012: one-way delay and half of the update interval",
    contestants=[
        ContestantTable(id=f"{name}-{1000 * delay:.0f}ms", transport=name, path=f"{1000 * delay:.0f}ms")
        for delay in DELAYS_SECONDS
        for name in TRANSPORTS
    ],
    paths={f"{1000 * delay:.0f}ms": NetworkPath(delay_seconds=delay) for delay in DELAYS_SECONDS},
    producer=Source(rate_per_second=1 / INTERVAL_SECONDS, arrivals="periodic"),
    clients=Clients(count=50),
    window=WindowOptions(warmup_seconds=1.0, measure_seconds=6.0),
)


def derived_seconds(delay_seconds: float) -> float:
    """Return the mean latency of long polling when updates are made evenly.

    A client is away for a round trip R. Below the update interval it is back in time, and an update takes one transit.
    Above it, its returns drift through all phases of the interval, so what it finds was made at a time that is uniform
    over the last R: the mean wait is R/2, one more transit.
    """
    return delay_seconds if 2 * delay_seconds < INTERVAL_SECONDS else 2 * delay_seconds


def checks(outcomes: Outcomes) -> list[Check]:
    """Return both transports at each delay: equal below half of the interval, apart above it."""
    found = []
    for delay in DELAYS_SECONDS:
        name = f"{1000 * delay:.0f}ms"
        held, pushed = (outcomes[f"{one}-{name}"].trial.latency_seconds.mean for one in TRANSPORTS)
        what = f"one way {1000 * delay:.0f} ms: long polling over WebSocket"
        times = Found(what, "ratio", ratio(held, pushed))
        if 2 * delay < INTERVAL_SECONDS:
            found.append(between(times, "equal", (0.95, 1.15), "0.95 to 1.15"))
        else:
            found.append(between(times, "slower", (1.3, 3.0), "1.3 to 3"))
        mean = Found(f"one way {1000 * delay:.0f} ms: long polling, mean latency", "seconds", held)
        derived = derived_seconds(delay)
        found.append(near(mean, f"{1000 * derived:.0f} ms, derived", derived, 10))
    return found


REPRODUCTION = Reproduction(
    name="half-interval",
    line="long polling equals WebSocket until the one-way delay exceeds half of the update interval",
    source=(
        "Victoria Pimentel, Bradford G. Nickerson: Communicating and Displaying Real-Time Data with WebSocket. IEEE "
        "Internet Computing 16 (4), 2012"
    ),
    setup=(
        "50 clients, an update every 250 ms, long polling and WebSocket through a proxy that adds 50, 100 and 150 ms "
        "each way; half of the interval is 125 ms"
    ),
    words=(
        "A client that was answered asks again a round trip later. While a round trip is shorter than the update "
        "interval, that is before the next update is made. Then no update waits, and both transports take one transit. "
        "With a longer round trip, updates are made while clients are away. The limit is a round trip as long as the "
        "interval, that is, a one-way delay of half of it. It exists only when updates come evenly. With random gaps, "
        "some come while clients are away, whatever the delay is (reproduce rfc6202)."
    ),
    experiment=EXPERIMENT,
    checks=checks,
)
