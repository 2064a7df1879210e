"""What is sampled of a reverse proxy, and what it spent, as values."""

import msgspec

from wirerace.record.moment import Sample


class Behind(msgspec.Struct, frozen=True):
    """What the server received and sent on its connections with the proxy in the window, as its kernel counts them.

    Bytes are TCP's payload. `opened` and `closed` count connections that only one end of the window knows.
    """

    received_bytes: int
    sent_bytes: int
    segments_in: int
    segments_out: int
    opened: int
    closed: int


class ReverseSample(Sample, frozen=True, kw_only=True):
    """The CPU time so far of all processes of a reverse proxy; None if it is not available."""

    cpu_seconds: float | None


class ReverseRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What was sampled of a reverse proxy.

    `samples` are at the ends of the window, None if it was started again. `idle_bytes` is the memory of its processes
    without clients, `full_bytes` that with all that the server's memory was read with. Meanwhile the server had
    `connections` with it; None if they cannot be counted. `core` is the one that it is bound to, `cpus` the quota of
    its container, in cores; None without one.
    """

    program: str
    settings: str
    version: str
    core: int | None
    shares_core: bool
    samples: tuple[ReverseSample, ReverseSample] | None
    idle_bytes: int | None
    full_bytes: int | None
    connections: int | None
    behind: Behind | None
    cpus: float | None = None


class ReverseCost(msgspec.Struct, frozen=True, kw_only=True):
    """What a reverse proxy spent in the window, and its memory, with all its processes.

    `utilisation` is the part of a core; it may use `cpus` cores, one if that is null. Bytes and segments are those
    between it and the server: of the IP layer if every connection between them can be read, else null. `requests` is
    how many of the clients' requests for updates reached the server: a shared cache answers the others. Older versions
    did not count them.
    """

    program: str
    settings: str
    version: str
    core: int | None
    shares_core: bool
    cpu_seconds: float | None
    cpu_us_per_delivery: float | None
    utilisation: float | None
    user_bytes_idle: int | None
    user_bytes: int | None
    bytes_per_client: float | None
    application_in: int | None
    application_out: int | None
    ip_in: int | None
    ip_out: int | None
    requests: int | None = None
    cpus: float | None = None

    @property
    def share(self) -> float | None:
        """The part of what it may use that it took."""
        return None if self.utilisation is None else self.utilisation / (self.cpus or 1.0)

    @property
    def said_busy(self) -> str:
        """How busy it was, in words that follow its name."""
        of_what = "a core" if self.cpus is None else f"its {self.cpus:g} cores"
        return f"was busy {100 * (self.share or 0.0):.0f} % of {of_what}"
