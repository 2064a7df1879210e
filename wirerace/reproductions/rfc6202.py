"""Transits of a long poll: one if the request waits already, three if it has to come back first."""

from wirerace.clock import NS_PER_SECOND
from wirerace.experiment.model import Clients, Experiment, WindowOptions
from wirerace.experiment.paths import NetworkPath
from wirerace.record.trial import Cell
from wirerace.reproductions.check import Check, Found, Outcome, Outcomes, Reproduction, between, near
from wirerace.workload.schedule import Source

TRANSIT_SECONDS = 0.05
SEED = 416
"""The first seed, from 1 on, whose window has two updates that come 2 to 5 ms after another one. Then all clients have
just been answered, because no other update comes within 0.3 s. Theory expects a mean of 7 to 9 ms above one transit.
The test of this module tries all seeds."""

EXPERIMENT = Experiment(
    title="RFC 6202: transits of a long poll",
    transports=["longpolling", "websocket"],
    seed=SEED,
    producer=Source(rate_per_second=1.5, arrivals="poisson"),
    clients=Clients(count=50),
    window=WindowOptions(warmup_seconds=1.0, measure_seconds=25.0),
    path="transit",
    paths={"transit": NetworkPath(delay_seconds=TRANSIT_SECONDS)},
)


def checks(outcomes: Outcomes) -> list[Check]:
    """Return means and worst cases, compared with one transit."""
    held, push = outcomes["longpolling"], outcomes["websocket"]
    found = [
        _transits("WebSocket, mean latency", "1 transit, 50 ms", push.trial.latency_seconds.mean, (1.0, 1.2)),
        _transits("WebSocket, worst update", "1 transit", worst_seconds(push), (1.0, 2.0)),
        _transits("long polling, mean latency", "close to 1 transit", held.trial.latency_seconds.mean, (1.0, 1.4)),
        _transits("long polling, worst update", "over 3 transits", worst_seconds(held), (2.8, 3.4)),
    ]
    cell = latency_cell(held)
    if cell is not None and cell.given is not None:
        predicted = f"{cell.given * 1000:.3g} ms, derived"
        found.append(near(Found("its mean, by theory", "seconds", cell.measured), predicted, cell.given, 5))
    return found


def worst_seconds(outcome: Outcome) -> float | None:
    """Return the highest mean latency of an update: a mean, because one late client is not the worst case."""
    spreads = outcome.raw.account.spread_of.values()
    return max((spread.sum_ns / spread.clients / NS_PER_SECOND for spread in spreads), default=None)


def latency_cell(outcome: Outcome) -> Cell | None:
    """Return theory beside measurement for the mean latency."""
    return next((cell for cell in outcome.trial.theory if cell.quantity == "latency_seconds"), None)


def _transits(what: str, published: str, measured: float | None, bounds: tuple[float, float]) -> Check:
    low, high = bounds
    in_seconds = (low * TRANSIT_SECONDS, high * TRANSIT_SECONDS)
    return between(Found(what, "seconds", measured), published, in_seconds, f"{low:g} to {high:g} transits")


REPRODUCTION = Reproduction(
    name="rfc6202",
    line="long polling takes one transit on average and three at worst",
    source=(
        "S. Loreto, P. Saint-Andre, S. Salsano, G. Wilkins: Known Issues and Best Practices for the Use of Long "
        "Polling and Streaming in Bidirectional HTTP. RFC 6202, section 2.2, 2011"
    ),
    setup=(
        "50 clients, 1.5 updates a second, long polling and WebSocket through a proxy that adds 50 ms each way; the "
        "seed has two updates that follow another one within 5 ms"
    ),
    words=(
        "An update that finds the request waiting takes one transit, like a pushed one. A client that has just been "
        "answered is away for a round trip: an update made then waits for the answer to arrive, for the next "
        "request, and for its own answer. How often that happens depends only on the rate. At 1.5 updates a second it "
        "is one update in seven, which adds some 8 ms to the mean; at 20 a second it is nearly all. So the mean is "
        "close to one transit only if updates are rare. A lost packet would cost more than three transits; the "
        "proxy loses none."
    ),
    experiment=EXPERIMENT,
    checks=checks,
)
