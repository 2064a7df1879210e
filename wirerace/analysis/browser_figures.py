"""The figures of browser tabs, each declared once. They have rows only if a trial has tabs."""

import math
from collections.abc import Callable

from wirerace.analysis.figure import FEWER, SOONER, Figure
from wirerace.record.browsers import Browsers
from wirerace.record.trial import Trial


def _of(value: Callable[[Browsers], float | None]) -> Callable[[Trial], float | None]:
    return lambda trial: None if trial.browsers is None else value(trial.browsers)


BROWSER_FIGURES = (
    Figure(
        "browsers.reach",
        "fraction",
        "browser tabs: reach",
        "deliveries to real browser tabs that came, of those that were expected",
        _of(lambda browsers: browsers.reach),
        better="more",
        if_any=True,
        most=1.0,
    ),
    Figure(
        "browsers.latency.p50",
        "seconds",
        "browser tabs: p50 latency",
        "half of the deliveries to tabs took no longer, until the page's script had the update",
        _of(lambda browsers: browsers.tab_latency_seconds.p50),
        words=SOONER,
        if_any=True,
    ),
    Figure(
        "browsers.behind",
        "seconds",
        "the same, minus the clients'",
        "the median of the tabs minus that of the trial's other clients",
        _of(lambda browsers: browsers.behind_seconds),
        words=SOONER,
        if_any=True,
        least=-math.inf,
    ),
    Figure(
        "browsers.lost",
        "count",
        "browser tabs: lost",
        "deliveries to tabs that were expected and did not come",
        _of(lambda browsers: browsers.lost),
        words=FEWER,
        total=True,
        if_any=True,
    ),
    Figure(
        "browsers.duplicated",
        "count",
        "browser tabs: duplicated",
        "updates that the same tab received again",
        _of(lambda browsers: browsers.duplicated),
        words=FEWER,
        total=True,
        if_any=True,
    ),
    Figure(
        "browsers.reordered",
        "count",
        "browser tabs: reordered",
        "updates that came to a tab after a newer one",
        _of(lambda browsers: browsers.reordered),
        words=FEWER,
        total=True,
        if_any=True,
    ),
)
"""In the order in which they are shown, after the figures of the other clients."""
