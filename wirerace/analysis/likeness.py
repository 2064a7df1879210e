"""How alike two runs are: what else differs is said, because it may be the cause of a difference."""

from collections.abc import Iterator
from typing import Any

from wirerace.analysis.between import Match, has_one_schedule, matches_of, trials_of
from wirerace.errors import printable, shown
from wirerace.experiment.settings import setting_title
from wirerace.record.hosts import differing
from wirerace.record.result import Result

OF_THE_PLAN = {"title", "transports", "repeats", "valid_repeats", "tries", "seed", "objectives"}
"""Keys of an experiment that do not change what a trial measures, or that contestants show."""
MOST_KEYS = 6
MOST_SHOWN_OF_HOST = 16
"""Characters of a revision or a version that are shown."""
MOST_OTHERS_CORES = 0.5
"""Other programs that used this many more cores as one run began than as the other began are said."""
MOST_ROUND_TRIP = 1.25
"""A round trip at rest that was this many times as long as one run began is said: the machine was slower."""


def differences_of(a: Result, b: Result) -> list[str]:
    """Return what differs between two runs that both were to measure the same, one sentence each."""
    return [*_software(a, b), *_experiments(a, b), *_machine(a, b), *_trials(a, b)]


def unmatched_of(a: Result, b: Result) -> list[str]:
    """Return the contestants and settings that only one of two results has, by their names."""
    found = []
    for name, one, other in (("A", a, b), ("B", b, a)):
        ids = {contestant.id for contestant in other.contestants}
        settings = [point.setting for point in other.points]
        found += [f"{contestant.id} is only in {name}" for contestant in one.contestants if contestant.id not in ids]
        found += [
            f"the setting {printable(setting_title(point.setting)) or 'without a sweep'} is only in {name}"
            for point in one.points
            if point.setting not in settings
        ]
    return found


def _software(a: Result, b: Result) -> Iterator[str]:
    if a.wirerace != b.wirerace:
        yield f"A was made by Wirerace {a.wirerace}, B by {b.wirerace}"
    for word in differing(a.host, b.host):
        yield f"they have another {word}{_of_hosts(a, b, word)}"
    if a.ran_on != b.ran_on:
        yield f"A ran on {a.ran_on or 'an unknown target'}, B on {b.ran_on or 'an unknown target'}"
    transports = {contestant.id: contestant.transport for contestant in a.contestants}
    for contestant in b.contestants:
        if transports.get(contestant.id, contestant.transport) != contestant.transport:
            was = transports[contestant.id]
            yield f"{contestant.id} is a contestant of transport {was} in A, and of {contestant.transport} in B"


def _of_hosts(a: Result, b: Result, word: str) -> str:
    """Return the two values of a part of the host that is short enough to be shown."""
    name = {"number of cores": "cores", "revision of Wirerace": "revision", "Python": "python", "kernel": "kernel"}
    if word not in name:
        return ""
    one, other = (
        printable(str(getattr(result.host, name[word]) or "unknown"))[:MOST_SHOWN_OF_HOST] for result in (a, b)
    )
    return f" ({one}, {other})"


def _experiments(a: Result, b: Result) -> Iterator[str]:
    keys = list(_differing(a.experiment, b.experiment, ""))
    for key, one, other in keys[:MOST_KEYS]:
        yield f"{key} is {one} in A, and {other} in B"
    if len(keys) > MOST_KEYS:
        yield f"{len(keys) - MOST_KEYS} more keys of the experiment differ"


def _differing(one: Any, other: Any, at: str) -> Iterator[tuple[str, str, str]]:
    """Yield each key of an experiment whose value differs, and both values."""
    if one == other:
        return
    if at == "contestants" and isinstance(one or [], list) and isinstance(other or [], list):
        one, other = _by_id(one or []), _by_id(other or [])
    if isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys((*one, *other)):
            if at or key not in OF_THE_PLAN:
                inner = f"{at}.{key}" if at else key
                yield from _differing(one.get(key), other.get(key), inner)
        return
    yield printable(at), _told(one), _told(other)


def _by_id(contestants: list[Any]) -> dict[str, Any]:
    """Return the contestants of an experiment by their ids."""
    return {str(one.get("id")): one for one in contestants if isinstance(one, dict)}


def _told(value: object) -> str:
    return "nothing" if value is None else printable(shown(value))


def _machine(a: Result, b: Result) -> Iterator[str]:
    if a.checkup is None or b.checkup is None:
        return
    others = a.checkup.others_cores, b.checkup.others_cores
    if others[0] is not None and others[1] is not None and abs(others[0] - others[1]) > MOST_OTHERS_CORES:
        yield f"other programs used {others[0]:.2g} cores as A began, and {others[1]:.2g} as B began"
    trips = a.checkup.round_trip_seconds_p50, b.checkup.round_trip_seconds_p50
    if trips[0] and trips[1] and max(trips[0] / trips[1], trips[1] / trips[0]) > MOST_ROUND_TRIP:
        yield (
            f"a round trip at rest took {1e6 * trips[0]:.0f} µs as A began, and {1e6 * trips[1]:.0f} µs as B began: "
            "the machine itself was not as fast"
        )


def _trials(a: Result, b: Result) -> Iterator[str]:
    for name, result in (("A", a), ("B", b)):
        counted = result.counted
        if invalid := sum(not trial.is_valid for trial in counted):
            yield f"{invalid} of {len(counted)} trials of {name} {'is' if invalid == 1 else 'are'} invalid"
        if failed := len(result.counted_failures):
            yield f"{failed} {'trial' if failed == 1 else 'trials'} of {name} could not be completed"
        wanted = result.experiment.get("valid_repeats") or result.experiment.get("repeats", 1)
        repeats = min(
            len({trial.repeat for trial in counted if trial.point == number}) for number in range(len(result.points))
        )
        if isinstance(wanted, int) and repeats < wanted:
            yield f"{name} has {repeats} of {wanted} repeats"
    if not any(_is_paired(match) for match in matches_of(a, b)):
        yield "the runs share no schedules, so repeats are not compared in pairs: give both one seed and one producer"


def _is_paired(match: Match) -> bool:
    seeds_a, seeds_b = ({trial.seed for trial in trials_of(result, match.contestant)} for result in (match.a, match.b))
    return has_one_schedule(match) and bool(seeds_a & seeds_b)
