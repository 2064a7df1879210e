"""Every threshold of the verdict, each with its reason: the only place to argue with one."""

from typing import NamedTuple

from wirerace.record.samples import SPAN_TOLERANCE
from wirerace.record.trial import Quantity


class Limit(NamedTuple):
    """Above `doubt` a value is a doubt, above `invalid` it makes the trial invalid; None for never.

    `why` says why it matters, `cure` what to do about it.
    """

    doubt: float | None
    invalid: float | None
    why: str
    cure: str


CLOSE_OTHERS = "close other programs, or measure on a machine with more cores"

LOAD_UTILISATION = Limit(
    0.6,
    0.85,
    "a load process that is busy most of the time makes its own clients wait",
    "use more load processes (load.processes), fewer clients, or fewer updates a second",
)
"""The part of the time in which the busiest load process ran or was ready to."""

READER_LAG_P99_SECONDS = Limit(
    0.05,
    0.25,
    "clients that read so late ask again late, and are no picture of clients that have a machine each",
    "use more load processes (load.processes), or close other programs",
)
"""A poll or re-poll waits for the reading; arrivals do not, where the kernel stamps them."""

BOUNDED_FRACTION = Limit(
    0.01,
    None,
    "such latencies are upper bounds",
    "use more load processes (load.processes), or fewer updates a second",
)
"""Deliveries read together with something newer, or without the kernel's stamp, of all."""

STARVED_FRACTION = Limit(0.25, 0.6, "something else had its core when it was wanted", CLOSE_OTHERS)
"""Time that a process waited for a core, of the time in which it ran or waited."""

STARVED_LEAST = 0.002
"""Under so small a part of the window, waiting adds up to nothing that can be seen."""

OTHERS_FRACTION = Limit(0.25, None, "caches, memory and turbo are shared, even where cores are not", CLOSE_OTHERS)
"""Of the machine's cores, used by processes that are not the experiment's."""

STOLEN_FRACTION = Limit(
    0.01,
    0.05,
    "the hypervisor gave the cores to others at moments that nobody can see",
    "measure again at a quieter hour, or on a machine of your own",
)
"""Of the machine's cores, on average."""

THROTTLED_FRACTION = Limit(
    0.001,
    0.02,
    "a process that is stopped by its quota stands still for up to 0.1 s at a time",
    "raise the CPU quota of its control group or container",
)
"""Time for which a quota had been used up, of the window."""

PRODUCER_LATE_P99_SECONDS = Limit(
    0.01, 0.1, "the making time is the intended one: lateness is in every latency", CLOSE_OTHERS
)

LATE_POLLS_FRACTION = Limit(
    0.01,
    0.05,
    "polls that leave late find more: it is another poll interval that is measured",
    "use more load processes (load.processes), fewer clients, or a longer polling.interval_seconds",
)
"""Polls that left more than 5 % of their interval late, or never, of all."""

RETRANSMITTED_FRACTION = Limit(
    0.0,
    0.01,
    "what is sent again comes at least 0.2 s late, by TCP's own timer",
    "look for what drops packets: a firewall, a full queue, a network emulator (tc qdisc)",
)
"""Segments sent again, of all."""

GO_ON_ALONE = "close other programs, leave the run alone, and see the logs in logs/"

SPAN_OFF_FRACTION = Limit(0.01, SPAN_TOLERANCE, "what was counted between them is of another interval", CLOSE_OTHERS)
"""By how much samples miss the ends of the window, both together, of the window."""

STILL_SECONDS = Limit(None, 0.0, "what waited for it meanwhile is late, and is in the figures", GO_ON_ALONE)
"""For how long a part was seen stopped by a signal."""

UNWATCHED_SECONDS = Limit(0.5, 2.0, "a part that died or stood still meanwhile was not seen", GO_ON_ALONE)
"""By how much a look at the other parts came late; it comes every 50 ms."""

STALLED_READER_SECONDS = Limit(0.25, 0.5, "the clients stood still, and asked late afterwards", GO_ON_ALONE)
"""The longest that anything which had arrived waited for its reading."""

PROXY_LATE_FRACTION = Limit(
    0.05,
    0.25,
    "the path is longer than the experiment says",
    "use a machine with more cores, fewer clients, or a longer delay_seconds of the path",
)
"""By how much the proxy forwards late, 99th percentile, of the path's delay; a millisecond is allowed in any case."""

PROXY_LATE_ALLOWED_SECONDS = 0.001

STALLED_PROXY_SECONDS = Limit(0.25, 0.5, "the proxy stood still, which is in the latencies", GO_ON_ALONE)
"""The latest of what the proxy forwarded."""

PROXY_UTILISATION = Limit(0.6, 0.85, "a proxy that is busy most of the time forwards late", CLOSE_OTHERS)
"""The part of the time for which the proxy ran."""

STALLED_PRODUCER_SECONDS = Limit(0.25, 0.5, "the producer stood still, which is in the latencies", GO_ON_ALONE)
"""The latest update."""

CLOCK_STEP_OF_MEDIAN = 0.1
"""A wall clock that was set by more than this part of the median latency falsifies the latencies."""

CLOCK_READING_SECONDS = 50e-6
"""Two clocks cannot be read at the same instant: a difference of so little is none.

One clock stamps making and arrival, so a latency cannot be negative by more than this and what the clock was set by.
"""

MEMORY_STALLED_FRACTION = Limit(
    0.01, 0.1, "any process may have waited for memory", "close other programs, or use fewer clients"
)
"""Time in which somebody on the machine waited for memory, of the window (PSI, some)."""

LEAST_UPDATES_BEYOND = 3
"""All clients receive the same updates: a percentile with fewer beyond it depends on one or two of them."""

LEAST_UPDATES, FEW_UPDATES = 3, 10
"""All clients receive the same updates: means over one or two describe these two, and nothing else; an invalid trial.

Under ten, the mean of latencies that vary as much as their mean (exponential, say) is known to a third at best: a
doubt.
"""

LEAST_ANSWERS = 10
"""The share of empty answers and the updates of an answer rest on answers. One answer of ten is 10 %: no fewer."""

MISSING_FRACTION = Limit(
    0.0,
    0.5,
    "latency and age describe the deliveries that came",
    "read the rows lost and reach first, and the server's log in logs/",
)
"""Deliveries that did not come, of those expected. When most are missing, the figures describe the exception."""

UNAGED_FRACTION = Limit(
    0.05,
    0.5,
    "mean age covers the rest only",
    "use a longer window, or more updates a second: a client has an age once it has an update",
)
"""Client-seconds without any update, of all in the window: a client that came in it has no age until the next one."""

TREND_SURE, TREND_CHANGE, TREND_BINS = 0.99, 0.1, 10
"""A window whose latency has not settled: a slope over the means of its tenths that is no luck (t test) and matters."""


class Tolerance(NamedTuple):
    """How far a measurement may be from the prediction given the schedule: a part of it, and so much more."""

    relative: float
    absolute: float


TOLERANCES: dict[Quantity, Tolerance] = {
    # What a poll takes beside its waiting may be off by a millisecond on a machine with two cores.
    "latency_seconds": Tolerance(0.02, 0.001),
    "age_seconds": Tolerance(0.02, 0.001),
    "empty_fraction": Tolerance(0.0, 0.005),
    "updates_per_response": Tolerance(0.02, 0.0),
    "responses_per_client_second": Tolerance(0.03, 0.0),
}

FAN_OUT_LATENCY = Tolerance(0.25, 0.0002)
"""Latency where all clients are sent to, one after the other: theory takes sends to be even, and the server's CPU time
for granted. Measured beside it: within 13 % with 50 to 500 clients, and some tenths of a millisecond for waking up."""

FAR: dict[Quantity, Tolerance] = {
    "latency_seconds": Tolerance(1.0, 0.03),
    "age_seconds": Tolerance(0.5, 0.05),
    "empty_fraction": Tolerance(0.0, 0.2),
    "updates_per_response": Tolerance(0.5, 0.1),
    "responses_per_client_second": Tolerance(0.25, 0.0),
}
"""Beyond, a deviation is no matter of tolerances: something stood still, or it is another setting that was measured.

No run in which the parts had cores has shown twice the latency and 30 ms more; a load that stops for one second of ten
adds 50 ms to the mean latency of push.
"""
