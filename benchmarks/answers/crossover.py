"""The crossover of a sweep: from which value on asking costs the server less than a push, in sentences."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from wirerace.analysis.aggregate import CONFIDENCE
from wirerace.analysis.figures import BY_ID
from wirerace.analysis.standing import Pair, has_doubts, noise_of, pair_of
from wirerace.experiment.settings import setting_title
from wirerace.record.result import ContestantRecord, Result
from wirerace.report.charts.axes import main_key
from wirerace.report.comparison import words_of
from wirerace.report.phrases import Tense, capital, listed, name_of, tense_of
from wirerace.report.troubles import troubles_of
from wirerace.transports import TRANSPORTS

COST = BY_ID["server.cpu_per_delivery"]
UNITS = {
    "producer.rate_per_second": "updates a second",
    "producer.payload_bytes": "bytes",
    "clients.count": "clients",
}
"""How the values of a swept key are counted; others are said as in the experiment file."""


class RateStep(NamedTuple):
    """The costs of two contestants at one value of the swept key; `pair` is None if they are not known there."""

    value: Any
    pair: Pair | None

    @property
    def costs(self) -> str:
        """Whether the first costs less or more; alike, if they are not told apart."""
        if self.pair is None or self.pair.ratio is None or self.pair.ratio.mean is None:
            return "unknown"
        if not self.pair.differ:
            return "alike"
        return "less" if self.pair.ratio.mean < 1 else "more"

    @property
    def has_interval(self) -> bool:
        """Whether three valid repeats or more speak of it, or none at all."""
        return self.pair is None or self.pair.ratio is None or self.pair.ratio.low is not None


def crossover(result: Result) -> list[str]:
    """Return what forbids to use the result, then a sentence for each asking contestant: when it costs less."""
    found = troubles_of(result)
    if len(result.points) < 2 or not result.counted:
        return found
    asking = [one for one in result.present if TRANSPORTS[one.transport].asks]
    pushing = [one for one in result.present if not TRANSPORTS[one.transport].asks]
    tense = tense_of(result)
    said = [_sentence(result, one, pushing, tense) for one in asking]
    return [*found, *filter(None, said)]


def _sentence(result: Result, one: ContestantRecord, pushing: Sequence[ContestantRecord], tense: Tense) -> str:
    """Return the sentence of one asking contestant, empty if nothing is known.

    Pushes of which the same is to be said stand together.
    """
    key, said = main_key(result), dict[str, list[str]]()
    for other in pushing:
        steps = steps_of(result, one, other)
        tense = tense._replace(is_shown=tense.is_shown and all(step.has_interval for step in steps))
        if words := _when(key, steps):
            said.setdefault(words, []).append(name_of(result, other.id))
    parts = [words.format(listed(names)) for words, names in said.items()]
    costs = tense.pick("costs", "cost")
    if not parts:
        return ""
    return capital(f"{tense.opening}{name_of(result, one.id)} {costs} the server {'; '.join(parts)}.")


def steps_of(result: Result, one: ContestantRecord, other: ContestantRecord) -> list[RateStep]:
    """Return the costs of one contestant against another at each value, from valid trials only."""
    key = main_key(result)
    return [
        RateStep(point.setting[key], _pair(result.at(index), one, other)) for index, point in enumerate(result.points)
    ]


def _pair(result: Result, one: ContestantRecord, other: ContestantRecord) -> Pair | None:
    trials = [[trial for trial in result.counted if trial.contestant == each.id] for each in (one, other)]
    values = [{trial.repeat: COST.of(trial) for trial in some if trial.is_valid} for some in trials]
    shared = [(a, b) for repeat, a in values[0].items() if a is not None and (b := values[1].get(repeat)) is not None]
    if not shared:
        return None
    in_doubt = any(map(has_doubts, [*trials[0], *trials[1]]))
    return pair_of(shared, CONFIDENCE, noise_of(COST, in_doubt=in_doubt))


def _when(key: str, steps: Sequence[RateStep]) -> str:
    """Return from when on the first costs less CPU time for a delivery than {}: no more than the steps show."""
    known = [step for step in steps if step.costs != "unknown"]
    if not known:
        return ""
    start = _start(known)
    said, notes = _never(key, known) if start is None else _from(key, known, start)
    if unknown := [step for step in steps if step.costs == "unknown"]:
        notes.append(f"not known at {_values(unknown)}")
    return f"{said} ({', '.join(notes)})"


def _from(key: str, known: Sequence[RateStep], start: RateStep) -> tuple[str, list[str]]:
    """Return from when on it is less; and how much less at the last step, and until when it is more."""
    before = [step for step in known[: known.index(start)] if step.costs == "more"]
    since = "at every value measured" if start == known[0] else f"from {spelled(key, start.value)} on"
    until = [f"more up to {_plain(one.value)}" for one in before[-1:]]
    return f"less CPU for a delivery than {{}} {since}", [_ratio(known[-1]), *until]


def _never(key: str, known: Sequence[RateStep]) -> tuple[str, list[str]]:
    """Return that there is no value from which on it is less, and what it is at each."""
    last = spelled(key, known[-1].value)
    if all(step.costs == "more" for step in known):
        return f"more CPU for a delivery than {{}} up to {last}", [_ratio(known[-1])]
    found = {costs: [step for step in known if step.costs == costs] for costs in ("less", "more", "alike")}
    words = {"less": "less at {}", "more": "more at {}", "alike": "not told apart at {}"}
    parts = [words[costs].format(_values(some)) for costs, some in found.items() if some]
    return f"CPU for a delivery that is not surely less than with {{}} up to {last}", parts


def _start(known: Sequence[RateStep]) -> RateStep | None:
    """Return the first step from which on the first costs less at every step, None if there is none."""
    found = None
    for step in reversed(known):
        if step.costs != "less":
            break
        found = step
    return found


def _ratio(step: RateStep) -> str:
    """Return how much less or more it is at a step."""
    ratio = step.pair.ratio if step.pair is not None else None
    return f"{words_of(ratio, COST.words)} at {_plain(step.value)}"


def spelled(key: str, value: Any) -> str:
    """Return a value of a swept key in words."""
    return f"{_plain(value)} {UNITS[key]}" if key in UNITS else setting_title({key: value})


def _plain(value: Any) -> str:
    return f"{value:,g}" if isinstance(value, int | float) else str(value)


def _values(steps: Sequence[RateStep]) -> str:
    return listed([_plain(step.value) for step in steps])
