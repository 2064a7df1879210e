"""Figures of a trial from packets alone, beside those that Wirerace reports. Nothing here uses Wirerace's counting."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from benchmarks.packets import BadCapture, Connection

Record = dict[str, Any]
"""A JSON object of result.json, or of a raw record."""

UPDATE = re.compile(
    rb'\{"epoch":"([0-9a-z]+)","seq":(\d+),"ts":(\d+),"data":"[^"\\]*(?:\\.[^"\\]*)*"(?:,"\w+":(?:"[^"]*"|\d+))*\}',
    re.DOTALL,
)
REQUEST = re.compile(rb"GET (/[a-z]+)(?:\?\S*)? HTTP/1\.1\r\n")
KERNEL_EDGE_NS = 100_000
"""A segment is stamped before the kernel that receives it counts it."""
USER_EDGE_NS = 10_000_000
"""A request counts when it was due, and leaves a little later. A server counts bytes when it reads and writes."""
HEAD_BYTES = 52
"""IPv4 20, TCP 20, time stamp 12. A SYN has 8 more, an acknowledgement of what came twice 12 (RFC 2883)."""
LATENCY_PART, LATENCY_MS = 0.001, 0.020


class Row(NamedTuple):
    """One figure of both. They agree if Wirerace's is from `least` to `most`; `capture` lies between these.

    `cause` is a known one of a difference that is too large.
    """

    figure: str
    wirerace: float
    capture: float
    least: float
    most: float
    cause: str = ""

    @property
    def agrees(self) -> bool:
        """Whether what happened at the window's edges can explain the difference, if there is one."""
        return self.least <= self.wirerace <= self.most


class Edge(NamedTuple):
    """One end of a span, Unix nanoseconds: the instant, and the earliest and the latest that it may have been."""

    least_ns: int
    at_ns: int
    most_ns: int


class Delivery(NamedTuple):
    """An update that a connection brought: when its last byte was there, and what its JSON says."""

    at_ns: int
    epoch: bytes
    seq: int
    ts: int


class Counter:
    """Something that grows: how much of it there was before any instant."""

    def __init__(self, steps: Iterable[tuple[int, int]]) -> None:
        """Take each growth, with its instant."""
        ordered = sorted(steps)
        self._times = [at_ns for at_ns, _ in ordered]
        self._sums = [0, *accumulate(amount for _, amount in ordered)]

    def before(self, at_ns: int) -> int:
        """Return how much there was before an instant."""
        return self._sums[bisect_left(self._times, at_ns)]

    def between(self, begin: Edge, end: Edge) -> int:
        """Return the growth between two instants."""
        return self.before(end.at_ns) - self.before(begin.at_ns)

    def row(self, figure: str, wirerace: int, begin: Edge, end: Edge) -> Row:
        """Return the growth between two edges beside Wirerace's."""
        before = self.before
        return Row(
            figure,
            wirerace,
            self.between(begin, end),
            before(end.least_ns) - before(begin.most_ns),
            before(end.most_ns) - before(begin.least_ns),
        )


def clients_of(connections: Iterable[Connection], path: str, raw: Record) -> list[Connection]:
    """Return the connections of a trial's clients: they ask for `path`, and live in the window.

    Their answers name an epoch of the trial, which no other run on this machine has. Through a proxy every connection
    is there twice; those of clients lead to the port that the raw record names.

    Raises BadCapture when there are none, or when they lead to several servers.
    """
    from_ns, to_ns = raw["window"]["from_ns"], raw["window"]["to_ns"]
    epochs = [epoch["epoch"].encode() for epoch in raw["truth"]["epochs"]]
    port = raw["measured"].get("client_port")  # older records have none
    found = [
        one
        for one in connections
        if one.passed[0].at_ns < to_ns
        and one.passed[-1].at_ns >= from_ns
        and (asked := REQUEST.match(one.up.data))
        and asked[1] == path.encode()
        and any(epoch in one.down.data for epoch in epochs)
        and port in {None, one.server[1]}
    ]
    servers = {one.server for one in found}
    if not found:
        raise BadCapture(f"no connection asks for {path} in the window")
    if len(servers) > 1:
        raise BadCapture(f"{len(servers)} servers answer {path}: a path with a proxy has every connection twice")
    return found


def deliveries_in(connection: Connection) -> Iterator[Delivery]:
    """Yield every update that a connection brought, in the order of its bytes."""
    for match in UPDATE.finditer(connection.down.data):
        epoch, seq, ts = match.groups()
        yield Delivery(connection.down.whole_ns(match.end()), epoch, int(seq), int(ts))


def rows_of(trial: Record, raw: Record, clients: Sequence[Connection]) -> list[Row]:
    """Return all figures of a trial: from its result and its raw record, and from the packets of its clients.

    Raises BadCapture when no update can be read.
    """
    return [*_delivery_rows(raw, clients), *_request_rows(raw, clients), *_traffic_rows(trial, raw, clients)]


def _delivery_rows(raw: Record, clients: Sequence[Connection]) -> Iterator[Row]:
    account, window = raw["account"], raw["window"]
    distinct: dict[tuple[int, bytes, int], Delivery] = {}
    arrivals, twice = [], 0
    for number, client in enumerate(clients):
        for delivery in deliveries_in(client):
            arrivals.append((delivery.at_ns, 1))
            if window["from_ns"] <= delivery.ts < window["to_ns"]:
                key = number, delivery.epoch, delivery.seq
                twice += key in distinct
                distinct.setdefault(key, delivery)
    if not distinct:
        raise BadCapture("no update of the window can be read: compressed, or none was made")
    yield _exactly("deliveries", account["delivered"], len(distinct))
    yield _exactly("delivered again", account["duplicated"], twice)
    begin, end = _edges(window["from_ns"]), _edges(window["to_ns"])
    yield Counter(arrivals).row("arrived in the window", account["arrived"], begin, end)
    mean_ms = sum(one.at_ns - one.ts for one in distinct.values()) / len(distinct) / 1e6
    latencies = account["latencies"]
    off_ms = max(LATENCY_MS, LATENCY_PART * mean_ms)
    theirs_ms = latencies["sum_ns"] / max(1, latencies["recorded"]) / 1e6
    bounds = f"{account['upper_bounds']} are upper bounds, as Wirerace says" if account["upper_bounds"] else ""
    yield Row("mean latency, ms", theirs_ms, mean_ms, mean_ms - off_ms, mean_ms + off_ms, bounds)


def _request_rows(raw: Record, clients: Sequence[Connection]) -> Iterator[Row]:
    window = raw["window"]
    asked = Counter((one.up.whole_ns(match.end()), 1) for one in clients for match in REQUEST.finditer(one.up.data))
    begin, end = _edges(window["from_ns"]), _edges(window["to_ns"])
    yield asked.row("requests", raw["account"]["requests"], begin, end)


def _traffic_rows(trial: Record, raw: Record, clients: Sequence[Connection]) -> Iterator[Row]:
    """Yield the rows of TCP and IP, which the clients' kernels count, and that of the server's own counting."""
    begin, end = _read_at(raw, "from_ns"), _read_at(raw, "to_ns")
    before, after = raw["account"]["traffic"]
    for is_up, way, name in ((True, "to the server", "out"), (False, "to clients", "in")):
        passed = [one for client in clients for one in client.passed if one.is_up == is_up]
        sent = Counter((one.at_ns, one.payload_bytes) for one in passed)
        fresh = Counter(_fresh(clients, is_up=is_up))
        # A sender counts again what it sends again, a receiver does not.
        payload, segments = sent if is_up else fresh, Counter((one.at_ns, 1) for one in passed)
        for figure, counter, key in (
            (f"payload bytes {way}", payload, f"bytes_{name}"),
            (f"segments {way}", segments, f"segments_{name}"),
        ):
            yield counter.row(figure, after[key] - before[key], begin, end)
        at_ip = Counter((one.at_ns, one.ip_bytes) for one in passed)
        row = at_ip.row(f"IP bytes {way}", trial["bytes"]["ip_in" if is_up else "ip_out"], begin, end)
        sent_bytes = sent.between(begin, end)
        again = sent_bytes - fresh.between(begin, end)
        options = at_ip.between(begin, end) - sent_bytes - HEAD_BYTES * segments.between(begin, end)
        yield row._replace(cause=f"{again} payload bytes were sent again, {options} bytes of SYN and SACK options")
    if raw["measured"]["server"] is not None and not raw["measured"].get("reverse_proxy"):
        early, late = raw["measured"]["server"]
        yield _server_row(early, late, clients)


def _server_row(early: Record, late: Record, clients: Sequence[Connection]) -> Row:
    counted = sum(late[name] - early[name] for name in ("received_bytes", "sent_bytes", "heartbeat_bytes"))
    begin, end = (_edges(one["ended_ns"], one["began_ns"]) for one in (early, late))
    both = Counter([*_fresh(clients, is_up=True), *_fresh(clients, is_up=False)])
    return both.row("bytes, as the server counts", counted, begin, end)


def _fresh(clients: Iterable[Connection], *, is_up: bool) -> list[tuple[int, int]]:
    """Return by how many bytes the clients' streams grew, with the instants: what is sent again is not in it."""
    return [growth for one in clients for growth in (one.up if is_up else one.down).growth()]


def _read_at(raw: Record, name: str) -> Edge:
    """Return when the load processes read TCP_INFO: from the window's edge on, until the instant that they noted."""
    noted = [process[name] for process in raw["account"]["processes"]]
    return Edge(min(raw["window"][name], *noted) - KERNEL_EDGE_NS, max(noted), max(noted) + KERNEL_EDGE_NS)


def _edges(at_ns: int, began_ns: int | None = None) -> Edge:
    return Edge((at_ns if began_ns is None else began_ns) - USER_EDGE_NS, at_ns, at_ns + USER_EDGE_NS)


def _exactly(figure: str, wirerace: float, capture: float) -> Row:
    return Row(figure, wirerace, capture, capture, capture)
