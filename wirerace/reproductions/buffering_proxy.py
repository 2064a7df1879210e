"""Tokens of a language model through a proxy that buffers: they come all at once, and the first one comes last."""

from itertools import pairwise
from statistics import fmean, median

from wirerace.clock import NS_PER_SECOND
from wirerace.experiment.contestants import ContestantTable
from wirerace.experiment.model import Clients, Experiment, WindowOptions
from wirerace.experiment.paths import HELD_BACK_BYTES, NetworkPath
from wirerace.record.result import Raw
from wirerace.reproductions.check import Check, Found, Outcome, Outcomes, Reproduction, between, near, shown
from wirerace.workload.schedule import Source

BUFFER_BYTES = HELD_BACK_BYTES["nginx", "default"]
GAP_SECONDS = 0.024
TOKENS = 49
FIRST_SECONDS = 0.272
"""When the first token came directly, as published."""
PUBLISHED_FIRST_SECONDS = 1.74
"""When it came through a proxy that held the whole answer back."""

EXPERIMENT = Experiment(
    title="litellm 26102: tokens through a proxy that buffers",
    contestants=[
        ContestantTable(id="direct", title="Directly", transport="sse"),
        ContestantTable(id="shipped", title="Through nginx", transport="sse", path="shipped"),
        ContestantTable(id="tuned", title="Through tuned nginx", transport="sse", path="tuned"),
    ],
    paths={"shipped": NetworkPath(proxy="nginx"), "tuned": NetworkPath(proxy="nginx", settings="tuned")},
    producer=Source(rate_per_second=1 / GAP_SECONDS, arrivals="periodic", payload_bytes=20),
    clients=Clients(count=1),
    window=WindowOptions(warmup_seconds=3.0, measure_seconds=12.0),
)


def checks(outcomes: Outcomes) -> list[Check]:
    """Return how tokens come directly, and through nginx as it is shipped and as it is tuned."""
    found = []
    for name, title in (("direct", "directly"), ("tuned", "through tuned nginx")):
        gap = _gap_seconds(outcomes[name].raw)
        found.append(near(Found(f"{title}: median gap between tokens", "seconds", gap), "24 ms", GAP_SECONDS, 10))
    shipped = outcomes["shipped"]
    batches = batches_of(shipped.raw)
    waits = [latencies[0] for latencies in batches]
    derived = _tokens_in_a_buffer(shipped)
    size = fmean(map(len, batches)) if batches else None
    found.append(between(Found("through nginx: median gap", "seconds", _gap_seconds(shipped.raw)), "0", (0, 0), "0"))
    if derived is not None:
        wait = (derived - 1) * GAP_SECONDS
        found += [
            near(
                Found("tokens that come at once", "count", size),
                f"{derived:.1f}: {BUFFER_BYTES:,} bytes, derived",
                derived,
                10,
            ),
            near(
                Found("the first of them waits", "seconds", fmean(waits) if waits else None),
                f"(n − 1) gaps = {1000 * wait:.0f} ms, derived",
                wait,
                15,
            ),
        ]
    whole = FIRST_SECONDS + (TOKENS - 1) * (_gap_seconds(outcomes["direct"].raw) or GAP_SECONDS)
    found.append(shown(Found(f"first of {TOKENS} tokens that are all held back, after", "seconds", whole)))
    return found


def batches_of(raw: Raw) -> list[list[float]]:
    """Return the latencies of the window's tokens, seconds, together with those that came at the same time.

    There is one client, so the spread of an update is its arrival. The first and the last batch may be cut by the
    window's ends, and are left out.
    """
    found: dict[int, list[float]] = {}
    for ts, latency_ns in _arrivals(raw):
        found.setdefault(ts + latency_ns, []).append(latency_ns / NS_PER_SECOND)
    return list(found.values())[1:-1]


def _arrivals(raw: Raw) -> list[tuple[int, int]]:
    """Return when each update of the window was due, and how long it took, in order."""
    spread_of = raw.account.spread_of
    return [
        (ts, spread.sum_ns)
        for made in raw.truth.epochs
        for seq, ts in zip(made.seq, made.ts, strict=True)
        if raw.window.has(ts) and (spread := spread_of.get((made.sequence, seq))) is not None
    ]


def _gap_seconds(raw: Raw) -> float | None:
    """Return the median time between the arrivals of two tokens, None when there were none."""
    arrivals = [ts + latency_ns for ts, latency_ns in _arrivals(raw)]
    gaps = [later - earlier for earlier, later in pairwise(arrivals)]
    return median(gaps) / NS_PER_SECOND if gaps else None


def _tokens_in_a_buffer(outcome: Outcome) -> float | None:
    """Return how many tokens fill nginx's buffer, by what the server sent to it; None when that is not known."""
    cost, arrived = outcome.trial.reverse_proxy, outcome.trial.arrived
    if cost is None or not cost.application_out or not arrived:
        return None
    return BUFFER_BYTES / (cost.application_out / arrived)


REPRODUCTION = Reproduction(
    name="buffering-proxy",
    line="a proxy that buffers turns a stream of tokens into a few lumps",
    source="litellm, issue 26102: streamed tokens arrive all at once; github.com/BerriAI/litellm/issues/26102",
    setup=(
        "one client of SSE, a token of 20 bytes every 24 ms: directly, through nginx as Debian ships it, and "
        "through nginx as its documentation recommends for streams"
    ),
    words=(
        "There, 49 tokens left 24 ms apart. Directly the first came after 272 ms and the others 24 ms apart; "
        "through the proxy all came together, after 1,740 ms. Nothing is lost, and the whole answer takes hardly "
        "longer, so a test that looks at whole answers does not see it. nginx's defaults hold 4,096 bytes back: n "
        "tokens come at once, and the first of them has waited for the other n − 1. proxy_buffering off ends that. "
        "If a proxy holds all 49 back, the first comes after 272 ms and 48 gaps, 1,424 ms; what the published "
        "figure has beyond that is not explained by the buffer."
    ),
    experiment=EXPERIMENT,
    checks=checks,
)
