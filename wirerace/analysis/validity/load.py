"""The load generator: busy, starved or throttled clients measure themselves."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.cores import starved, throttled
from wirerace.analysis.validity.finding import Evidence, against, percent
from wirerace.experiment.trial import Finding


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield what was found of the load's processes."""
    trial = evidence.trial
    load, seconds, processes = trial.load, trial.window_seconds, evidence.raw.account.processes
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
    yield from starved("the load", load.cpu_seconds, load.waited_seconds, seconds)
    known = [process.throttled_seconds for process in processes if process.throttled_seconds is not None]
    yield from throttled("the load", max(known) if len(known) == len(processes) else None, seconds)
