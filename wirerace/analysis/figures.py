"""The figures of a trial, each declared once: id, unit, direction, label, and computation.

Ids are keys in result.json, labels are for people. Comparisons of primary figures are corrected for their number.
"""

import math

from wirerace.analysis.broker_figures import BROKER_FIGURES, BROKER_PART
from wirerace.analysis.browser_figures import BROWSER_FIGURES
from wirerace.analysis.fault_figures import FAULT_FIGURES
from wirerace.analysis.figure import FEWER, SOONER, YOUNGER, Figure
from wirerace.analysis.handshake_figures import HANDSHAKE_FIGURES
from wirerace.analysis.message_figures import MESSAGE_FIGURES
from wirerace.analysis.publisher_figures import PUBLISHER_FIGURES
from wirerace.analysis.reverse_figures import REVERSE_FIGURES
from wirerace.analysis.server_figures import SERVER_FIGURES
from wirerace.analysis.visit_figures import VISIT_FIGURES
from wirerace.record.trial import Trial


def _per_delivery(amount: float | None, trial: Trial) -> float | None:
    return amount / trial.arrived if amount is not None and trial.arrived else None


def _application_bytes(trial: Trial) -> float | None:
    received, sent = trial.bytes.application_in, trial.bytes.application_out
    return _per_delivery(received + sent, trial) if received is not None and sent is not None else None


def _ip_bytes(trial: Trial) -> float | None:
    received, sent = trial.bytes.ip_in, trial.bytes.ip_out
    return _per_delivery(received + sent, trial) if received is not None and sent is not None else None


def _megabits_per_second(trial: Trial) -> float | None:
    received, sent = trial.bytes.ip_in, trial.bytes.ip_out
    return _per_second(8e-6 * (received + sent), trial) if received is not None and sent is not None else None


def _per_second(value: float | None, trial: Trial) -> float | None:
    return None if value is None or not trial.window_seconds else value / trial.window_seconds


FIGURES = (
    Figure(
        "reach",
        "fraction",
        "reach",
        "deliveries that came, of those that were expected",
        lambda trial: trial.reach,
        better="more",
        most=1.0,
    ),
    Figure(
        "latency.mean",
        "seconds",
        "mean latency",
        "from when an update was due to its arrival at a client",
        lambda trial: trial.latency_seconds.mean,
        words=SOONER,
        primary=True,
    ),
    Figure(
        "latency.producer",
        "seconds",
        "of it, made late",
        "how late updates were made",
        lambda trial: trial.latency_parts_seconds.producer,
    ),
    BROKER_PART,
    Figure(
        "latency.feed",
        "seconds",
        "of it, feed",
        "from the producer, or the broker, to the server",
        lambda trial: trial.latency_parts_seconds.feed,
    ),
    Figure(
        "latency.delivery",
        "seconds",
        "of it, delivery",
        "from the server to the client's kernel: the transport's own part",
        lambda trial: trial.latency_parts_seconds.delivery,
    ),
    Figure(
        "latency.p50",
        "seconds",
        "p50 latency",
        "half of the deliveries took no longer",
        lambda trial: trial.latency_seconds.p50,
        words=SOONER,
    ),
    Figure(
        "latency.p90",
        "seconds",
        "p90 latency",
        "90 % of the deliveries took no longer",
        lambda trial: trial.latency_seconds.p90,
        words=SOONER,
    ),
    Figure(
        "latency.p99",
        "seconds",
        "p99 latency",
        "99 % of the deliveries took no longer",
        lambda trial: trial.latency_seconds.p99,
        words=SOONER,
    ),
    Figure(
        "latency.min",
        "seconds",
        "least latency",
        "the least of all deliveries; below 0, an update was received before it was due",
        lambda trial: trial.latency_seconds.min,
        words=SOONER,
        least=-math.inf,
    ),
    Figure(
        "latency.max",
        "seconds",
        "largest latency",
        "the largest of all deliveries",
        lambda trial: trial.latency_seconds.max,
        words=SOONER,
    ),
    Figure(
        "latency.clock_error",
        "seconds",
        "of it, unsure by clocks",
        "how wrong each latency may be, because clients on other hosts have another clock than the producer",
        lambda trial: trial.clock_error_seconds,
        if_any=True,
    ),
    Figure(
        "reader_lag.mean",
        "seconds",
        "reader lag, apart",
        "from the kernel's stamp to the reading; no latency includes it",
        lambda trial: trial.latency_parts_seconds.reader,
    ),
    Figure(
        "age.mean",
        "seconds",
        "mean age",
        "how old a client's newest update is, averaged over time and clients",
        lambda trial: trial.age_seconds.mean,
        words=YOUNGER,
        primary=True,
    ),
    Figure(
        "requests.per_delivery",
        "ratio",
        "requests per delivery",
        "requests in the window over deliveries that arrived in it",
        lambda trial: _per_delivery(trial.requests, trial),
        words=FEWER,
    ),
    Figure(
        "responses.empty",
        "fraction",
        "empty responses",
        "answers without an update, of all answers",
        lambda trial: trial.empty_fraction,
        words=FEWER,
        most=1.0,
    ),
    Figure(
        "deliveries.per_second",
        "per_second",
        "deliveries/s",
        "deliveries that arrived in the window, of all clients",
        lambda trial: _per_second(trial.arrived, trial),
        better="more",
    ),
    Figure(
        "bytes.per_delivery",
        "bytes",
        "bytes per delivery",
        "application layer, both directions, on the clients' side of the path",
        _application_bytes,
        words=FEWER,
        primary=True,
    ),
    Figure(
        "bytes.ip_per_delivery",
        "bytes",
        "the same, IP layer",
        "with the headers of TCP and IP, and acknowledgements",
        _ip_bytes,
        words=FEWER,
    ),
    Figure(
        "bytes.tls_per_delivery",
        "bytes",
        "of it, TLS",
        "what TLS adds to the application layer: records, handshakes, session tickets",
        lambda trial: _per_delivery(trial.bytes.tls, trial),
        words=FEWER,
        if_any=True,
        least=-math.inf,
    ),
    Figure(
        "traffic",
        "mbit_per_second",
        "traffic, IP layer",
        "both directions, with the headers of TCP and IP",
        _megabits_per_second,
        words=FEWER,
    ),
    *SERVER_FIGURES,
    *HANDSHAKE_FIGURES,
    *REVERSE_FIGURES,
    *BROKER_FIGURES,
    Figure(
        "connections.broken",
        "count",
        "connections cut or broken",
        "connections that the load cut, and those that broke otherwise, each as often as it broke",
        lambda trial: trial.cuts + trial.breaks,
        words=FEWER,
        total=True,
        if_any=True,
    ),
    Figure(
        "return.mean",
        "seconds",
        "back after a break, mean",
        "from the break of a connection to the next answer",
        lambda trial: trial.return_seconds.mean,
        words=SOONER,
        if_any=True,
    ),
    Figure(
        "return.p99",
        "seconds",
        "back after a break, p99",
        "99 % of the clients were back within this time",
        lambda trial: trial.return_seconds.p99,
        words=SOONER,
        if_any=True,
    ),
    Figure(
        "lost",
        "count",
        "lost",
        "deliveries that were expected and did not come",
        lambda trial: trial.lost,
        words=FEWER,
        total=True,
    ),
    Figure(
        "superseded",
        "count",
        "superseded",
        "updates that clients with deliver = latest did not get, because they got a newer one",
        lambda trial: trial.superseded,
        words=FEWER,
        total=True,
        if_any=True,
    ),
    Figure(
        "duplicated",
        "count",
        "duplicated",
        "updates that the same client received again",
        lambda trial: trial.duplicated,
        words=FEWER,
        total=True,
    ),
    Figure(
        "reordered",
        "count",
        "reordered",
        "updates that came after a newer one",
        lambda trial: trial.reordered,
        words=FEWER,
        total=True,
    ),
    *FAULT_FIGURES,
    *PUBLISHER_FIGURES,
    *MESSAGE_FIGURES,
    *BROWSER_FIGURES,
)
"""In the order in which they are shown."""

BY_ID = {figure.id: figure for figure in (*FIGURES, *VISIT_FIGURES)}
PRIMARY = tuple(figure for figure in FIGURES if figure.primary)
"""The primary figures: one for each question by which transports are chosen (how soon, how fresh, at what cost)."""
