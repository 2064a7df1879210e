"""One stall of the server: the view of a tool that times its requests, and the view of its clients."""

from wirerace.experiment.faults import Fault
from wirerace.experiment.model import Clients, Experiment, WindowOptions
from wirerace.reproductions.check import Check, Found, Outcomes, Reproduction, between, near, ratio
from wirerace.transports.polling import PollingOptions
from wirerace.workload.schedule import Source

STALL_SECONDS = 1.4
COUNTED_SECONDS = 20.0  # wrk2 runs for 30 s and leaves out the first 10 s, its calibration
TRUE_P99_SECONDS, WORST_SECONDS = 1.27, 1.41
TIMED_REQUEST_MOST_SECONDS = 0.1
LEAST_TRUE_SECONDS = 1.0

EXPERIMENT = Experiment(
    title="wrk2: one stall of 1.4 s in 30 s",
    transports=["polling"],
    producer=Source(rate_per_second=40.0, arrivals="periodic"),
    clients=Clients(count=100),
    options={"polling": PollingOptions(interval_seconds=0.1)},
    window=WindowOptions(warmup_seconds=10.0, measure_seconds=COUNTED_SECONDS),
    faults=[Fault(kind="stall", on="server", at_seconds=8.0, lasts_seconds=STALL_SECONDS)],
)


def checks(outcomes: Outcomes) -> list[Check]:
    """Return both views of the same 30 seconds."""
    trial = outcomes["polling"].trial
    naive, true = trial.request_seconds, trial.latency_seconds
    # An update made x before the stall's end waits x. Updates are made evenly, and 1 % of all wait longer than this.
    derived = STALL_SECONDS - 0.01 * COUNTED_SECONDS
    return [
        between(
            Found("p99 of requests, timed from their sending", "seconds", naive.p99),
            "6.04 ms",
            (0, TIMED_REQUEST_MOST_SECONDS),
            "under 100 ms",
        ),
        near(Found("p99 of deliveries, timed from the making", "seconds", true.p99), "1.27 s", TRUE_P99_SECONDS, 15),
        between(
            Found("the same: stall less 1 % of what is counted", "seconds", true.p99),
            f"{derived:g} s, derived",
            (LEAST_TRUE_SECONDS, derived + 0.15),
            f"{LEAST_TRUE_SECONDS:g} to {derived + 0.15:g} s",
        ),
        between(Found("how many times that is", "ratio", ratio(true.p99, naive.p99)), "210", (10, 1e6), "at least 10"),
        near(Found("slowest request", "seconds", naive.max), "1.41 s", WORST_SECONDS, 10),
        near(Found("slowest delivery", "seconds", true.max), "1.42 s", WORST_SECONDS, 15),
    ]


REPRODUCTION = Reproduction(
    name="wrk2-stall",
    line="coordinated omission: a stall of 1.4 s that a p99 of requests does not show",
    source=(
        "Gil Tene: wrk2, README, example 2: a stall of 1.4 s in a run of 30 s, 100 connections, 2,000 requests a "
        "second; github.com/giltene/wrk2"
    ),
    setup=(
        "100 clients poll every 0.1 s, 40 updates a second; 10 s are left out, as wrk2 leaves out its calibration; in "
        "the 20 s after them the server's process is stopped once for 1.4 s (SIGSTOP, SIGCONT)"
    ),
    words=(
        "Each client has one request under way when the server stops, so one of 200 is slow. Percentiles of requests "
        "up to the 99th do not show it, because the requests that were due meanwhile were not sent. Updates are still "
        "made, and 7 % of them wait. Their waiting is in the latency of deliveries, which begins at the intended time "
        "of making. So Wirerace needs no correction afterwards. The percentile at which the stall shows depends on the "
        "length of the run: p99 is the stall minus 1 % of the counted time, for any server. The p99 of requests "
        "depends on this machine, and includes the polls that catch up after the stall."
    ),
    experiment=EXPERIMENT,
    checks=checks,
)
