"""The clocks of load hosts, as their processes report them: the correction, and how wrong it may be."""

import msgspec


class Meeting(msgspec.Struct, frozen=True):
    """The clock of another load process: by how much it was ahead of this one in the middle of the window.

    It answered at a `port` of its address. `error_ns` is None if it did not answer before and after the window.
    """

    host: str
    address: str
    port: int
    ahead_ns: int = 0
    error_ns: int | None = None

    @property
    def place(self) -> tuple[str, str, int]:
        """What identifies the other process."""
        return self.host, self.address, self.port


class HostClock(msgspec.Struct, frozen=True, kw_only=True):
    """The clock of one load process against that of the producer's host, over the window.

    `corrected_ns` was added to it in the middle of the window. By the probes, the producer's clock runs faster by
    `drift`, in seconds a second. A corrected time is wrong by at most `error_ns`: half of a round trip, the residual of
    the line, and the distance of the correction from that line. It is None if there was no answer before or after the
    window. It answered others at a `port` of its address; `meetings` are those with the clocks of other load hosts.
    """

    host: str
    address: str
    port: int
    probes: int
    answers: int
    least_round_trip_ns: int | None = None
    corrected_ns: int = 0
    drift: float = 0.0
    error_ns: int | None = None
    meetings: list[Meeting] = []

    @property
    def place(self) -> tuple[str, str, int]:
        """What identifies the process."""
        return self.host, self.address, self.port
