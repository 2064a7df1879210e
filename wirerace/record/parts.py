"""The costs and the state of each part of a trial, as values in result.json: server, load, producer, machine."""

import msgspec


class Bytes(msgspec.Struct, frozen=True):
    """Bytes and segments into and out of the server in the window, on the clients' side of the path.

    The server counts payload, application bytes and heartbeats. Pings and pongs of both directions are in `heartbeat`
    alone. Behind a reverse proxy, the clients' kernel counts the application bytes: TCP's payload on their connections,
    heartbeats included. It always counts IP, with 52 bytes of headers for each segment and 8 more for a SYN.
    `retransmitted` counts the segments that either side of the trial's own connections sent again, as far as these
    connections can be read. `namespace_retransmitted` counts all segments that the server's network namespace sent
    again. `tls` is what TLS added to both directions: TCP's payload without application bytes and heartbeats. It is
    None without TLS, and where a reverse proxy ends TLS.
    """

    payload: int | None
    application_in: int | None
    application_out: int | None
    heartbeat: int | None
    ip_in: int | None
    ip_out: int | None
    segments_in: int | None
    segments_out: int | None
    retransmitted: int | None
    namespace_retransmitted: int | None = None
    tls: int | None = None


class ReplicaCost(msgspec.Struct, frozen=True):
    """The part of a core that one replica of a server took, and its clients at the window's end; None if unknown."""

    utilisation: float | None
    clients: int | None


class ServerCost(msgspec.Struct, frozen=True):
    """What the server under test spent in the window, and its memory without clients and with all of them.

    `idle_utilisation` is the part of a core that it takes without clients while the feed brings the same updates,
    `upkeep_utilisation` that for upkeep of connections: looks at them, heartbeats and pings.
    `read_together` counts updates that it read from the feed together with the previous one. `waited_seconds` is how
    long it was ready to run and had no core, `throttled_seconds` how long its control group had used up its quota.
    `socket_bytes` is kernel memory for sockets: of the whole machine, or of the server's container. The fields `_after`
    are of its memory when everything has been delivered. With replicas, all of these are sums, and `replicas` has each
    of them; it is empty with one server.
    """

    cpu_seconds: float | None
    cpu_us_per_delivery: float | None
    idle_utilisation: float | None
    read_together: int | None
    waited_seconds: float | None
    throttled_seconds: float | None
    user_bytes_idle: int | None
    user_bytes: int | None
    bytes_per_client: float | None
    socket_bytes_idle: int | None
    socket_bytes: int | None
    socket_bytes_per_client: float | None = None
    slab_bytes_idle: int | None = None
    slab_bytes: int | None = None
    slab_bytes_per_client: float | None = None
    user_bytes_after: int | None = None
    bytes_per_client_after: float | None = None
    upkeep_utilisation: float | None = None
    replicas: list[ReplicaCost] = []


class LoadCost(msgspec.Struct, frozen=True):
    """What the load generator spent in the window; utilisation 1 means all cores that its processes had.

    `busiest_utilisation` is the part of the time in which the busiest process ran or was ready to run. The other fields
    are those of a server's cost, for all processes together.
    """

    cpu_seconds: float | None
    cpu_utilisation: float | None
    busiest_utilisation: float | None
    waited_seconds: float | None
    throttled_seconds: float | None
    processes: int


class ProducerQuality(msgspec.Struct, frozen=True):
    """How well the producer kept its schedule."""

    late_seconds_mean: float | None
    late_seconds_p99: float | None
    late_seconds_max: float | None = None


class PartRecord(msgspec.Struct, frozen=True):
    """The state of a part of the trial: `restarts` in the whole trial, `still_seconds` in the window and its drain.

    `still_seconds` is how long it was seen stopped by a signal, at least. For `wirerace` itself it is the largest delay
    of a look at the other parts.
    """

    restarts: int
    still_seconds: float


class Machine(msgspec.Struct, frozen=True):
    """What else happened on the machine in the window.

    `others_cores` is how many cores other processes used, on average. `stolen_cores` is what the hypervisor gave to
    other machines. `memory_stalled_fraction` is the part of the time in which a process waited for memory (PSI, some).
    `clock_stepped_seconds` is by how much the wall clock was set against the monotonic one.
    """

    cores: int
    others_cores: float | None
    stolen_cores: float | None
    memory_stalled_fraction: float | None
    clock_stepped_seconds: float
