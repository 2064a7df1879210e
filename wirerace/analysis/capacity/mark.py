"""What a trial says of a value: whether the objectives are met, and if it does not count, what was at its limit."""

from collections.abc import Sequence
from typing import NamedTuple

from wirerace.analysis.capacity.search import Says
from wirerace.analysis.figures import BY_ID
from wirerace.analysis.thresholds import LEAST_UPDATES
from wirerace.analysis.validity.parts import ITSELF
from wirerace.experiment.objective import Objective
from wirerace.record.capacity import GaveOut
from wirerace.record.result import Failure
from wirerace.record.trial import Trial

BLAMED: dict[str, GaveOut] = {
    "load": "load",
    "arrivals": "load",
    "browsers": "load",
    "browser": "load",
    "producer": "producer",
    "machine": "machine",
    "clock": "machine",
    "proxy": "machine",
    "publisher": "machine",
    "broker": "machine",
    "reverse proxy": "reverse proxy",
    "reverse_proxy": "reverse proxy",
    "wirerace": "machine",
}
"""Which reasons make a trial worthless for the search, by the part that they are about, and what they say gave out.

All others are about the server, or follow from a server that is overloaded: a quota that is used up, latencies that
theory does not expect, clients that are turned away.
"""
LOG = "; its log "
"""What follows in a failure says where to read more."""
SPENT = 0.8
"""From this part of its core or quota on, a server that misses an objective has given out."""
THROTTLED = 0.2
"""The same, for the part of the window in which its quota was used up.

A quota is given out in periods of 0.1 s. So a burst uses up that of its period with few clients, too, and a server that
carries them with ease is throttled for some percent of the time.
"""


class Mark(NamedTuple):
    """What one trial says of a value. `by` is what gave out if the objectives are missed or the trial does not count.

    `why` says what was seen, `value` is the first objective's figure.
    """

    says: Says
    by: GaveOut | None
    why: str
    value: float | None


def mark_of(trial: Trial, objectives: Sequence[Objective], cpus: float) -> Mark:
    """Return what a trial says of a value; `cpus` is what its server may use of the machine, in cores."""
    values = [BY_ID[objective.figure].of(trial) for objective in objectives]
    value = values[0] if values else None
    reasons = [] if trial.verdict is None else [one for one in trial.verdict.findings if one.weight == "reason"]
    spent = spent_of(trial, cpus)
    for blamed in reasons:
        # The run asks the server for its counters, and an overloaded one lets it wait.
        if blamed.part in BLAMED and not (blamed.part == ITSELF and spent):
            return Mark("void", BLAMED[blamed.part], blamed.what, value)
    if trial.verdict is None or trial.updates < LEAST_UPDATES:
        return Mark("void", "trial", f"only {trial.updates} updates were made in the window", value)
    missed = [
        f"{objective.text} is missed"
        if of_trial is not None
        else f"{objective.figure} is not known: measure for longer"
        for objective, of_trial in zip(objectives, values, strict=True)
        if of_trial is None or not objective.holds(of_trial)
    ]
    whole = trial.is_whole
    turned_away = next((one.what for one in reasons if one.part == "clients" and trial.failed_connects), "")
    if not missed and whole and not turned_away:
        return Mark("met", None, "", value)
    if spent := spent or turned_away or ("" if whole else "updates were lost, or came twice"):
        return Mark("missed", "server", spent, value)
    proxy = trial.reverse_proxy
    if proxy is not None and (proxy.share or 0.0) > SPENT:
        return Mark("missed", "reverse proxy", f"{proxy.program} {proxy.said_busy}", value)
    return Mark("missed", "none", missed[0], value)


def spent_of(trial: Trial, cpus: float) -> str:
    """Return by what a server that is at its limit is known to be; empty if it is not.

    A server that is overloaded answers late when it is asked for its counters, or not at all. Then its spending in the
    window is not known, and the verdict has a reason about it.
    """
    server, window = trial.server, trial.window_seconds
    part = trial.parts.get("server")
    if server.cpu_seconds is None or (part is not None and part.restarts):
        findings = [] if trial.verdict is None else trial.verdict.findings
        return next((one.what for one in findings if one.part == "server" and one.weight == "reason"), "")
    if (server.throttled_seconds or 0.0) > THROTTLED * window:
        return f"the server's quota was used up {100 * (server.throttled_seconds or 0.0) / window:.0f} % of the time"
    if server.cpu_seconds > SPENT * cpus * window:
        return f"the server was busy {100 * server.cpu_seconds / window / cpus:.0f} % of the time that it may use"
    return ""


def mark_of_failure(failure: Failure) -> Mark:
    """Return what a trial says that could not be completed: a miss if the server or its proxy was at its limit."""
    why = failure.reason.partition(LOG)[0]
    if failure.part in {"server", "reverse proxy"}:
        return Mark("missed", "server" if failure.part == "server" else "reverse proxy", why, None)
    return Mark("void", "load" if failure.part == "load" else "trial", why, None)
