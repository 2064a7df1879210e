"""Freshness: for which part of the time a client's newest update was younger than 100 ms, 1 s and 5 s."""

from collections.abc import Iterator
from itertools import pairwise

from wirerace.record.result import ContestantRecord
from wirerace.report.charts.values import Bar, BarChart
from wirerace.report.charts.view import View, mean_of
from wirerace.report.charts.wording import listed
from wirerace.report.spelling import spell

NOT_COUNTED = (
    "Nothing is known of the time for which updates were fresh: the version of Wirerace that made this result did not "
    "count it."
)


def freshness(view: View) -> Iterator[BarChart]:
    """Yield the chart of the parts of the time."""
    found = [(contestant, fractions) for contestant in view.contestants if (fractions := fresh_of(view, contestant))]
    if not found:
        return
    bounds = list(found[0][1])
    same = [(contestant, fractions) for contestant, fractions in found if list(fractions) == bounds]
    names = [spell(bound, "seconds") for bound in bounds]
    yield BarChart(
        _title(view, same),
        "The parts of the time, over all clients, in which a client's newest update was that old. The numbers are the "
        f"parts in which it was younger than {listed(names)}.",
        [
            Bar(
                view.title(contestant),
                contestant.transport,
                [after - before for before, after in pairwise([0.0, *fractions.values(), 1.0])],
                " · ".join(percent(value) for value in fractions.values()),
            )
            for contestant, fractions in same
        ],
        [f"up to {names[0]}", *(f"up to {name}" for name in names[1:]), "older"],
    )


def freshness_words(view: View) -> list[str]:
    """Return a sentence for each contestant; one alone if nothing was counted."""
    sentences = []
    for contestant in view.contestants:
        fractions = fresh_of(view, contestant)
        if fractions:
            parts = [f"than {spell(bound, 'seconds')} {_often(part)}" for bound, part in fractions.items()]
            sentences.append(f"{view.title(contestant)}: a client's newest update is younger {listed(parts)}.")
    return sentences or [NOT_COUNTED]


def fresh_of(view: View, contestant: ContestantRecord) -> dict[float, float]:
    """Return the part of the time in which age was at most a number of seconds, by that number, ascending."""
    trials = [trial.age_seconds.fresh_fraction for trial in view.trials(contestant)]
    found = {}
    for bound in trials[0]:
        part = mean_of([fractions.get(bound) for fractions in trials])
        if part is not None:
            found[_seconds(bound)] = min(1.0, max(0.0, part))
    return dict(sorted(found.items()))


def percent(part: float) -> str:
    """Return a part of the time; only all of it is 100 %."""
    rounded = f"{100 * part:.0f} %" if 0.01 <= part < 0.99 else f"{100 * part:.2g} %"
    if part < 1 and float(f"{100 * part:.3g}") == 100:
        return "almost 100 %"
    return rounded if part < 0.99 else f"{100 * part:.3g} %"


def _often(part: float) -> str:
    return "all the time" if part == 1 else "never" if part == 0 else f"{percent(part)} of the time"


def _seconds(bound: str) -> float:
    try:
        return float(bound)
    except ValueError:  # of a file that was edited
        return 0.0


def _title(view: View, found: list[tuple[ContestantRecord, dict[float, float]]]) -> str:
    """Return what one sees at one second, or at the bound that is there."""
    bound = 1.0 if 1.0 in found[0][1] else next(iter(found[0][1]))
    by_part = sorted((fractions[bound], view.title(contestant)) for contestant, fractions in found)
    (least, last), (most, first) = by_part[0], by_part[-1]
    within = spell(bound, "seconds")
    if len(by_part) == 1 or percent(least) == percent(most):
        return f"Clients' newest update was younger than {within} {_often(most)}"
    return f"Younger than {within}: {percent(most)} of the time with {first}, {percent(least)} with {last}"
