"""Caching: what polls get through a shared cache, and how often the server is asked, for each kind of arrivals.

docs/theory.md derives it. An answer is stored under the cursor of its question. What comes back has a cursor of its
own, under which clients ask next. So clients that got one stored answer ask together, and the first of them asks the
server for all.
"""

import math
from fractions import Fraction
from statistics import fmean

from wirerace.theory.cache import CachedPolls, Polls, SharedCache
from wirerace.theory.cache_replay import replayed
from wirerace.theory.closed_forms import Arrivals, Periodic, Poisson
from wirerace.theory.mixture import Mixture, weighted
from wirerace.theory.recorded import Recorded

MANY_CLIENTS = 20
"""With that number, another one asks soon after an answer is too old."""
MOST_PARTS = 1_000
"""Of a second, in which a poll interval can be counted for a closed form."""


def cached(arrivals: Arrivals, cache: SharedCache, polls: Polls, delay_seconds: float) -> CachedPolls | None:
    """Return what polls through a shared cache get; None when that is not known."""
    found: CachedPolls | None = None
    match arrivals:
        case Poisson() if polls.interval_seconds <= cache.seconds and polls.clients >= MANY_CLIENTS:
            found = _poisson(arrivals.rate_per_second, cache, polls, delay_seconds)
        case Periodic() if polls.interval_seconds <= cache.seconds:
            found = _periodic(1 / arrivals.rate_per_second, polls, delay_seconds)
        case Recorded():
            found = replayed(arrivals, cache, polls, delay_seconds)
        case Mixture():
            found = _mixed(arrivals, cache, polls, delay_seconds)
    return found


def _poisson(rate: float, cache: SharedCache, polls: Polls, delay_seconds: float) -> CachedPolls | None:
    """Return the means over a Markov chain of the server's answers, if all clients have one cursor (T ≤ L).

    After an answer with updates the next question comes one interval later, after an empty one when that is too old.
    An answer's state is the number of steps of 1/q s that it lies behind a whole second, where T = p/q.
    """
    every = polls.interval_seconds
    step = Fraction(every).limit_denominator(MOST_PARTS)
    if abs(float(step) - every) > 1e-9:
        return None
    parts = step.denominator
    behind = [number * step.numerator % parts / parts for number in range(parts)]  # in the order in which they come
    lives = [cache.longest_seconds - late for late in behind]
    nothing = math.exp(-rate * every)
    none_of = [math.exp(-rate * life) for life in lives]
    # How often each answer occurs for each one with updates in the first state: with updates, and empty.
    full = [(1 - nothing) ** number for number in range(parts)]
    empty = [0.0, *(nothing * before for before in full[:-1])]
    again = sum(count * none for count, none in zip(empty, none_of, strict=True))
    empty[0] = (nothing * full[-1] + again) / (1 - none_of[0])
    # The same, each times the age of its newest update.
    fresh = [0.0, *(before * _newest(rate, every) for before in full[:-1])]
    fresh[0] = full[-1] * _newest(rate, every) + sum(
        count * _newest(rate, life) for count, life in zip(empty, lives, strict=True)
    )
    old = [0.0, *(nothing * (age + every * count) for age, count in zip(fresh[:-1], full[:-1], strict=True))]
    again = sum(none * age for none, age in zip(none_of, old, strict=True))
    again += sum(none * life * count for none, life, count in zip(none_of, lives, empty, strict=True))
    old[0] = (nothing * (fresh[-1] + every * full[-1]) + again) / (1 - none_of[0])

    answers, blanks = sum(full), sum(empty)
    seconds = answers * every + sum(count * life for count, life in zip(empty, lives, strict=True))
    square = answers * every**2 + sum(count * life**2 for count, life in zip(empty, lives, strict=True))
    aged = square / 2 + every * sum(fresh) + sum(life * age for life, age in zip(lives, old, strict=True))
    later = polls.after_first_seconds
    return CachedPolls(
        wait_seconds=later + (sum(fresh) / answers if polls.latest_only else square / 2 / seconds),
        age_seconds=aged / seconds + later + delay_seconds,
        empty_fraction=1 - every * answers / seconds,
        updates_per_response=1.0 if polls.latest_only else rate * seconds / answers,
        asked_per_second=(answers + blanks) / seconds,
    )


def _newest(rate: float, seconds: float) -> float:
    """Return the mean age of the newest of Poisson updates in a time, where without any it counts as 0."""
    return (1 - (1 + rate * seconds) * math.exp(-rate * seconds)) / rate


def _periodic(period: float, polls: Polls, delay_seconds: float) -> CachedPolls | None:
    """Return the means if no answer is empty, P ≤ T ≤ L: then the server is asked once an interval."""
    every, later = polls.interval_seconds, polls.after_first_seconds
    if period > every:
        return None
    return CachedPolls(
        wait_seconds=later + (period if polls.latest_only else every) / 2,
        age_seconds=(period + every) / 2 + later + delay_seconds,
        empty_fraction=0.0,
        updates_per_response=1.0 if polls.latest_only else every / period,
        asked_per_second=1 / every,
    )


def _mixed(mixture: Mixture, cache: SharedCache, polls: Polls, delay_seconds: float) -> CachedPolls | None:
    """Return the means over channels. Each has its own answers in the cache, so the server's requests add up."""
    found = [
        (one, group)
        for group in mixture.groups
        if (one := cached(group.arrivals, cache, polls._replace(clients=group.clients), delay_seconds))
    ]
    if len(found) < len(mixture.groups):
        return None
    with_data = [(one, group.clients * (1 - (one.empty_fraction or 0.0))) for one, group in found]
    made = [(one, group.clients * group.arrivals.rate_per_second) for one, group in found]
    delivered = with_data if polls.latest_only else made
    return CachedPolls(
        wait_seconds=weighted((one.wait_seconds, weight) for one, weight in delivered),
        age_seconds=weighted((one.age_seconds, group.clients) for one, group in found),
        empty_fraction=weighted((one.empty_fraction, group.clients) for one, group in found),
        updates_per_response=weighted((one.updates_per_response, weight) for one, weight in with_data),
        asked_per_second=sum(one.asked_per_second for one, _ in found),
        spread=fmean(one.spread for one, _ in found) / math.sqrt(len(found)),
        waits=[piece._replace(weight=piece.weight * group.clients) for one, group in found for piece in one.waits],
    )
