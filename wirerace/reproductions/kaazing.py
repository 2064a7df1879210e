"""Headers of polls against frames: the claim that made WebSocket famous, and what remains of it at the IP layer."""

from typing import NamedTuple

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
from wirerace.wire.update import Update, encode_update, join_batch
from wirerace.workload.schedule import Source

CLIENTS = 1_000
PAYLOAD_BYTES = 20
PAPER_HEADER_BYTES, PAPER_FRAME_BYTES = 871, 2
FAMOUS_RATIO = PAPER_HEADER_BYTES / PAPER_FRAME_BYTES
OWN_HEADER_BYTES = 226  # of our poll and its answer, plus or minus a digit of a cursor; a test compares it
MBIT = 2**20  # theirs: 871 × 8 × 1,000 / 2²⁰ = 6.6
POLL_SECONDS = 1.0

EXPERIMENT = Experiment(
    title="Kaazing 2010: headers of polls against frames",
    transports=["polling", "websocket"],
    producer=Source(rate_per_second=1.0, arrivals="periodic", payload_bytes=PAYLOAD_BYTES),
    clients=Clients(count=CLIENTS, spawn_per_second=500),
    options={"polling": PollingOptions(interval_seconds=POLL_SECONDS)},
    contestants=[
        ContestantTable(
            id="polling-paper",
            transport="polling",
            options={"extra_header_bytes": PAPER_HEADER_BYTES - OWN_HEADER_BYTES},
        )
    ],
    # The window begins and ends midway between two updates, so that it cuts no burst in two.
    window=WindowOptions(warmup_seconds=1.5, measure_seconds=12.0),
)


class Overhead(NamedTuple):
    """The costs of one poll, or one message, besides its payload, in bytes.

    `headers` are HTTP's, or the frame's. `application` is everything written to or read from the socket, including our
    JSON. `ip` adds the headers of TCP/IP and the segments that only acknowledge. `per_second` is the number of polls or
    messages a second.
    """

    headers: float | None
    application: float | None
    ip: float | None
    per_second: float

    @property
    def mbit_per_second(self) -> float | None:
        """The throughput of the headers alone, as the paper counts it."""
        return None if self.headers is None else self.headers * self.per_second * 8 / MBIT


def checks(outcomes: Outcomes) -> list[Check]:
    """Return the paper's figures beside ours."""
    paper, own = overhead_of(outcomes["polling-paper"]), overhead_of(outcomes["polling"])
    socket = overhead_of(outcomes["websocket"])
    return [
        near(Found("headers of a poll, the paper's size", "bytes", paper.headers), "871 B", PAPER_HEADER_BYTES, 1),
        near(Found("header of a frame", "bytes", socket.headers), "2 B", PAPER_FRAME_BYTES, 1),
        *_throughputs(1, paper, socket, ("6.6 Mbit/s", "0.015 Mbit/s")),
        near(Found("ratio", "ratio", ratio(paper.headers, socket.headers)), "435", FAMOUS_RATIO, 2),
        *_throughputs(10, paper, socket, ("66 Mbit/s", "0.153 Mbit/s")),
        *_throughputs(100, paper, socket, ("665 Mbit/s", "1.526 Mbit/s")),
        shown(Found("headers of a poll, our own", "bytes", own.headers)),
        shown(Found("ratio with our headers", "ratio", ratio(own.headers, socket.headers))),
        shown(Found("ratio of all but payload", "ratio", ratio(paper.application, socket.application))),
        between(
            Found("ratio at the IP layer", "ratio", ratio(paper.ip, socket.ip)),
            "not counted",
            (1, FAMOUS_RATIO / 10),
            "a tenth of 435 at most",
        ),
        shown(Found("and with our headers", "ratio", ratio(own.ip, socket.ip))),
    ]


def overhead_of(outcome: Outcome) -> Overhead:
    """Return the costs of a poll or a message besides its payload.

    The server counts payload and all bytes together, so the payload says how many updates the other bytes brought.
    """
    trial = outcome.trial
    counted = trial.bytes
    polls = sum(trial.responses.values())
    answers = polls or trial.arrived
    per_second = answers / trial.window_seconds
    if counted.payload is None or counted.application_in is None or counted.application_out is None:
        return Overhead(None, None, None, per_second)
    updates = counted.payload / PAYLOAD_BYTES
    if not updates or not answers or not trial.arrived:
        return Overhead(None, None, None, per_second)
    answers_counted = updates * answers / trial.arrived
    everything = counted.application_in + counted.application_out
    message = message_bytes(outcome)
    wrapper = (len(join_batch([])) - 1) * trial.responses["data"] / polls if polls else 0  # minus one comma each
    body = updates * (message + (1 if polls else 0)) + answers_counted * wrapper
    ip = None
    if counted.ip_in is not None and counted.ip_out is not None:
        ip = (counted.ip_in + counted.ip_out) / answers - trial.arrived / answers * PAYLOAD_BYTES
    return Overhead(
        (everything - body) / answers_counted, (everything - counted.payload) / answers_counted, ip, per_second
    )


def message_bytes(outcome: Outcome) -> float:
    """Return the mean length of an encoded update of the window: our JSON around the payload."""
    raw = outcome.raw
    lengths = [
        len(encode_update(Update(epoch, seq, ts, "x" * PAYLOAD_BYTES)))
        for (epoch, seq), ts in raw.truth.made_at.items()
        if raw.window.has(ts)
    ]
    return sum(lengths) / len(lengths) if lengths else 0.0


def _throughputs(times: int, paper: Overhead, socket: Overhead, published: tuple[str, str]) -> list[Check]:
    """Return the throughput of headers, extrapolated to `times` the number of clients."""
    clients = f"{CLIENTS * times:,} clients" + (", extrapolated" if times > 1 else "")
    found = []
    for name, overhead, each_bytes, says in (
        ("polling", paper, PAPER_HEADER_BYTES, published[0]),
        ("WebSocket", socket, PAPER_FRAME_BYTES, published[1]),
    ):
        measured = None if overhead.mbit_per_second is None else times * overhead.mbit_per_second
        wanted = times * CLIENTS * each_bytes * 8 / MBIT
        found.append(near(Found(f"{name}, {clients}", "mbit", measured), says, wanted, 2))
    return found


REPRODUCTION = Reproduction(
    name="kaazing",
    line="871 bytes of headers a poll against 2 a frame: a ratio of 435",
    source=(
        "Peter Lubbers and Frank Greco (Kaazing): HTML5 WebSocket: A Quantum Leap in Scalability for the Web. "
        "SOA World Magazine, 2010; websocket.org/quantum.html"
    ),
    setup=(
        "1,000 clients, 1 update a second of 20 bytes, polls every second; headers padded to the size of the paper's "
        "example, then as small as ours are; 10,000 and 100,000 clients are extrapolated"
    ),
    words=(
        "The paper's arithmetic is right: each poll repeats its headers, and a frame has two bytes. But the ratio "
        "compares only these headers, and leaves out everything that both transports send. Each segment has 52 bytes "
        "of TCP/IP headers, another segment acknowledges it, and a message has more than its payload. So the ratio on "
        "the wire is a small part of the published one. The ratio also assumes that each poll finds exactly one "
        "update. With rarer updates polling is worse than here, with more frequent updates better. TLS and compression "
        "would change both sides."
    ),
    experiment=EXPERIMENT,
    checks=checks,
)
