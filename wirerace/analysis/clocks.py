"""The clocks of load hosts: how wrong corrected latencies may be, and whether clocks agree around triangles."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from wirerace.clock import NS_PER_SECOND
from wirerace.observe.clocks import HostClock, Meeting
from wirerace.record.clocks import Clocks, LoadHost, Triangle
from wirerace.record.result import Raw
from wirerace.record.trial import Cell, Quantity

Name = tuple[str, str]

BY_TWO_CLOCKS: frozenset[Quantity] = frozenset(
    {"latency_seconds", "age_seconds", "first_age_seconds", "message_latency_seconds", "relayed_latency_seconds"}
)
"""Differences of a load host's clock and the producer's; all other quantities of theory are counts, or by one clock."""


def clocks_of(raw: Raw) -> Clocks | None:
    """Return the clocks of a trial's load hosts; None if the load ran on the producer's host."""
    if not raw.measured.other_hosts:
        return None
    found = raw.account.clocks
    errors = [clock.error_ns for clock in found if clock.error_ns is not None]
    is_known = len(errors) == len(found) >= raw.measured.load_processes
    hosts = [_host(of_host) for of_host in _by_host(found).values()]
    return Clocks(
        processes=len(found),
        error_seconds=max(errors) / NS_PER_SECOND if is_known else None,
        hosts=hosts,
        triangles=list(_triangles(found)),
    )


def allowing_for_clocks(cells: Sequence[Cell], error_seconds: float | None) -> list[Cell]:
    """Return theory beside measurement, with the error of clocks in the tolerance of what two clocks measured."""
    return [
        _allowing(cell, error_seconds) if error_seconds and cell.quantity in BY_TWO_CLOCKS else cell for cell in cells
    ]


def _allowing(cell: Cell, error_seconds: float) -> Cell:
    if cell.tolerance is None or cell.given is None:
        return cell
    tolerance = cell.tolerance + error_seconds
    within = cell.measured is not None and abs(cell.measured - cell.given) <= tolerance
    return replace(cell, tolerance=tolerance, within=within)


def _by_host(clocks: list[HostClock]) -> dict[Name, list[HostClock]]:
    """Return the clocks of processes by their host."""
    hosts: dict[Name, list[HostClock]] = {}
    for clock in sorted(clocks, key=_name):
        hosts.setdefault(_name(clock), []).append(clock)
    return hosts


def _name(clock: HostClock | Meeting) -> Name:
    return clock.host, clock.address


def _host(clocks: list[HostClock]) -> LoadHost:
    """Return a host by its process whose clock is known worst."""
    worst = max(clocks, key=lambda clock: (clock.error_ns is None, clock.error_ns or 0))
    trips = [clock.least_round_trip_ns for clock in clocks if clock.least_round_trip_ns is not None]
    return LoadHost(
        host=worst.host,
        address=worst.address,
        processes=len(clocks),
        probes=sum(clock.probes for clock in clocks),
        answers=sum(clock.answers for clock in clocks),
        round_trip_seconds=min(trips) / NS_PER_SECOND if trips else None,
        corrected_seconds=worst.corrected_ns / NS_PER_SECOND,
        drift=worst.drift,
        error_seconds=None if worst.error_ns is None else worst.error_ns / NS_PER_SECOND,
    )


def _triangles(clocks: list[HostClock]) -> Iterator[Triangle]:
    """Yield what the differences sum to: from one host to the producer's, back to another, and to the first."""
    answering = {clock.place: clock for clock in clocks}
    for clock in sorted(clocks, key=_name):
        for met in clock.meetings:
            other, hosts = answering.get(met.place), (_shown(clock), _shown(met))
            errors = [None if one is None else one.error_ns for one in (clock, met, other)]
            known = [error for error in errors if error is not None]
            if other is None or len(known) < len(errors):
                yield Triangle(hosts=hosts, sum_seconds=None, within_seconds=None)
                continue
            sum_ns = clock.corrected_ns - met.ahead_ns - other.corrected_ns
            yield Triangle(hosts=hosts, sum_seconds=sum_ns / NS_PER_SECOND, within_seconds=sum(known) / NS_PER_SECOND)


def _shown(clock: HostClock | Meeting) -> str:
    return f"{clock.host} ({clock.address})"
