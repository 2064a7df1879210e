"""The figures of a server: its CPU time, and its memory and the kernel's for each client."""

import math

from wirerace.analysis.figure import CHEAPER, FEWER, Figure
from wirerace.record.trial import Trial


def _busy(trial: Trial) -> float | None:
    spent, window = trial.server.cpu_seconds, trial.window_seconds
    return None if spent is None or not window else spent / window


SERVER_FIGURES = (
    Figure(
        "server.cpu_per_delivery",
        "microseconds",
        "server CPU per delivery",
        "user and system time of the server's process",
        lambda trial: trial.server.cpu_us_per_delivery,
        words=CHEAPER,
        primary=True,
    ),
    Figure(
        "server.busy",
        "fraction",
        "server busy",
        "the part of a core that the server took",
        _busy,
        words=FEWER,
    ),
    Figure(
        "server.cpu_idle",
        "fraction",
        "server CPU, no clients",
        "the part of a core that the server takes without clients",
        lambda trial: trial.server.idle_utilisation,
    ),
    Figure(
        "server.cpu_upkeep",
        "fraction",
        "server CPU, upkeep of connections",
        "the part of a core that the server takes to look at connections, and for heartbeats and pings",
        lambda trial: trial.server.upkeep_utilisation,
        if_any=True,
    ),
    Figure(
        "server.memory_per_client",
        "bytes",
        "memory per client",
        "growth of the server's own memory for each client",
        lambda trial: trial.server.bytes_per_client,
        least=-math.inf,
    ),
    Figure(
        "server.memory_per_client_after",
        "bytes",
        "the same, after the window",
        "the same when everything has been delivered, with the updates that the server keeps",
        lambda trial: trial.server.bytes_per_client_after,
        if_any=True,
        least=-math.inf,
    ),
    Figure(
        "server.slab_per_client",
        "bytes",
        "kernel objects per client",
        "growth of the kernel's slab for each client's socket at the server",
        lambda trial: trial.server.slab_bytes_per_client,
        if_any=True,
        least=-math.inf,
    ),
    Figure(
        "server.buffers_per_client",
        "bytes",
        "socket buffers per client",
        "growth of the kernel's socket buffers, both ends, for each client",
        lambda trial: trial.server.socket_bytes_per_client,
        if_any=True,
        least=-math.inf,
    ),
)
"""In the order in which they are shown, after the traffic."""
