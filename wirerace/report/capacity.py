"""A search for capacity in words: what each contestant carries, what gave out, and whether it recovers."""

from collections.abc import Sequence
from typing import NamedTuple

from wirerace.analysis.capacity.found import capacities_of, options_of
from wirerace.errors import cut, printable
from wirerace.record.capacity import CapacityRecord, GaveOut
from wirerace.record.result import Result
from wirerace.report.phrases import capital, listed, name_of, names_of
from wirerace.report.settings import KEY_UNITS
from wirerace.report.spelling import UNKNOWN, spell, two_digits

PARTS: dict[GaveOut, str] = {
    "server": "the server",
    "reverse proxy": "the reverse proxy",
    "load": "the load",
    "producer": "the producer",
    "machine": "the machine",
    "none": "nothing",
    "trial": "the trials",
    "most": "nothing",
}
"""What gave out, in two words."""
BELOW: dict[GaveOut, str] = {
    "reverse proxy": "the reverse proxy gave out before the server",
    "load": "the load generator gave out before the server",
    "producer": "the producer gave out before the server",
    "machine": "the machine was too busy with other work",
    "none": "an objective was missed although the server was not at its limit",
    "trial": "trials could not be completed",
    "most": "nothing gave out up to the highest value that was tried",
}
"""Why a capacity is only a lower bound."""
MOST_WHY = 160


class CapacityRow(NamedTuple):
    """A contestant's capacity in words. `measured` is the first objective's figure where it is carried and missed."""

    title: str
    transport: str
    carries: str
    measured: str
    gave_out: str
    again: str
    why: str


def is_found(record: CapacityRecord) -> bool:
    """Return whether a capacity is one of the server: it gave out, or nothing did as far as the search went."""
    return record.ended and record.gave_out in {"server", "most"}


def sentences_of(result: Result) -> list[str]:
    """Return the answer of a search: what each carries, by how much the best differs from the worst, and why."""
    records = sorted(capacities_of(result), key=lambda one: -(one.low or 0.0))
    if not result.trials:
        return ["Nothing was measured."]
    unit, cpus = KEY_UNITS[records[0].knob], records[0].cpus
    opening = "" if cpus is None else f"With {cpus:g} of a core, " if cpus < 1 else f"With {cpus:g} cores, "
    known = [(name_of(result, one.contestant), carried_by(one)) for one in records if carried_by(one) != UNKNOWN]
    said = [f"{name} {'' if number else 'carries '}{carried}" for number, (name, carried) in enumerate(known)]
    said[:1] = [f"{first} {unit}" for first in said[:1]]
    found = [capital(f"{opening}{listed(said)}.")] if said else []
    if unknown := [one.contestant for one in records if carried_by(one) == UNKNOWN]:
        found.append(f"What {names_of(result, unknown)} can carry is not known.")
    if (ratio := _ratio(result, records)) is not None:
        found.append(ratio)
    rest = (_unsure, _given_out, _recovered, _open)
    return [*found, *(sentence for part in rest for sentence in part(result, records))]


def carried_by(record: CapacityRecord) -> str:
    """Return the interval of a capacity: 2,400 to 2,700, at least 800, or fewer than 100."""
    low, high = record.low, record.high
    if low is None:
        return UNKNOWN if high is None or record.gave_out != "server" else f"less than {high:,g}"
    if high is None or record.gave_out != "server":
        return f"at least {low:,g}"
    return f"{low:,g} to {high:,g}"


def carried_by_id(result: Result, contestant: str) -> str:
    """Return the interval of a contestant's capacity."""
    return next(carried_by(one) for one in capacities_of(result) if one.contestant == contestant)


def rows_of(result: Result) -> list[CapacityRow]:
    """Return a row for each contestant, in the order of the file."""
    transports = {contestant.id: contestant.transport for contestant in result.contestants}
    return [
        CapacityRow(
            title=cut(printable(result.title_of(one.contestant)), 60),
            transport=transports.get(one.contestant, ""),
            carries=carried_by(one),
            measured=f"{spell(one.value_carried, one.unit)} → {spell(one.value_missed, one.unit)}",
            gave_out=PARTS[one.gave_out] if one.ended else "not ended",
            again=_again(one),
            why=cut(printable(one.why), MOST_WHY),
        )
        for one in capacities_of(result)
    ]


def validity_of_search(result: Result) -> str:
    """Return whether the capacities are those of servers, and how many trials count."""
    records = capacities_of(result)
    trials, void = sum(one.trials for one in records), sum(one.void for one in records)
    count = f"{void} of {trials} trials do not count" if void else f"all {trials} trials count"
    unsure = [one.contestant for one in records if not is_found(one)]
    if not unsure:
        return f"VALID: each capacity is that of the server; {count}"
    names = "all contestants" if len(unsure) == len(records) > 1 else names_of(result, unsure)
    return f"INVALID: no server's limit found for {names}; {count}"


def objectives_line(result: Result) -> str:
    """Return what a value must keep to."""
    options = options_of(result)
    return f"{KEY_UNITS[options.knob]} at which {' and '.join(map(printable, options.objectives))}"


def _ratio(result: Result, records: Sequence[CapacityRecord]) -> str | None:
    """Return by how much the best exceeds the worst, if the server was at its limit with both."""
    known = [one for one in records if one.low is not None and one.high is not None and is_found(one)]
    if len(known) < 2:
        return None
    best, worst = known[0], known[-1]
    low, high = (best.low or 0.0) / (worst.high or 1.0), (best.high or 0.0) / (worst.low or 1.0)
    if low <= 1:
        return f"{capital(names_of(result, [one.contestant for one in known]))} are not told apart."
    times = f"{two_digits(low)} to {two_digits(high)}"
    more, fewer = name_of(result, best.contestant), name_of(result, worst.contestant)
    return f"{capital(more)} carries {times} times as many as {fewer}."


def _given_out(result: Result, records: Sequence[CapacityRecord]) -> list[str]:
    """Return what gave out, and with which contestants it was not the server."""
    of_server = [one for one in records if one.gave_out == "server" and one.ended]
    found = []
    if of_server and len(of_server) == len(records):
        found.append("The server gave out in each case." if len(records) > 1 else "The server gave out.")
    elif of_server:
        found.append(f"The server gave out with {names_of(result, [one.contestant for one in of_server])}.")
    for why, said_of_it in BELOW.items():
        if others := [one for one in records if one.gave_out == why and one.ended]:
            said = f": {cut(printable(others[0].why), MOST_WHY)}" if others[0].why else ""
            found.append(f"With {names_of(result, [one.contestant for one in others])} {said_of_it}{said}.")
    return found


def _recovered(result: Result, records: Sequence[CapacityRecord]) -> list[str]:
    """Return whether servers that had been overloaded carry as much as fresh ones."""
    tried = [one for one in records if one.tried_again and one.ended]
    if not tried:
        return []
    whole = [one for one in tried if one.again is not None and one.again == one.carried]
    if len(whole) == len(tried):
        return ["After an overload, the server carried as much again as before."]
    found = []
    for one in tried:
        if one in whole:
            continue
        until = "did not recover at any value that was tried"
        if one.again is not None:
            until = f"carried {one.again:,g} again, and missed the next value that was tried"
        found.append(f"After an overload, the server of {name_of(result, one.contestant)} {until}.")
    return found


def _open(result: Result, records: Sequence[CapacityRecord]) -> list[str]:
    left = [one.contestant for one in records if not one.ended]
    if not left:
        return []
    return [f"The search of {names_of(result, left)} has not ended: wirerace run --resume DIR continues it."]


def _unsure(result: Result, records: Sequence[CapacityRecord]) -> list[str]:
    """Return what most repeats say where they disagree, and so make an interval wide."""
    found = []
    for one in records:
        is_known = None not in {one.low, one.high, one.carried, one.missed} and one.gave_out == "server" and one.ended
        if is_known and (one.low, one.high) != (one.carried, one.missed):
            name = name_of(result, one.contestant)
            found.append(f"{name} {one.carried:,g} to {one.missed:,g}")
    return [f"Repeats disagree. Most say: {listed(found)}."] if found else []


def _again(record: CapacityRecord) -> str:
    if not record.tried_again:
        return UNKNOWN
    return "none" if record.again is None else f"{record.again:,g}"
