"""The parts of a trial: whether each of them lived, and went on, and whether the run itself looked in time."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import Evidence, against, seconds
from wirerace.clock import NS_PER_SECOND
from wirerace.experiment.samples import off_seconds
from wirerace.experiment.trial import Finding

ITSELF = "wirerace"
SEE_LOGS = "see its log in logs/"
NAMES = {
    "producer": "the producer",
    "server": "the server",
    "load": "the load",
    "link": "the link's proxy",
    ITSELF: "wirerace itself",
}
RESTARTED = {
    "producer": "what was due meanwhile was never made",
    "server": "clients had to come back",
    "link": "clients had to come back",
}


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield what was found of every part."""
    stalled = evidence.experiment.stall.lasts_seconds > 0
    for name, part in evidence.trial.parts.items():
        who, still = NAMES.get(name, name), part.still_seconds
        if part.restarts:
            times = "once" if part.restarts == 1 else f"{part.restarts} times"
            why = RESTARTED.get(name, "it is another one")
            yield Finding("reason", f"{who} died and was started again, {times}", why, SEE_LOGS)
        if name == ITSELF:
            text = f"{who} stood still, or had other work, for {seconds(still)}"
            yield from against(thresholds.UNWATCHED_SECONDS, still, "whether wirerace looked in time", text)
        elif not (name == "server" and stalled):  # which is what is measured
            text = f"{who} was stopped by a signal, for {seconds(still)} at least"
            yield from against(thresholds.STILL_SECONDS, still, f"whether {who} stood still", text)
    for what, off in _off_seconds(evidence):
        text = f"{what} was sampled {seconds(off)} off the ends of the window"
        fraction = off / evidence.raw.window.seconds
        yield from against(thresholds.SPAN_OFF_FRACTION, fraction, f"when {what} was sampled", text)


def _off_seconds(evidence: Evidence) -> Iterator[tuple[str, float]]:
    """Yield by how much samples miss the ends of the window: the server's, the machine's, the worst of the load's."""
    measured, window = evidence.raw.measured, evidence.raw.window
    if measured.server is not None:
        yield "the server", off_seconds(measured.server, window)
    yield "the machine", off_seconds(measured.machine, window)
    processes = evidence.raw.account.processes
    if processes:
        off_ns = max(abs(one.from_ns - window.from_ns) + abs(one.to_ns - window.to_ns) for one in processes)
        yield "the load", off_ns / NS_PER_SECOND
