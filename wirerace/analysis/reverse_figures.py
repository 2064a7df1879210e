"""The figures of a reverse proxy: its CPU time and memory, and what goes between it and the server."""

import math
from collections.abc import Callable

from wirerace.analysis.figure import CHEAPER, FEWER, Figure
from wirerace.record.reverse import ReverseCost
from wirerace.record.trial import Trial


def _of(value: Callable[[ReverseCost], float | None]) -> Callable[[Trial], float | None]:
    """Return a value of a trial's reverse proxy, None without one."""
    return lambda trial: None if trial.reverse_proxy is None else value(trial.reverse_proxy)


def _per_delivery(*names: str) -> Callable[[Trial], float | None]:
    """Return the sum of some fields for each delivery; None if one of them is not known."""

    def found(trial: Trial) -> float | None:
        values = [getattr(trial.reverse_proxy, name, None) for name in names]
        known = [value for value in values if value is not None]
        return sum(known) / trial.arrived if len(known) == len(values) and trial.arrived else None

    return found


def requests_per_second(trial: Trial) -> float | None:
    """Return how many requests reach the server a second; None where nobody asks."""
    cost = trial.reverse_proxy
    if cost is None or cost.requests is None or not trial.requests:
        return None
    return cost.requests / trial.window_seconds


REVERSE_FIGURES = (
    Figure(
        "reverse_proxy.cpu_per_delivery",
        "microseconds",
        "reverse proxy CPU per delivery",
        "user and system time of all processes of the reverse proxy",
        _of(lambda cost: cost.cpu_us_per_delivery),
        words=CHEAPER,
        if_any=True,
    ),
    Figure(
        "reverse_proxy.utilisation",
        "fraction",
        "reverse proxy busy",
        "the part of a core that the reverse proxy took",
        _of(lambda cost: cost.utilisation),
        words=FEWER,
        if_any=True,
    ),
    Figure(
        "reverse_proxy.memory",
        "bytes",
        "reverse proxy memory",
        "the memory that its processes have for themselves, with all clients",
        _of(lambda cost: cost.user_bytes),
        if_any=True,
    ),
    Figure(
        "reverse_proxy.memory_per_client",
        "bytes",
        "reverse proxy memory per client",
        "growth of its memory for each client",
        _of(lambda cost: cost.bytes_per_client),
        if_any=True,
        least=-math.inf,
    ),
    Figure(
        "reverse_proxy.requests",
        "per_second",
        "requests/s that reach the server",
        "requests for updates of all clients that a shared cache of the reverse proxy does not answer itself",
        requests_per_second,
        words=FEWER,
        if_any=True,
    ),
    Figure(
        "reverse_proxy.bytes_per_delivery",
        "bytes",
        "bytes per delivery, proxy to server",
        "application layer, both directions, between reverse proxy and server; the rows above are the clients'",
        _per_delivery("application_in", "application_out"),
        words=FEWER,
        if_any=True,
    ),
    Figure(
        "reverse_proxy.ip_per_delivery",
        "bytes",
        "IP layer, proxy to server",
        "between reverse proxy and server; unknown where connections were opened and closed meanwhile",
        _per_delivery("ip_in", "ip_out"),
        words=FEWER,
        if_any=True,
    ),
)
"""In the order in which they are shown, after the server's."""
