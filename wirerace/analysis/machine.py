"""The machine in two runs: was it as busy, and was it as fast? A difference of the machine is none of the version.

The load is the control: for the same bytes it does the same work in both runs, so it takes the same CPU time for a
delivery, unless the machine itself was slower: shared caches, the clock rate, the neighbours of a virtual machine.
"""

import math
from collections.abc import Sequence
from statistics import fmean

from wirerace.record.trial import Trial

MOST_WAITING = 0.1
"""By how much the part of its time in which the server, or the load, waited for a core may differ between two runs."""
MOST_OTHERS = 0.25
"""The same for the part of all cores that other programs used. More is not always slower: idle cores wake up."""
SAME_BYTES = 0.01
"""The load does the same work if the bytes of a delivery differ by less than this."""

Trials = Sequence[Trial]


def why_unlike(a: Trials, b: Trials) -> str:
    """Return why the machine was not the same for both runs: parts waited, or others used it; empty if it was."""
    for of, most, who in (
        (_server_waiting, MOST_WAITING, "the server had no core in"),
        (_load_waiting, MOST_WAITING, "the load had no core in"),
        (_used_by_others, MOST_OTHERS, "other programs used"),
    ):
        one, other = (_average([of(trial) for trial in trials]) for trials in (a, b))
        if one is not None and other is not None and abs(one - other) > most:
            what = "of the machine" if of is _used_by_others else "of the time that it wanted one"
            return f"{who} {100 * one:.0f} % {what} in A, {100 * other:.0f} % in B"
    return ""


def _average(values: Sequence[float | None]) -> float | None:
    """Return the mean of the known values."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _server_waiting(trial: Trial) -> float | None:
    return _part(trial.server.waited_seconds, trial.server.cpu_seconds)


def _load_waiting(trial: Trial) -> float | None:
    return _part(trial.load.waited_seconds, trial.load.cpu_seconds)


def _part(waited_seconds: float | None, cpu_seconds: float | None) -> float | None:
    """Return the waiting, of the time in which a process ran or waited for a core."""
    if waited_seconds is None or cpu_seconds is None or waited_seconds + cpu_seconds <= 0:
        return None
    return waited_seconds / (waited_seconds + cpu_seconds)


def _used_by_others(trial: Trial) -> float | None:
    """Return the part of the machine that other programs used."""
    machine = trial.machine
    return machine.others_cores / machine.cores if machine.others_cores is not None and machine.cores > 0 else None


def slowness(a: Trials, b: Trials) -> float | None:
    """Return how many times as much CPU time the load took for a delivery in B as in A.

    None if it is not known, or if the load had other work to do. Trials of one seed are compared, if there are some.
    """
    if (seeds := {trial.seed for trial in a} & {trial.seed for trial in b}) != set():
        a, b = ([trial for trial in trials if trial.seed in seeds] for trials in (a, b))
    bytes_a, bytes_b = (_mean([_bytes_of(trial) for trial in trials]) for trials in (a, b))
    load_a, load_b = (_mean([_load_of(trial) for trial in trials]) for trials in (a, b))
    if bytes_a is None or bytes_b is None or load_a is None or load_b is None:
        return None
    return math.exp(load_b - load_a) if abs(bytes_b - bytes_a) < SAME_BYTES else None


def _mean(values: Sequence[float | None]) -> float | None:
    """Return the mean logarithm of values; None if one is not known or not above 0."""
    known = [math.log(value) for value in values if value is not None and value > 0]
    return fmean(known) if known and len(known) == len(values) else None


def _load_of(trial: Trial) -> float | None:
    """Return the load's CPU time for a delivery."""
    cpu_seconds = trial.load.cpu_seconds
    return None if cpu_seconds is None or not trial.arrived else cpu_seconds / trial.arrived


def _bytes_of(trial: Trial) -> float | None:
    """Return the bytes for a delivery, as the server counts them."""
    received, sent = trial.bytes.application_in, trial.bytes.application_out
    return None if received is None or sent is None or not trial.arrived else (received + sent) / trial.arrived
