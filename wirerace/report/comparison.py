"""Contestants compared in pairs, in words: 480 times sooner (390 to 580)."""

import math

from rich.table import Table
from rich.text import Text

from wirerace.analysis.aggregate import LEAST_REPEATS
from wirerace.analysis.figure import Words
from wirerace.analysis.figures import BY_ID
from wirerace.errors import printable
from wirerace.record.result import Interval, Result, Summary
from wirerace.report.spelling import UNKNOWN, spell_interval
from wirerace.report.tables import table_with

TIMES = 2.0
"""From here on a ratio is printed in times, below it in percent."""


def comparison_of(result: Result, summary: Summary) -> Table | None:
    """Return the primary figures beside the first contestant's; None with one repeat, where the figures say it all."""
    if summary.repeats < 2 or not summary.compared:
        return None
    titles = {contestant.id: printable(contestant.title) for contestant in result.contestants}
    table = table_with(f"Compared with {titles[summary.compared[0].other]}", caption_of(summary), ("", "difference"))
    last = ""
    for compared in summary.compared:
        if compared.primary:
            if compared.one != last:
                last = compared.one
                table.add_row(Text(titles[last]))
            figure = BY_ID[compared.figure]
            words = words_of(compared.ratio, figure.words)
            table.add_row(f"  {figure.label}", words, spell_interval(compared.difference, figure.unit))
    return table


def caption_of(summary: Summary) -> str:
    """Return how the comparison was made, and with what confidence."""
    paired = "in pairs, repeat by repeat: both received the same updates"
    if summary.repeats < LEAST_REPEATS:
        return f"{paired} · fewer than {LEAST_REPEATS} repeats: no intervals"
    each = next(compared.confidence for compared in summary.compared if compared.primary)
    return (
        f"{paired} · intervals: {100 * summary.confidence:g} % for all {summary.primary_comparisons} comparisons "
        f"together, {100 * each:.3g} % each\nresult.json compares every other figure, too: exploratory, "
        f"{100 * summary.confidence:g} % each, uncorrected"
    )


def words_of(ratio: Interval | None, words: Words) -> str:
    """Return a ratio in words, with the ends of its interval if there is one."""
    if ratio is None or ratio.mean is None:
        return UNKNOWN
    if ratio.low is None or ratio.high is None:
        return _phrase(ratio.mean, words)
    if ratio.low < 1 < ratio.high:
        return f"not told apart ({_spelled(ratio.low)}–{_spelled(ratio.high)} ×)"
    in_times = max(ratio.mean, 1 / ratio.mean) >= TIMES
    low, high = map(_spelled, sorted(_amount(end, in_times=in_times) for end in (ratio.low, ratio.high)))
    unit = "" if in_times else " %"
    return _phrase(ratio.mean, words) + (f" ({low} to {high}{unit})" if low != high else "")


def _phrase(ratio: float, words: Words) -> str:
    """Return a ratio in times or percent, with the word for its direction."""
    if ratio == 1:
        return "the same"
    in_times = max(ratio, 1 / ratio) >= TIMES
    amount = _spelled(_amount(ratio, in_times=in_times))
    if in_times:
        return f"{amount} times {words.smaller if ratio < 1 else words.times}"
    return f"{amount} % {words.smaller if ratio < 1 else words.larger}"


def _amount(ratio: float, *, in_times: bool) -> float:
    return max(ratio, 1 / ratio) if in_times else 100 * abs(ratio - 1)


def _spelled(value: float) -> str:
    """Return two digits of a value, without an exponent: its interval shows that the third means little."""
    if value == 0:
        return "0"
    decimals = 1 - math.floor(math.log10(abs(value)))
    spelled = f"{round(value, decimals):.{max(0, decimals)}f}"
    return spelled.rstrip("0").rstrip(".") if "." in spelled else spelled
