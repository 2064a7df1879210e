"""A trial in result.json, as values: what one contestant at one setting did once. Unknown is null, never 0.

Everything is in seconds and bytes. Rates and costs count what happened in the window by wall time. Everything about
deliveries counts the updates made in it. docs/measuring.md defines each figure.
"""

from typing import Literal, get_args

import msgspec

from wirerace.observe.account import ConnectStage, Outcome
from wirerace.record.broker import BrokerCost
from wirerace.record.browsers import Browsers
from wirerace.record.clocks import Clocks
from wirerace.record.durations import Handshakes, Times
from wirerace.record.faults import Availability, FaultOutcome
from wirerace.record.messages import Messages
from wirerace.record.parts import Bytes, LoadCost, Machine, PartRecord, ProducerQuality, ServerCost
from wirerace.record.publisher import PublisherQuality
from wirerace.record.reverse import ReverseCost
from wirerace.record.visits import Visits

StayQuantity = Literal[
    "latency_seconds",
    "age_seconds",
    "empty_fraction",
    "updates_per_response",
    "responses_per_client_second",
    "server_requests_per_second",
]
VisitQuantity = Literal["first_age_seconds", "visit_seconds", "requests_per_visit"]
MessageQuantity = Literal["message_latency_seconds", "acknowledgement_seconds", "relayed_latency_seconds"]
IdleQuantity = Literal["breaks_per_client_second", "return_seconds"]
Quantity = StayQuantity | VisitQuantity | MessageQuantity | IdleQuantity
QUANTITIES: tuple[StayQuantity, ...] = get_args(StayQuantity)
Kind = Literal["prediction", "fit"]
Weight = Literal["reason", "doubt", "unchecked"]


class Latency(msgspec.Struct, frozen=True):
    """Delivery latency. A percentile is null when no update has a delivery beyond it.

    `min` below 0 means that an update arrived before it was due: the clock was set, or stamps are wrong.
    `updates_beyond` counts, for each percentile, the updates with a delivery beyond it: all clients receive the same
    updates.
    """

    mean: float | None
    p50: float | None
    p90: float | None
    p99: float | None
    p999: float | None
    max: float | None
    updates_beyond: dict[str, int] = {}
    min: float | None = None


class Repolls(msgspec.Struct, frozen=True):
    """Gaps from the arrival of an answer to the next request, plus a round trip; `square_mean` is in s²."""

    count: int
    mean: float | None
    square_mean: float | None
    p99: float | None


class LatencyParts(msgspec.Struct, frozen=True):
    """Mean latency in its parts: late making, producer to server, server to client's kernel. The client reads later.

    With a broker, `broker` is the time from the making until the broker had stored the update, and `feed` from there.

    `delivery` is what the transport itself adds, including the waiting for a poll. `reader` is in no latency. For a
    foreign server that does not follow the feed, `feed` ends when the publication has left.
    """

    producer: float | None
    feed: float | None
    delivery: float | None
    reader: float | None
    broker: float | None = None


class Age(msgspec.Struct, frozen=True):
    """Age of information: its time average, and the mean of its peaks, one for each client and arrival instant.

    `fresh_fraction` is the part of the time in which age was at most a number of seconds, by that number; it is empty
    in results of older versions, and without any age.
    """

    mean: float | None
    peak_mean: float | None
    fresh_fraction: dict[str, float] = {}


class Connecting(msgspec.Struct, frozen=True):
    """Times from the first packet to the first cursor, or to an earlier stage, over all connections of the trial."""

    mean: float | None
    p99: float | None


class Returning(msgspec.Struct, frozen=True):
    """Connections that broke, or that the load itself cut: how many clients reconnected, and after how long."""

    count: int
    mean: float | None
    p99: float | None
    max: float | None


class ProxyQuality(msgspec.Struct, frozen=True):
    """What the proxy spent in the window, and how well it kept the delay.

    `core` is the one that it is bound to. `shares_core` is true if the load has the same one. `late_seconds` is the
    time beyond the delay, of every piece that it forwarded.
    """

    core: int | None
    shares_core: bool
    cpu_seconds: float
    utilisation: float
    late_seconds: Times


class Condition(msgspec.Struct, frozen=True):
    """A condition of theory: it holds if its value is at most `most`."""

    name: str
    value: float
    most: float
    holds: bool


class Cell(msgspec.Struct, frozen=True):
    """Theory beside measurement, of one quantity.

    `closed` is the closed form for the nominal rate. Windows of this length vary about it with the standard deviation
    `deviation`. `given` is the prediction given the schedule as it really was. `ratio` is measured over given.
    `tolerance` is how far measured may be from given, in the unit of the quantity.

    A `kind` other than a prediction is a fit: a part of it, larger than the tolerance, was taken from the latencies of
    this trial.
    """

    quantity: Quantity
    measured: float | None
    given: float | None
    closed: float | None
    deviation: float | None
    ratio: float | None
    tolerance: float | None
    within: bool | None
    kind: Kind = "prediction"


class Finding(msgspec.Struct, frozen=True):
    """The finding of a check: a reason why a trial is invalid, a doubt, or something that could not be checked.

    `what` was found, `why` it matters, and the `cure`: what to do about it. `part` is the part that it is about, or
    else the check that made it; it is empty in results of older versions.
    """

    weight: Weight
    what: str
    why: str = ""
    cure: str = ""
    part: str = ""

    @property
    def text(self) -> str:
        """What was found and why it matters, on one line."""
        return f"{self.what}: {self.why}" if self.why else self.what


class Verdict(msgspec.Struct, frozen=True):
    """Whether a trial is valid.

    `reasons` make it invalid, `doubts` do not. `unchecked` could not be checked on this machine. `findings` are all of
    them, each with its cure.
    """

    valid: bool
    reasons: list[str] = []
    doubts: list[str] = []
    unchecked: list[str] = []
    findings: list[Finding] = []


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One contestant at one setting, once: its id, and the number of the setting among the result's points.

    `clients` is the most at one time. `client_seconds` is how long all of them together were subscribed in the window.
    `expected` is without what was `superseded`: a client of the latest only got a newer update instead.
    `arrived` counts deliveries by arrival; costs are divided by it. `upper_bounds` counts deliveries that may have
    arrived earlier than their stamp says. `clock` says whose stamps they are. `availability` is None, and `faults` is
    empty, without faults. `clocks` is None if the load ran on the producer's host.
    """

    contestant: str = ""
    transport: str
    point: int = 0
    repeat: int
    seed: int
    clients: int
    client_seconds: float
    window_seconds: float
    updates: int
    expected: int
    delivered: int
    lost: int
    superseded: int = 0
    duplicated: int
    reordered: int
    reach: float | None
    arrived: int
    clock: Literal["kernel", "user"]
    upper_bounds: int
    latency_seconds: Latency
    latency_parts_seconds: LatencyParts
    reader_lag_seconds: Times
    age_seconds: Age
    requests: int
    responses: dict[Outcome, int]
    request_seconds: Times
    repoll_seconds: Repolls
    late_polls: int
    connect_seconds: Connecting
    connect_stages_seconds: dict[ConnectStage, Connecting]
    failed_connects: int
    connects: int
    cuts: int
    breaks: int = 0
    repeated_requests: int = 0
    partial_responses: int = 0
    return_seconds: Returning
    handshakes: Handshakes | None = None
    restarts: int
    parts: dict[str, PartRecord] = {}
    bytes: Bytes
    server: ServerCost
    load: LoadCost
    proxy: ProxyQuality | None = None
    reverse_proxy: ReverseCost | None = None
    publisher: PublisherQuality | None = None
    broker: BrokerCost | None = None
    producer: ProducerQuality
    machine: Machine
    visits: Visits | None = None
    messages: Messages | None = None
    browsers: Browsers | None = None
    availability: Availability | None = None
    faults: list[FaultOutcome] = []
    clocks: Clocks | None = None
    theory: list[Cell] = []
    conditions: list[Condition] = []
    verdict: Verdict | None = None

    @property
    def is_valid(self) -> bool:
        """Return whether it is valid. A trial without a verdict is not."""
        return self.verdict is not None and self.verdict.valid

    @property
    def clock_error_seconds(self) -> float | None:
        """How wrong a latency may be because clients have another clock; None if they have not, or if it is unknown."""
        return None if self.clocks is None else self.clocks.error_seconds

    @property
    def is_whole(self) -> bool:
        """Return whether every update reached every client, and every browser tab, once and in order."""
        return (self.browsers is None or self.browsers.is_whole) and not (
            self.lost or self.duplicated or self.reordered
        )

    @property
    def empty_fraction(self) -> float | None:
        """The fraction of empty answers; None without any answer."""
        empty, answered = self.responses["empty"], self.responses["data"] + self.responses["empty"]
        return empty / answered if answered else None
