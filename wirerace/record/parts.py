"""What each part of a trial spent, and how it fared, as values in result.json: server, load, producer, machine."""

import msgspec


class Bytes(msgspec.Struct, frozen=True):
    """Bytes and segments into and out of the server in the window.

    Payload, application and heartbeats as the server counts them (pings and pongs, both ways, are in `heartbeat`
    alone); IP as the clients' kernel does, with 52 bytes of headers a segment and 8 more for a SYN. `retransmitted`
    counts segments that the trial's own connections sent again, of either side, as far as they can be asked;
    `namespace_retransmitted` what the server's network namespace did, whoever it was.
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


class ServerCost(msgspec.Struct, frozen=True):
    """What the server under test spent in the window, and its memory without clients and with all of them.

    `idle_utilisation` is the part of a core that it takes without clients while the feed brings the same updates;
    `read_together` counts updates that it read from the feed together with the one before them;
    `waited_seconds` is how long it was ready to run and had no core, `throttled_seconds` how long its control group had
    used up its quota. `socket_bytes` is kernel memory for sockets: of the whole machine, or of the server's container.
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


class LoadCost(msgspec.Struct, frozen=True):
    """What the load generator spent in the window; utilisation 1 is all of the cores that its processes had.

    `busiest_utilisation` is the part of the time in which the busiest process ran or was ready to, the others are as in
    a server's cost, of all processes.
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
    """How a part of the trial fared: `restarts` in the whole trial, `still_seconds` in the window and its drain.

    `still_seconds` is for how long it was seen stopped by a signal, at least; of `wirerace` itself, by how much the
    latest of its looks at the others came late.
    """

    restarts: int
    still_seconds: float


class Machine(msgspec.Struct, frozen=True):
    """What else happened on the machine in the window.

    `others_cores` is how many cores other processes used, on average; `stolen_cores` what the hypervisor gave to other
    machines; `memory_stalled_fraction` the part of the time in which somebody waited for memory (PSI, some);
    `clock_stepped_seconds` by how much the wall clock was set against the monotonic one.
    """

    cores: int
    others_cores: float | None
    stolen_cores: float | None
    memory_stalled_fraction: float | None
    clock_stepped_seconds: float
