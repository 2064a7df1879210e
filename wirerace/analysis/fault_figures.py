"""The figures of a trial with faults, each declared once: how long clients are served, and how soon again."""

from wirerace.analysis.figure import FEWER, SOONER, Figure
from wirerace.analysis.outages import worst

FAULT_FIGURES = (
    Figure(
        "availability",
        "fraction",
        "availability",
        "the part of the clients' time in which their age was within availability.age_seconds",
        lambda trial: None if trial.availability is None else trial.availability.fraction,
        better="more",
        if_any=True,
        most=1.0,
    ),
    Figure(
        "recovery.p99",
        "seconds",
        "recovery, 99 % of clients",
        "from a fault until 99 % of the clients had an update made after it; of the worst fault",
        lambda trial: worst(trial.faults, "p99"),
        words=SOONER,
        if_any=True,
    ),
    Figure(
        "recovery.max",
        "seconds",
        "recovery, every client",
        "from a fault until every client had an update made after it; of the worst fault",
        lambda trial: worst(trial.faults, "max"),
        words=SOONER,
        if_any=True,
    ),
    Figure(
        "late",
        "count",
        "late",
        "deliveries that took longer than availability.age_seconds, with faults",
        lambda trial: None if trial.availability is None else trial.availability.late,
        words=FEWER,
        total=True,
        if_any=True,
    ),
)
