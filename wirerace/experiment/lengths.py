"""Checks that a trial is no longer than what is kept of it; otherwise an hour would pass before anybody knows.

The producer's record must reach from the warm-up to the end of the drain. A server must keep what is made while a
client is away, between two of its requests or after a fault.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from wirerace.errors import BadInput
from wirerace.experiment.contestants import Contestant
from wirerace.experiment.faults import Fault
from wirerace.experiment.holding import holding_seconds
from wirerace.experiment.model import Experiment
from wirerace.experiment.patience import drain_seconds, longest_seconds, return_seconds
from wirerace.workload.amounts import mean_update_bytes, most_from_start, most_of_poisson, most_within
from wirerace.workload.kept import FILE_UPDATES, KEEP_BYTES, KEEP_UPDATES, RECORD_UPDATES
from wirerace.workload.schedule import Schedule

CLOSING_SECONDS = 5.0  # from the end of the drain until the record is read: ledgers are closed meanwhile
RESTART_SECONDS = 5.0  # for a part that was killed to be up again


class _Away(NamedTuple):
    """A time for which a client may be without updates: how long, when, where the file says so, and what to lower."""

    seconds: float
    when: str
    at: str
    key: str | None


def check_lengths(experiment: Experiment, schedule: Schedule, contestants: Iterable[Contestant]) -> None:
    """Raise BadInput, naming the key and the cure, when more is made than is kept.

    `schedule` is that of a trial, whatever its seed.
    """
    for contestant in contestants:
        _check_record(experiment, schedule, contestant)
        if not contestant.options.latest_only:
            _check_history(experiment, schedule, contestant)
    for number, fault in enumerate(experiment.faults):
        if (fault.kind, fault.on) == ("kill", "producer"):
            _check_file(experiment, schedule, number, fault)


def _check_record(experiment: Experiment, schedule: Schedule, contestant: Contestant) -> None:
    """Refuse a window that the producer's record cannot cover, with what comes before and after it."""
    visit_seconds = experiment.population.timeout_seconds if experiment.population.is_visit else 0.0
    drain = drain_seconds(
        contestant.path,
        contestant.options,
        visit_seconds,
        breaks=bool(experiment.faults),
        holding_seconds=holding_seconds(contestant, schedule),
    )
    window = experiment.window
    made = _made(experiment, schedule, window.warmup_seconds + window.measure_seconds, drain + CLOSING_SECONDS)
    if made > RECORD_UPDATES:
        key = "measure_seconds" if window.measure_seconds >= window.warmup_seconds else "warmup_seconds"
        raise BadInput(
            f"window.{key}: {made:,} updates may be made in a trial{_pace(experiment)}, warm-up and drain included, "
            f"and the producer's record keeps {RECORD_UPDATES:,}: shorten it, or lower {_rate_key(experiment)}"
        )


def _check_file(experiment: Experiment, schedule: Schedule, number: int, fault: Fault) -> None:
    """Refuse a kill of a producer that begins again with less than everything since the warm-up."""
    made = _made(experiment, schedule, experiment.window.warmup_seconds + fault.at_seconds)
    if made > FILE_UPDATES:
        raise BadInput(
            f"faults[{number}].at_seconds: {made:,} updates may be made before the producer is killed, and its file "
            f"keeps {FILE_UPDATES:,}: kill it earlier, or lower {_rate_key(experiment)}"
        )


def _made(experiment: Experiment, schedule: Schedule, seconds: float, after_seconds: float = 0.0) -> int:
    """Return the most updates that are made in a time from the warm-up on, and after it, when no client sends."""
    made = experiment.producer.channels + most_from_start(schedule, seconds + after_seconds)
    if experiment.upstream.fan_out:
        made += most_of_poisson(_sent_per_second(experiment) * seconds)
    return made


def _pace(experiment: Experiment) -> str:
    """Return the rate for a sentence: a sweep may have several."""
    source = experiment.producer
    return "" if source.arrivals == "trace" else f" at {source.rate_per_second * source.channels:g} a second"


def _sent_per_second(experiment: Experiment) -> float:
    return experiment.clients.most * experiment.upstream.rate_per_second


def _rate_key(experiment: Experiment) -> str:
    """Return the key that makes updates fewer: that of what makes most of them."""
    source = experiment.producer
    if experiment.upstream.fan_out and _sent_per_second(experiment) > source.rate_per_second * source.channels:
        return "upstream.rate_per_second"
    if source.arrivals == "trace":
        return "producer.speed"
    return "producer.channels" if source.channels > source.rate_per_second else "producer.rate_per_second"


def _check_history(experiment: Experiment, schedule: Schedule, contestant: Contestant) -> None:
    """Refuse updates that a server has dropped before its clients come for them: they would be lost."""
    each_bytes = mean_update_bytes(schedule)
    kept = min(KEEP_UPDATES, int(KEEP_BYTES / each_bytes))
    for away in _times_away(experiment, contestant):
        made = most_within(schedule, away.seconds)
        if experiment.upstream.fan_out:
            made += most_of_poisson(_sent_per_second(experiment) * away.seconds)
        if made > kept:
            size_key = "producer.payload_bytes" if kept < KEEP_UPDATES else None
            cures = [key for key in (away.key, _rate_key(experiment), size_key) if key]
            raise BadInput(
                f"{away.at}: {made:,} updates of {each_bytes:,.0f} bytes may be made {away.when}, and a server keeps "
                f"{kept:,} of them: lower {' or '.join(cures)}"
            )


def _times_away(experiment: Experiment, contestant: Contestant) -> Iterator[_Away]:
    """Yield the times for which clients of a contestant may be without updates."""
    options, path = contestant.options, contestant.path
    usual_seconds, name = longest_seconds(path, options), contestant.id
    own = next((key for key in ("interval_seconds", "repoll_delay_seconds") if hasattr(options, key)), None)
    key = f"{name}.{own}" if own else None
    yield _Away(usual_seconds, "between two requests of a client", key or name, key)
    for number, fault in enumerate(experiment.faults):
        if (fault.kind, fault.on) == ("kill", "producer"):  # while it is away, it makes nothing
            continue
        seconds = fault.lasts_seconds + fault.jitter_seconds + (RESTART_SECONDS if fault.kind == "kill" else 0.0)
        at = f"faults[{number}]"
        key = {"kill": None, "stall": f"{at}.lasts_seconds", "cut": f"{at}.jitter_seconds"}[fault.kind]
        yield _Away(usual_seconds + seconds + return_seconds(path), f"around the {fault.kind}", key or at, key)
