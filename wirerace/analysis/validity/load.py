"""The load generator: busy, starved or throttled clients measure themselves."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.cores import starved, throttled
from wirerace.analysis.validity.finding import Evidence, against, percent, seconds
from wirerace.clock import NS_PER_SECOND
from wirerace.record.trial import Finding


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about the load's processes."""
    yield from _closing(evidence)
    trial = evidence.trial
    load, window_seconds, processes = trial.load, trial.window_seconds, evidence.raw.account.processes
    if len(processes) < load.processes:
        late = load.processes - len(processes)
        text = f"{late} of {load.processes} load processes sampled themselves too late at the window's end"
        yield Finding("reason", text, thresholds.LOAD_UTILISATION.why, thresholds.LOAD_UTILISATION.cure)
        return
    busiest = load.busiest_utilisation
    yield from against(
        thresholds.LOAD_UTILISATION,
        busiest,
        "the load's CPU time",
        f"a load process had work {percent(busiest)} of the time",
    )
    yield from starved("the load", load.cpu_seconds, load.waited_seconds, window_seconds)
    known = [process.throttled_seconds for process in processes if process.throttled_seconds is not None]
    yield from throttled("the load", max(known) if len(known) == len(processes) else None, window_seconds)


def _closing(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about ledgers that were closed before the window's end: nothing after that was counted."""
    window, closed, processes = evidence.raw.window, evidence.raw.account.closed_ns, evidence.trial.load.processes
    if early := [at_ns for at_ns in closed if at_ns < window.to_ns]:
        left = seconds((window.to_ns - min(early)) / NS_PER_SECOND)
        text = f"{len(early)} of {processes} load processes closed their ledgers {left} before the window's end"
        yield Finding("reason", text, "what came after that was not counted", "let nobody but wirerace end the load")
    elif (missing := processes - len(closed)) > 0:
        text = f"{missing} of {processes} load processes did not close their ledgers"
        yield Finding("reason", text, "what their clients received is missing", "see the load's log in logs/")
