"""The crossover of a sweep: from which value on asking costs the server less than a push, in sentences."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from wirerace.analysis.aggregate import CONFIDENCE
from wirerace.analysis.figures import BY_ID
from wirerace.analysis.standing import Pair, has_doubts, noise_of, pair_of
from wirerace.record.result import ContestantRecord, Result
from wirerace.report.charts.axes import main_key
from wirerace.report.comparison import words_of
from wirerace.report.phrases import Tense, capital, listed, name_of, tense_of
from wirerace.report.settings import KEY_UNITS, counted, plain_number
from wirerace.report.troubles import troubles_of
from wirerace.transports import TRANSPORTS

COST = BY_ID["server.cpu_per_delivery"]
COSTS = ("more", "less", "alike", "unknown")
"""What a step can say, in the order of the sentence."""
MOST_VALUES = 5
"""Of more values than that, their number and their ends are given."""


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


class Clause(NamedTuple):
    """What the first costs against others, and at which values of the swept key."""

    costs: str
    where: str


def crossover(result: Result) -> list[str]:
    """Return what forbids to use the result, then what is so of each asking contestant: when it costs less."""
    found = troubles_of(result)
    if len(result.points) < 2 or not result.counted:
        return found
    asking = [one for one in result.present if TRANSPORTS[one.transport].asks]
    pushing = [one for one in result.present if not TRANSPORTS[one.transport].asks]
    tense = tense_of(result)
    said = [_sentences(result, one, pushing, tense) for one in asking]
    return [*found, *filter(None, said)]


def _sentences(result: Result, one: ContestantRecord, pushing: Sequence[ContestantRecord], tense: Tense) -> str:
    """Return the sentences of one asking contestant, empty if nothing is known.

    Pushes of which the same is to be said stand together.
    """
    key, said = main_key(result), dict[Sequence[Clause], list[str]]()
    for other in pushing:
        steps = steps_of(result, one, other)
        tense = tense._replace(is_shown=tense.is_shown and all(step.has_interval for step in steps))
        if clauses := _clauses(key, steps):
            said.setdefault(clauses, []).append(name_of(result, other.id))
    name, found = name_of(result, one.id), []
    for number, (clauses, others) in enumerate(said.items()):
        subject = f"{tense.opening}{name}" if not number else "it"
        found.append(_sentence(subject, clauses, others, tense, is_first=not number))
    return " ".join(found)


def _sentence(subject: str, clauses: Sequence[Clause], others: Sequence[str], tense: Tense, *, is_first: bool) -> str:
    """Return one sentence: what is so of a contestant and some others, and after a semicolon what is so elsewhere."""
    (costs, where), *rest = clauses
    cost = tense.pick("costs", "cost")
    if costs == "alike":
        said = f"{subject} and {listed(others)} are not told apart {where} in what a delivery costs the server"
    else:
        what = f"the server {costs} CPU for a delivery" if is_first else costs
        said = f"{subject} {cost} {what} than {listed(others)} {where}"
    words = {
        "more": f"it {cost} more",
        "less": f"it {cost} less",
        "alike": f"{'the two' if len(others) == 1 else 'they'} are not told apart",
        "unknown": "nothing is known",
    }
    told = [f"{one.where} {words[one.costs]}" for one in rest]
    ending = ", and ".join([", ".join(told[:-1]), told[-1]]) if len(told) > 1 else "".join(told)
    return capital(f"{said}{'; ' if ending else ''}{ending}.")


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


def _clauses(key: str, steps: Sequence[RateStep]) -> Sequence[Clause]:
    """Return what the steps show, no more.

    The answer comes first, with the unit: from when on it costs less, or else where it costs more, less, or the same.
    """
    known = [step for step in steps if step.costs != "unknown"]
    if not known:
        return ()
    of = {costs: [step for step in steps if step.costs == costs] for costs in COSTS}
    start = _start(steps)
    is_always = all(step.costs == known[0].costs for step in known)
    if start is not None and not is_always:
        main, where = "less", f"from {counted(key, start.value)} on"
        of["less"] = of["less"][: -len(steps) + steps.index(start)]
    else:
        main = next(costs for costs in COSTS if of[costs])
        where = f"at {_values(key, of.pop(main))}"
    if main != "alike" and (start is not None or is_always):
        where += f" ({_ratio(known[-1])})"
    return (Clause(main, where), *(Clause(costs, f"at {_values('', some)}") for costs, some in of.items() if some))


def _start(steps: Sequence[RateStep]) -> RateStep | None:
    """Return the first step from which on the first costs less at every step, None if there is none."""
    found = None
    for step in reversed(steps):
        if step.costs != "less":
            break
        found = step
    return found


def _ratio(step: RateStep) -> str:
    """Return how much less or more it is at a step."""
    ratio = step.pair.ratio if step.pair is not None else None
    return f"{words_of(ratio, COST.words)} at {plain_number(step.value)}"


def _values(key: str, steps: Sequence[RateStep]) -> str:
    """Return the values of some steps; with a key, the last one is counted in its unit."""
    values = [step.value for step in steps]
    last = counted(key, values[-1]) if key in KEY_UNITS else plain_number(values[-1])
    if len(values) > MOST_VALUES:
        return f"all {len(values)} values from {plain_number(values[0])} to {last}"
    words = listed([*map(plain_number, values[:-1]), last])
    return words if key in KEY_UNITS or not key else f"{key} = {words}"
