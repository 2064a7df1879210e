"""The figures of a trial with visitors: what a visit takes, and what it costs. Costs are divided by the visits due.

A visitor's connection, requests and bytes are in the window as often as visits that began before it are, because
visitors come from a visit's length before the window on.
"""

from collections.abc import Callable

from wirerace.analysis.figure import CHEAPER, FEWER, SOONER, YOUNGER, Figure
from wirerace.observe.visit import VisitStage
from wirerace.record.trial import Trial
from wirerace.record.visits import Visits

US = 1e-6


def _per_visit(amount: float | None, trial: Trial) -> float | None:
    visits = trial.visits
    return None if visits is None or amount is None or not visits.due else amount / visits.due


def _sum(first: int | None, second: int | None) -> int | None:
    return None if first is None or second is None else first + second


def _cpu_us_for_visits(trial: Trial) -> float | None:
    """Return the server's CPU time for visits: without what the same updates take when nobody comes."""
    cpu_seconds, idle = trial.server.cpu_seconds, trial.server.idle_utilisation
    if cpu_seconds is None or idle is None:
        return None
    return max(0.0, cpu_seconds - idle * trial.window_seconds) / US


def _mean_of(stage: VisitStage) -> Callable[[Trial], float | None]:
    """Return the figure of a stage: its mean time."""

    def mean(trial: Trial) -> float | None:
        times = None if trial.visits is None else trial.visits.stages_seconds.get(stage)
        return None if times is None else times.mean

    return mean


def _of(read: Callable[[Visits], float | None]) -> Callable[[Trial], float | None]:
    """Return a figure of visits, None for a trial without any."""
    return lambda trial: None if trial.visits is None else read(trial.visits)


VISIT_FIGURES = (
    Figure(
        "visit.first_update",
        "seconds",
        "time to the first update",
        "from a visitor's intended arrival to the arrival of its first update",
        _mean_of("first_update"),
        words=SOONER,
        primary=True,
    ),
    Figure(
        "visit.started",
        "seconds",
        "of it, started late",
        "how late the load let visitors come",
        _mean_of("started"),
        words=SOONER,
    ),
    Figure(
        "visit.tcp_connected",
        "seconds",
        "TCP connected after",
        "from the intended arrival to an open connection",
        _mean_of("tcp_connected"),
        words=SOONER,
    ),
    Figure(
        "visit.tls_established",
        "seconds",
        "TLS established after",
        "from the intended arrival to the end of the handshake",
        _mean_of("tls_established"),
        words=SOONER,
        if_any=True,
    ),
    Figure(
        "visit.request_sent",
        "seconds",
        "request sent after",
        "from the intended arrival to the request, or the upgrade",
        _mean_of("request_sent"),
        words=SOONER,
    ),
    Figure(
        "visit.answered",
        "seconds",
        "answered after",
        "from the intended arrival to the first answer: a head, or the 101",
        _mean_of("answered"),
        words=SOONER,
    ),
    Figure(
        "visit.first_update_p99",
        "seconds",
        "p99 of the first update",
        "99 % of the first updates took no longer",
        _of(lambda visits: visits.stages_seconds["first_update"].p99),
        words=SOONER,
    ),
    Figure(
        "visit.first_age",
        "seconds",
        "age of the first update",
        "how old the first update was when it arrived",
        _of(lambda visits: visits.first_age_seconds.mean),
        words=YOUNGER,
    ),
    Figure(
        "visit.whole",
        "seconds",
        "time of a whole visit",
        "from the intended arrival until the visitor has closed; of finished visits",
        _mean_of("closed"),
        words=SOONER,
    ),
    Figure(
        "visit.requests",
        "ratio",
        "requests per visit",
        "requests, or upgrades, of a visit",
        _of(lambda visits: visits.requests),
        words=FEWER,
    ),
    Figure(
        "visit.connections",
        "ratio",
        "connections per visit",
        "connections that a visit opened",
        _of(lambda visits: visits.connections),
        words=FEWER,
    ),
    Figure(
        "visit.segments",
        "ratio",
        "TCP segments per visit",
        "segments of both directions, from the first SYN to the last acknowledgement",
        lambda trial: _per_visit(_sum(trial.bytes.segments_in, trial.bytes.segments_out), trial),
        words=FEWER,
        primary=True,
    ),
    Figure(
        "visit.payload_bytes",
        "bytes",
        "payload per visit",
        "payload of the updates that were sent",
        lambda trial: _per_visit(trial.bytes.payload, trial),
        words=FEWER,
    ),
    Figure(
        "visit.bytes",
        "bytes",
        "bytes per visit",
        "application layer, both directions",
        lambda trial: _per_visit(_sum(trial.bytes.application_in, trial.bytes.application_out), trial),
        words=FEWER,
    ),
    Figure(
        "visit.ip_bytes",
        "bytes",
        "bytes per visit, IP layer",
        "with the headers of TCP and IP, handshakes and acknowledgements",
        lambda trial: _per_visit(_sum(trial.bytes.ip_in, trial.bytes.ip_out), trial),
        words=FEWER,
        primary=True,
    ),
    Figure(
        "visit.server_cpu",
        "microseconds",
        "server CPU per visit",
        "user and system time of the server's process, beyond what it takes without visitors",
        lambda trial: _per_visit(_cpu_us_for_visits(trial), trial),
        words=CHEAPER,
        primary=True,
    ),
    Figure(
        "visits.due",
        "count",
        "visits",
        "visits that were due in the window",
        _of(lambda visits: visits.due),
        better="more",
        total=True,
    ),
    Figure(
        "visits.gave_up",
        "count",
        "visitors who gave up",
        "visits of the window whose time was over before all updates had come",
        _of(lambda visits: visits.gave_up),
        words=FEWER,
        total=True,
    ),
    Figure(
        "visits.client_ports",
        "count",
        "client ports in TIME_WAIT",
        "ports of clients that rest because the client closed first, at the end of the window",
        _of(lambda visits: None if visits.resting is None else visits.resting.clients),
        words=FEWER,
    ),
    Figure(
        "visits.server_sockets",
        "count",
        "server sockets in TIME_WAIT",
        "sockets of the server that rest because the server closed first, at the end of the window",
        _of(lambda visits: None if visits.resting is None else visits.resting.server),
        words=FEWER,
    ),
)
"""In the order in which they are shown, before the figures of every population."""
