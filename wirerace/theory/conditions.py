"""Conditions under which predictions hold, checked in each trial. docs/theory.md has why."""

from typing import NamedTuple

from wirerace.record.trial import Condition
from wirerace.theory.path import DeliveryPath


class About(NamedTuple):
    """The most that a condition allows, the words for a broken condition, and what to do about it.

    A broken condition explains a deviation. From the value `excuses` on theory says nothing, and a deviation of any
    size is a finding about the server. `excuses` is None for conditions that a disturbance can break, too.
    """

    most: float
    excuses: float | None
    words: str
    cure: str

    def broken(self, value: float) -> str:
        """Return the words for a value that is too large."""
        return self.words.format(value=value, percent=100 * value)


CONDITIONS = {
    "server_load": About(
        0.1,
        0.7,
        "the server works on an update while others wait (ρ = λNc = {value:.2g})",
        "use fewer clients or fewer updates a second where theory is to hold",
    ),
    "link_load": About(
        0.5,
        0.9,
        "updates queue before the link (ρ = 8λS/bandwidth = {value:.2g})",
        "use a higher bandwidth_bits_per_second, smaller payloads or fewer updates where theory is to hold",
    ),
    "filled_segment": About(
        0.2,
        0.5,
        "updates fill a segment while HAProxy holds them back ({value:.2g} of one)",
        'take settings = "tuned", smaller payloads or fewer updates where theory is to hold',
    ),
    "poll_load": About(
        0.5,
        0.9,
        "polls queue at the server (Nc/T = {value:.2g})",
        "use fewer clients or a longer polling.interval_seconds where theory is to hold",
    ),
    "poll_jitter": About(
        0.5,
        None,
        "the link's jitter changes the order of polls' times (J/T = {value:.2g})",
        "use a longer polling.interval_seconds or a smaller jitter_seconds where theory is to hold",
    ),
    "idle_away": About(
        0.01,
        None,
        "clients are away whose idle connections the link closes ({percent:.2g} % of the time)",
        "use a longer idle_timeout_seconds, or heartbeats that come more often, where theory is to hold",
    ),
    "gap_spread": About(
        0.1,
        None,
        "re-poll gaps depend on the load (λσ(R) = {value:.2g})",
        "use fewer clients or fewer updates a second where theory is to hold",
    ),
    "phase_step": About(
        0.05,
        0.2,
        "so few clients leave the phases of polls uneven (1/N = {value:.2g})",
        "use 20 clients or more where theory is to hold",
    ),
    "cache_start": About(
        0.01,
        0.25,
        "what the cache had stored before still matters, and is not known ({percent:.2g} % either way)",
        "use a longer window.measure_seconds or window.warmup_seconds where theory is to hold",
    ),
    "late_polls": About(
        0.01,
        None,
        "polls left late ({percent:.2g} % of them)",
        "use more load processes (load.processes), or close other programs",
    ),
    "superseded": About(
        0.01,
        None,
        "clients were behind ({percent:.2g} % of their updates were superseded)",
        "use fewer clients or fewer updates a second where theory is to hold",
    ),
    "message_load": About(
        0.5,
        0.9,
        "messages queue at their client (λS = {value:.2g})",
        "use a lower upstream.rate_per_second where theory is to hold",
    ),
    "gave_up": About(
        0.0,
        None,
        "visitors gave up ({percent:.2g} % of them)",
        "use a longer population.timeout_seconds, or see the server's log in logs/",
    ),
    "failed_requests": About(
        0.0,
        None,
        "requests failed ({percent:.2g} % of them)",
        "see the server's log in logs/",
    ),
}
"""Conditions by name. M/D/1 adds ρNs/(2(1 − ρ)) to a fan-out: 6 % of it at ρ = 0.1, more than all of it at 0.7. Polls
wait c/2 on average at Nc/T = 0.5, which is small beside T/2, and 4.5 c at 0.9. Gaps that vary by a tenth of the time
between updates may depend on the updates, with little effect. Phases of 20 clients are T/20 apart; those of five depend
on chance.
"""


def checked(**values: float | None) -> tuple[Condition, ...]:
    """Return conditions by their names, with their values here, without unknown ones."""
    return tuple(
        Condition(name, value, CONDITIONS[name].most, value <= CONDITIONS[name].most)
        for name, value in values.items()
        if value is not None
    )


def server_load(rate_per_second: float, path: DeliveryPath) -> float:
    """Return ρ: the part of the time for which the server works on updates."""
    cost_seconds = path.send_seconds if path.cost_seconds is None else path.cost_seconds
    return rate_per_second * path.clients * cost_seconds
