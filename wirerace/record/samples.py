"""What is sampled around the window of a trial, as values: the server's counters, the machine's, memory."""

from typing import Literal

import msgspec

from wirerace.clock import NS_PER_SECOND
from wirerace.observe.account import Window
from wirerace.observe.histogram import LatenciesRecord
from wirerace.observe.publishing import PublisherReport
from wirerace.record.broker import BrokerRecord
from wirerace.record.moment import Sample
from wirerace.record.parts import PartRecord
from wirerace.record.reverse import ReverseRecord


class ReplicaSample(msgspec.Struct, frozen=True):
    """The CPU time so far of one replica of a server, and its clients now; None if they are not available."""

    cpu_seconds: float | None
    clients: int | None


class ServerSample(Sample, frozen=True, kw_only=True):
    """The server's counters; None if they are not available.

    `feed_seconds` is the sum over `feed_updates` of the time from the intended making to the arrival at the server,
    which took `feed_reads` readings. `retransmitted` counts the segments that its network namespace has sent again.
    `upkeep_cpu_seconds` is the CPU time of looks at connections, heartbeats and pings; older versions did not count it.
    `responses` are its answers to those that ask, which older versions did not sample.
    `broker_seconds` is the sum over `broker_updates` of the time from a broker's storing to the arrival at the server.
    A foreign server counts nothing for us: of it, at most CPU time is known. With several replicas of a server these
    are sums, and `replicas` has each of them; it is empty with one.
    """

    cpu_seconds: float | None
    payload_bytes: int | None = None
    received_bytes: int | None = None
    sent_bytes: int | None = None
    heartbeat_bytes: int | None = None
    feed_seconds: float | None = None
    feed_updates: int | None = None
    feed_reads: int | None = None
    waited_seconds: float | None = None
    throttled_seconds: float | None = None
    retransmitted: int | None = None
    upkeep_cpu_seconds: float | None = None
    responses: int | None = None
    replicas: tuple[ReplicaSample, ...] = ()
    broker_seconds: float | None = None
    broker_updates: int | None = None

    def began_anew_since(self, before: "ServerSample") -> bool:
        """Return whether another process has counted since `before`: a counter that only grows is smaller."""
        counters = ("cpu_seconds", "payload_bytes", "received_bytes", "sent_bytes", "feed_updates", "feed_reads")
        pairs = ((getattr(before, name), getattr(self, name)) for name in counters)
        return any(early is not None and late is not None and late < early for early, late in pairs)


class MachineSample(Sample, frozen=True, kw_only=True):
    """The machine's counters.

    `offset_ns` is wall time minus monotonic time. `busy_seconds` and `stolen_seconds` are sums over all cores,
    `own_seconds` over all processes of the experiment.
    """

    offset_ns: int
    busy_seconds: float
    stolen_seconds: float | None
    own_seconds: float | None
    memory_stalled_seconds: float | None


class Resent(msgspec.Struct, frozen=True):
    """What the connections that were open at the end of the window have sent again in it.

    `opened` counts those that did not exist at its beginning. `closed` counts those that existed at its beginning only,
    of which nothing is known. Connections that are being closed count as neither.
    """

    segments: int
    opened: int
    closed: int


class Resting(msgspec.Struct, frozen=True):
    """Sockets in TIME_WAIT, in which the end that closed first keeps its port for a while.

    `clients` are those at ports of clients, `server` those at the server's port. `ports` is how many ports the machine
    has for outgoing connections, None if it is not known.
    """

    clients: int
    server: int
    ports: int | None = None


class ProxyReport(Sample, frozen=True, kw_only=True):
    """What a path's proxy did between two instants: its CPU time, and how late it forwarded.

    Lateness is the time beyond the path's delay. It counts from the kernel's stamp of the arrival at the proxy.
    """

    cpu_seconds: float
    late: LatenciesRecord


class Memory(Sample, frozen=True, kw_only=True):
    """A server's memory: its own, and the kernel's for sockets; None if it is not available.

    `socket_bytes` is for buffers, `slab_bytes` for objects such as sockets, of the whole machine or of the server's
    container, as `kernel_of` says. For a container, `socket_bytes` is all of the kernel's memory, including the slab.
    """

    user_bytes: int | None
    socket_bytes: int | None
    slab_bytes: int | None = None
    kernel_of: Literal["machine", "container"] = "machine"


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What was sampled around the window. `server` is None if it was restarted, because its counters began at 0 again.

    `load_cores` is the number of cores of all load processes together. `idle` is the server's memory without clients,
    `full` that with `clients_measured` clients. `after` is that with the same clients when everything has been
    delivered; None when clients joined in the window, or the server was restarted. `idle_utilisation` is the part of a
    core that it took without clients. `parts` has the observations of every part of the trial. `proxy` is what the
    proxy did in the window; None if there is none or it did not answer. `proxy_core` is the core that it is bound to,
    which it may share with the load. `resent` is what the connections of server and proxy sent again; None if they
    cannot be read. `resting` are the sockets in TIME_WAIT at the window's end, if they can be counted.
    `reverse_proxy` is what was sampled of the path's reverse proxy, None without one. `publisher` is what was published
    to a foreign server in the window, and `publisher_memory` the memory that this took; None for our own servers, and
    where no report came. `client_port` is the port to which clients connect, None for a container's. `broker` is what
    was sampled of the broker that brings the feed to servers, None without one. `other_hosts` says
    that the load ran on other hosts, each with a clock of its own, `far_servers` that a server ran on another host than
    the producer.
    """

    server: tuple[ServerSample, ServerSample] | None
    machine: tuple[MachineSample, MachineSample]
    machine_cores: int
    load_processes: int
    load_cores: int
    idle_utilisation: float | None
    idle: Memory
    full: Memory
    clients_measured: int
    restarts: int
    parts: dict[str, PartRecord] = {}
    proxy: ProxyReport | None = None
    proxy_core: int | None = None
    proxy_shares_core: bool = False
    resent: Resent | None = None
    after: Memory | None = None
    resting: Resting | None = None
    reverse_proxy: ReverseRecord | None = None
    publisher: PublisherReport | None = None
    publisher_memory: Memory | None = None
    client_port: int | None = None
    broker: BrokerRecord | None = None
    other_hosts: bool = False
    far_servers: bool = False


SPAN_TOLERANCE = 0.05
"""Part of the window. Two samples that miss its ends by more belong to another interval, and are not used."""


def off_seconds(samples: tuple[Sample, Sample], window: Window) -> float:
    """Return by how much two samples together may miss the ends of a window."""
    before, after = samples
    return (before.off_ns(window.from_ns) + after.off_ns(window.to_ns)) / NS_PER_SECOND


def do_span(samples: tuple[Sample, Sample], window: Window) -> bool:
    """Return whether two samples are near enough to the ends of a window to stand for it."""
    return off_seconds(samples, window) <= SPAN_TOLERANCE * window.seconds


def span_seconds(samples: tuple[Sample, Sample]) -> float:
    """Return the time between two samples: from the end of the first to the end of the second."""
    before, after = samples
    return (after.ended_ns - before.ended_ns) / NS_PER_SECOND
