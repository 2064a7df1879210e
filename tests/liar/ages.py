"""Age at the clients of the liar, from its record: each answer arrived between the times before and after its send."""

from typing import NamedTuple

from tests.liar.liar import Record
from wirerace.observe.account import Window


class Batch(NamedTuple):
    """One answer that brought updates: the newest making time in it, and the time before and after it was sent."""

    newest_ts: int
    before_ns: int
    after_ns: int


class Ages(NamedTuple):
    """The age of all clients in a window: the number of its peaks, their least and most sum, and the area under it."""

    peaks: int
    least_peak_ns: int
    most_peak_ns: int
    least_area: int
    most_area: int


def answers_of(record: Record) -> dict[int, list[Batch]]:
    """Return the answers of each client, in order; updates written to the kernel in one piece arrive in one piece."""
    pieces: dict[tuple[int, int, int], list[int]] = {}
    for client, _, ts, before_ns, after_ns in record.sent:
        pieces.setdefault((client, before_ns, after_ns), []).append(ts)
    answers: dict[int, list[Batch]] = {}
    for (client, before_ns, after_ns), made in sorted(pieces.items()):
        answers.setdefault(client, []).append(Batch(max(made), before_ns, after_ns))
    return answers


def ages_of(record: Record, window: Window) -> Ages:
    """Return the ages of all clients: the curve falls when an answer brings something newer than all before it."""
    falls = least_ns = most_ns = least_area = most_area = 0
    for answers in answers_of(record).values():
        newest_ts = answers[0].newest_ts
        since = answers[0]
        for answer in answers[1:]:
            if answer.newest_ts <= newest_ts:
                continue
            if window.has(answer.before_ns):
                falls += 1
                least_ns += answer.before_ns - newest_ts
                most_ns += answer.after_ns - newest_ts
            least_area += twice_area(newest_ts, since.after_ns, answer.before_ns, window)
            most_area += twice_area(newest_ts, since.before_ns, answer.after_ns, window)
            newest_ts, since = answer.newest_ts, answer
        least_area += twice_area(newest_ts, since.after_ns, window.to_ns, window)
        most_area += twice_area(newest_ts, since.before_ns, window.to_ns, window)
    return Ages(falls, least_ns, most_ns, least_area, most_area)


def twice_area(ts: int, since_ns: int, until_ns: int, window: Window) -> int:
    """Return twice the area under the age of an update that was the newest between two instants, in the window."""
    low, high = max(since_ns, window.from_ns), min(until_ns, window.to_ns)
    return max(0, high - low) * (high + low - 2 * ts)
