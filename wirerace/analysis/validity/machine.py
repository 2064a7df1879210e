"""The machine: what other processes, other virtual machines and memory took from the experiment."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import Evidence, against, percent
from wirerace.record.trial import Finding


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about the machine in the window."""
    machine = evidence.trial.machine
    for limit, cores, name, text in (
        (thresholds.OTHERS_FRACTION, machine.others_cores, "what other processes used", "other processes used"),
        (thresholds.STOLEN_FRACTION, machine.stolen_cores, "what the hypervisor took", "the hypervisor took"),
    ):
        fraction = None if cores is None else cores / machine.cores
        yield from against(limit, fraction, name, f"{text} {cores or 0:.2f} of {machine.cores} cores")
    stalled = machine.memory_stalled_fraction
    text = f"somebody waited for memory {percent(stalled)} of the time"
    yield from against(thresholds.MEMORY_STALLED_FRACTION, stalled, "memory pressure", text)
