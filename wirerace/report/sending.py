"""The cost of sending in words: a sentence for each contestant and rate."""

from rich.text import Text

from wirerace.analysis.aggregate import LEAST_REPEATS
from wirerace.analysis.sending import sending_of
from wirerace.errors import printable
from wirerace.record.result import Interval, Result, SendingCost
from wirerace.report.settings import setting_words
from wirerace.report.spelling import spell, spell_interval


def sending_costs_of(result: Result) -> list[Text]:
    """Return what a message costs each contestant's server, and what sending does to updates."""
    costs = sending_of(result)
    if not costs:
        return []
    repeats = len({trial.repeat for trial in result.counted})
    over = f"{repeats} repeats, in pairs" if repeats >= LEAST_REPEATS else "without intervals"
    heading = Text(f"What does sending cost, against the same clients when they only receive? ({over})")
    return [heading, *(Text(sentence_of(result, cost)) for cost in costs), Text()]


def sentence_of(result: Result, cost: SendingCost) -> str:
    """Return the sentence of one contestant at one rate."""
    title, setting = printable(result.title_of(cost.contestant)), setting_words(cost.setting)
    return (
        f"{title}, {setting}: a message costs {spell_interval(cost.cpu_us, 'microseconds')} of server CPU; "
        f"updates {_later(cost.later_seconds)}."
    )


def _later(later: Interval) -> str:
    """Return by how much updates come later, or sooner, with messages; without an interval, only what was seen."""
    if later.mean is None:
        return "come – later"
    if later.low is not None and later.high is not None and later.low < 0 < later.high:
        return f"come not surely later or sooner ({spell(later.low, 'seconds')} to {spell(later.high, 'seconds')})"
    amount = f"{spell(abs(later.mean), 'seconds')} {'later' if later.mean >= 0 else 'sooner'}"
    return f"came {amount} this time" if later.low is None else f"come {amount}"
