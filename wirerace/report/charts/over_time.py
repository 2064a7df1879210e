"""Latency and age over the time of one trial of each contestant, from the spread of each update over its clients."""

import bisect
from collections.abc import Iterator, Sequence

from wirerace.clock import NS_PER_SECOND
from wirerace.record.result import ContestantRecord, Raw
from wirerace.report.charts.values import Dimension, Dot, Strip, StripChart
from wirerace.report.charts.view import View
from wirerace.report.drawing.downsampling import downsampled
from wirerace.report.spelling import spell

MOST_DOTS = 260
LEAST_SECONDS = 1e-5
"""A logarithmic axis has no 0. What was faster is shown at this time."""


def latencies_over_time(view: View) -> Iterator[StripChart]:
    """Yield the chart of latency: for each update its mean over clients, and the fastest and the slowest client."""
    strips = []
    for contestant, raw in first_records(view):
        dots = downsampled(_latencies(raw), MOST_DOTS)
        if dots:
            slowest = max(dots, key=lambda dot: dot.high or 0.0)
            strips.append(
                Strip(
                    view.title(contestant),
                    contestant.transport,
                    dots,
                    f"at most {spell(slowest.high, 'seconds')}",
                )
            )
    if strips:
        yield StripChart(
            _in_the_first(view, _latency_title(strips)),
            "The line is the mean over clients of each update, by the time at which it was due. The band reaches from "
            f"its fastest client to its slowest. {which_repeat(view)}",
            Dimension("time in the window at which the update was due", "seconds"),
            Dimension("latency, logarithmic", "seconds", is_log=True),
            strips,
        )


def ages_over_time(view: View) -> Iterator[StripChart]:
    """Yield the chart of age: between the client that has each update first and the one that has it last."""
    strips = []
    for contestant, raw in first_records(view):
        dots = _ages(raw)
        if dots:
            mean = view.interval(contestant, "age.mean").mean
            said = "" if mean is None else f"mean {spell(mean, 'seconds')}"
            strips.append(Strip(view.title(contestant), contestant.transport, dots, said, has_line=False))
    if strips:
        yield StripChart(
            "Age rises until the next update comes, even where nothing is late",
            "How old a client's newest update is, by time. Every client's age lies in the band: its lower edge is a "
            f"client that has each update first, its upper edge one that has each last. {which_repeat(view)}",
            Dimension("time in the window", "seconds"),
            Dimension("age of the newest update", "seconds"),
            strips,
        )


def first_records(view: View) -> Iterator[tuple[ContestantRecord, Raw]]:
    """Yield the record of each contestant's first repeat that counts."""
    for contestant in view.contestants:
        first = min(view.trials(contestant), key=lambda trial: trial.repeat)
        if (raw := view.records(first)) is not None and raw.window.seconds > 0:
            yield contestant, raw


def which_repeat(view: View) -> str:
    """Return which of several repeats a chart over time shows."""
    repeats = {trial.repeat for trial in view.result.counted}
    return f"Of {len(repeats)} repeats, this is the first." if len(repeats) > 1 else ""


def _in_the_first(view: View, title: str) -> str:
    """Return a title that says of which repeat it speaks, if there are several."""
    several = len({trial.repeat for trial in view.result.counted}) > 1
    return f"In the first repeat, {title[:1].lower()}{title[1:]}" if several else title


def _latencies(raw: Raw) -> list[Dot]:
    made_at = raw.truth.made_at
    found = []
    for key, spread in raw.account.spread_of.items():
        made = made_at.get(key)
        if made is not None and spread.clients:
            least, mean, most = (
                max(value / NS_PER_SECOND, LEAST_SECONDS)
                for value in (spread.least_ns, spread.sum_ns / spread.clients, spread.most_ns)
            )
            found.append(Dot((made - raw.window.from_ns) / NS_PER_SECOND, mean, least, most))
    return sorted(found, key=lambda dot: dot.x)


def _latency_title(strips: list[Strip]) -> str:
    worst = {strip.title: max(dot.high or 0.0 for dot in strip.dots) for strip in strips}
    name = max(worst, key=lambda title: worst[title])
    if len(strips) == 1:
        return f"The slowest delivery took {spell(worst[name], 'seconds')}"
    best = min(worst, key=lambda title: worst[title])
    return (
        f"The slowest delivery took {spell(worst[name], 'seconds')} with {name}, "
        f"{spell(worst[best], 'seconds')} with {best}"
    )


def _ages(raw: Raw) -> list[Dot]:
    """Return the band of age over time: of one sequence, because each client listens to one channel."""
    if not raw.account.updates:
        return []
    made_at, window = raw.truth.made_at, raw.window
    sequence, spreads = next(iter(raw.account.updates.items()))
    spread_of = spreads.by_seq
    known = [(made_at[sequence, seq], spread) for seq, spread in spread_of.items() if (sequence, seq) in made_at]
    first = _newest_from(sorted((made + spread.least_ns, made) for made, spread in known))
    last = _newest_from(sorted((made + spread.most_ns, made) for made, spread in known))
    moments = sorted({at_ns for at_ns, _ in (*first, *last) if window.has(at_ns)} | {window.to_ns})
    dots = []
    for at_ns in moments:
        for is_before in (True, False):  # the age just before an arrival, and with it
            youngest, oldest = (_age_ns(curve, at_ns, is_before=is_before) for curve in (first, last))
            if youngest is not None and oldest is not None:
                x, low, high = ((value / NS_PER_SECOND) for value in (at_ns - window.from_ns, youngest, oldest))
                dots.append(Dot(x, high, low, high))
    return list(downsampled(dots, 2 * MOST_DOTS))


def _newest_from(arrivals: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return when the newest update changes, and when that one was made, from the arrivals of all updates in order."""
    found: list[tuple[int, int]] = []
    for at_ns, made in arrivals:
        if not found or made > found[-1][1]:
            found.append((at_ns, made))
    return found


def _age_ns(newest: Sequence[tuple[int, int]], at_ns: int, *, is_before: bool) -> int | None:
    """Return the age at an instant, or just before it; None before the first arrival."""
    find = bisect.bisect_left if is_before else bisect.bisect_right
    number = find(newest, at_ns, key=lambda change: change[0])
    return at_ns - newest[number - 1][1] if number else None
