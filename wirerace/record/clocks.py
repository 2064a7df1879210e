"""The clocks of load hosts in a trial, as values of result.json: the correction of each, and how wrong it may be."""

import msgspec


class LoadHost(msgspec.Struct, frozen=True, kw_only=True):
    """A host of the load: its name and address, and its clock against that of the producer's host, over the window.

    Of its `processes`, each of which corrects its own clock, this is the one with the largest error. `corrected` was
    added in the middle of the window. The producer's clock runs faster by `drift`, in seconds a second. `round_trip` is
    the least of all probes. `error` is how wrong a corrected time may be; None if there was no answer before or after
    the window.
    """

    host: str
    address: str
    processes: int
    probes: int
    answers: int
    round_trip_seconds: float | None
    corrected_seconds: float
    drift: float
    error_seconds: float | None


class Triangle(msgspec.Struct, frozen=True, kw_only=True):
    """Two load hosts and the producer's, around which the differences of clocks must sum to 0, within `within_seconds`.

    Both are None if the two load hosts could not be compared.
    """

    hosts: tuple[str, str]
    sum_seconds: float | None
    within_seconds: float | None


class Clocks(msgspec.Struct, frozen=True, kw_only=True):
    """The clocks of a load on other hosts.

    `error_seconds` is the largest of all: a latency is wrong by that at most. It is None if the clock of one is not
    known. `processes` is how many have reported their clock.
    """

    processes: int
    error_seconds: float | None
    hosts: list[LoadHost] = []
    triangles: list[Triangle] = []
