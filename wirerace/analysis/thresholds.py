"""Every threshold of the verdict, each with its reason. They are defined only here."""

from typing import NamedTuple

from wirerace.record.samples import SPAN_TOLERANCE


class Limit(NamedTuple):
    """A value above `doubt` is a doubt; a value above `invalid` makes the trial invalid; None means never.

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
"""The part of the time in which the busiest load process ran or was ready to run."""

READER_LAG_P99_SECONDS = Limit(
    0.05,
    0.25,
    "clients that read so late ask again late, and do not represent clients that have a machine each",
    "use more load processes (load.processes), or close other programs",
)
"""How late clients read. A poll or re-poll waits for the reading; an arrival does not, if the kernel stamps it."""

BOUNDED_FRACTION = Limit(
    0.01,
    None,
    "such latencies are upper bounds",
    "use more load processes (load.processes), or fewer updates a second",
)
"""The part of deliveries that were read together with something newer, or without the kernel's stamp."""

LATE_BOUNDED_FRACTION = Limit(
    0.01,
    0.25,
    "such latencies are upper bounds, and clients that read so late may exceed the true ones by as much",
    "use more load processes (load.processes), or fewer updates a second",
)
"""The same part, of clients that only listen, where reader lag is above its limits.

An arrival that was read alone has the kernel's stamp, however late it was read, and such a client asks for nothing. So
late reading colours only what was read together. Above a quarter, it may have moved the mean as well.
"""

ASKED_LATE_WHY = "an update that is made while a client's last answer lies unread waits for its next request"
ASKED_LATE_CURE = "use more load processes (load.processes), fewer clients, or close other programs"

ASKED_LATE_SHARE = Limit(0.01, 0.25, ASKED_LATE_WHY, ASKED_LATE_CURE)
"""The part of mean latency that may be due to late reading: the possible delays' sum, of the sum of all latencies.

Of clients of long polling that stay and do nothing else, where reader lag is above its limits. The mean is too high by
about this part (docs/decisions/judging.md). Above a quarter, another mean was measured.
"""

ASKED_LATE_FRACTION = Limit(0.01, None, ASKED_LATE_WHY, ASKED_LATE_CURE)
"""The part of such clients' deliveries that may have come later because they were asked for late.

A percentile depends on how many are late: with one delivery in a hundred, the 99th may be one of them, although the
mean hardly moves. How late they are says the share.
"""

STARVED_FRACTION = Limit(0.25, 0.6, "something else had its core when it was wanted", CLOSE_OTHERS)
"""The part of a process's running and waiting time in which it waited for a core."""

STARVED_LEAST = 0.002
"""Below that part of the window, waiting has no visible effect."""

OTHERS_FRACTION = Limit(0.25, None, "caches, memory and turbo are shared, even where cores are not", CLOSE_OTHERS)
"""The part of the machine's cores that other processes used."""

STOLEN_FRACTION = Limit(
    0.01,
    0.05,
    "the hypervisor gave the cores to others at unknown moments",
    "measure again at a quieter hour, or on a machine of your own",
)
"""The part of the machine's cores, on average."""

THROTTLED_FRACTION = Limit(
    0.001,
    0.02,
    "a process that is stopped by its quota stands still for up to 0.1 s at a time",
    "raise the CPU quota of its control group or container",
)
"""The part of the window in which a quota had been used up."""

PRODUCER_LATE_P99_SECONDS = Limit(
    0.01, 0.1, "the making time is the intended one: lateness is in every latency", CLOSE_OTHERS
)

LATE_POLLS_FRACTION = Limit(
    0.01,
    0.05,
    "polls that leave late find more updates: another poll interval was measured",
    "use more load processes (load.processes), fewer clients, or a longer polling.interval_seconds",
)
"""The part of polls that left more than 5 % of their interval late, or never."""

VISIT_LATE_P99_SECONDS = Limit(
    0.01,
    0.1,
    "all times of a visit count from its intended arrival: this lateness is in them",
    "use more load processes (load.processes), a lower population.per_second, or close other programs",
)
"""How late the load let visitors come."""

MESSAGE_LATE_P99_SECONDS = Limit(
    0.01,
    0.1,
    "a message's latency counts from its intended sending: this lateness is in it",
    "use more load processes (load.processes), a lower upstream.rate_per_second, or close other programs",
)
"""How late the load woke for messages that nothing held up."""

MISSING_MESSAGES = Limit(
    0.0,
    0.5,
    "latencies of messages describe those that came",
    "read the rows of messages first, and the server's log in logs/",
)
"""The part of messages that did not reach the server."""

GAVE_UP_FRACTION = Limit(
    0.0,
    0.5,
    "times of whole visits are those of the others, and costs include what they had",
    "use a longer population.timeout_seconds, or fewer population.updates",
)
"""The part of visits that gave up. If most did, the figures describe the exception."""

RESTING_FRACTION = Limit(
    0.5,
    None,
    "a visitor finds no free port when all of them rest",
    "use a lower population.per_second, or a larger range of ports (net.ipv4.ip_local_port_range)",
)
"""The part of this machine's ports for outgoing connections that rest in TIME_WAIT."""

RETRANSMITTED_FRACTION = Limit(
    0.0,
    0.01,
    "a segment that is sent again comes at least 0.2 s late, by TCP's own timer",
    "look for what drops packets: a firewall, a full queue, a network emulator (tc qdisc)",
)
"""The part of segments that were sent again."""

GO_ON_ALONE = "close other programs, leave the run alone, and see the logs in logs/"

SPAN_OFF_FRACTION = Limit(0.01, SPAN_TOLERANCE, "the counts between them belong to another interval", CLOSE_OTHERS)
"""By how much both samples together miss the ends of the window, as a part of the window."""

STILL_SECONDS = Limit(None, 0.0, "everything that waited for it is late, and is in the figures", GO_ON_ALONE)
"""How long a part was seen stopped by a signal."""

UNWATCHED_SECONDS = Limit(0.5, 2.0, "a part that died or stood still meanwhile was not seen", GO_ON_ALONE)
"""How late a look at the other parts came; looks come every 50 ms."""

STALLED_READER_SECONDS = Limit(0.25, 0.5, "the clients stood still, and asked late afterwards", GO_ON_ALONE)
"""The longest time from an arrival to its reading."""

PROXY_LATE_FRACTION = Limit(
    0.05,
    0.25,
    "the path is longer than the experiment says",
    "use a machine with more cores, fewer clients, or a longer delay_seconds of the path",
)
"""The 99th percentile of the proxy's lateness, as a part of the path's delay. A millisecond is always allowed."""

PROXY_LATE_ALLOWED_SECONDS = 0.001

STALLED_PROXY_SECONDS = Limit(0.25, 0.5, "the proxy stood still, which is in the latencies", GO_ON_ALONE)
"""The largest lateness of anything that the proxy forwarded."""

PUBLISHED_LATE_P99_SECONDS = Limit(
    0.02,
    None,
    "updates waited for the publications before them, which is in the latencies",
    "use fewer updates a second",
)
"""How much later than it was made an update left for a foreign server. A publication waits for the answer before it."""

PUBLISHER_UTILISATION = Limit(0.6, 0.85, "a publisher that is busy most of the time publishes late", CLOSE_OTHERS)
"""The part of the time in which the publisher ran."""

PROXY_UTILISATION = Limit(0.6, 0.85, "a proxy that is busy most of the time forwards late", CLOSE_OTHERS)
"""The part of the time in which the proxy ran."""

REVERSE_UTILISATION = Limit(
    0.85,
    None,
    "a reverse proxy at its limit makes updates wait: latency is its queue's, too",
    "use fewer clients, or fewer updates a second: what this proxy carries has been found",
)
"""The part of a core that a reverse proxy took."""

BROKER_UTILISATION = Limit(
    0.85,
    None,
    "a broker at its limit makes updates wait: latency is its queue's, too",
    "make fewer updates a second",
)
"""The part of a core that a broker took, which has several threads."""

STALLED_PRODUCER_SECONDS = Limit(0.25, 0.5, "the producer stood still, which is in the latencies", GO_ON_ALONE)
"""The largest lateness of an update."""

CLOCK_STEP_OF_MEDIAN = 0.1
"""A wall clock that was set by more than this part of the median latency falsifies the latencies."""

CLOCK_READING_SECONDS = 50e-6
"""Two clocks cannot be read at the same instant, so a smaller difference does not count.

One clock stamps making and arrival. So a latency cannot be negative by more than this plus the step of a clock that was
set.
"""

CLOCK_ERROR_OF_MEDIAN = Limit(
    0.1,
    0.5,
    "every latency may be wrong by it",
    "use a quieter network between the hosts, or compare what takes longer",
)
"""How wrong the clocks of load hosts may be, as a part of the median latency."""

MEMORY_STALLED_FRACTION = Limit(
    0.01, 0.1, "any process may have waited for memory", "close other programs, or use fewer clients"
)
"""The part of the window in which a process on the machine waited for memory (PSI, some)."""

LEAST_UPDATES_BEYOND = 3
"""All clients receive the same updates, so a percentile with fewer updates beyond it depends on one or two of them."""

LEAST_UPDATES, FEW_UPDATES = 3, 10
"""All clients receive the same updates. Means over one or two updates describe only these: the trial is invalid.

Below ten updates there is a doubt: the mean of latencies that vary as much as their mean (exponential, for example) is
known to a third at best.
"""

LEAST_ANSWERS = 10
"""The share of empty answers and the updates of an answer depend on answers. One answer of ten is 10 % already."""

MISSING_FRACTION = Limit(
    0.0,
    0.5,
    "latency and age describe the deliveries that came",
    "read the rows lost and reach first, and the server's log in logs/",
)
"""The part of expected deliveries that did not come. If most are missing, the figures describe the exception."""

UNAGED_FRACTION = Limit(
    0.05,
    0.5,
    "mean age covers the rest only",
    "use a longer window, or more updates a second: a client has an age once it has an update",
)
"""The part of client-seconds without any update in the window. A new client has no age until the next update."""

TREND_SURE, TREND_CHANGE, TREND_BINS = 0.99, 0.1, 10
"""Latency has not settled if the means of the window's tenths have a slope that is not chance (t test) and matters."""
TAB_CLOCK_SECONDS = 0.001
"""How exactly a tab's clock must be known. It was known to 70 µs on a machine whose two cores were busy."""
