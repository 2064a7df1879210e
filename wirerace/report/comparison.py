"""Contestants compared in pairs, in words: 480 times sooner (390 to 580)."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from wirerace.analysis.aggregate import LEAST_REPEATS
from wirerace.analysis.figure import Words
from wirerace.analysis.figures import BY_ID
from wirerace.errors import printable
from wirerace.record.result import Interval, Result, Summary
from wirerace.report.spelling import UNKNOWN, spell_interval, two_digits
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
                table.add_row(escape(titles[last]))
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
        f"together, {100 * each:.3g} % each.\nresult.json compares every other figure, too: exploratory, "
        f"{100 * summary.confidence:g} % each, uncorrected"
    )


def words_of(ratio: Interval | None, words: Words) -> str:
    """Return a ratio in words, with the ends of its interval if there is one."""
    if ratio is None or ratio.mean is None:
        return UNKNOWN
    if ratio.low is None or ratio.high is None:
        return _phrase(ratio.mean, words)
    if ratio.low < 1 < ratio.high:
        return f"not told apart ({two_digits(ratio.low)}–{two_digits(ratio.high)} ×)"
    return _phrase(ratio.mean, words) + ends_of([ratio], in_times=is_in_times(ratio.mean))


def words_of_several(ratios: Sequence[float], words: Words) -> str:
    """Return ratios as a range in words: 15 to 27 times as late. All are above 1, or all below, and all in one unit."""
    in_times, is_less = is_in_times(ratios[0]), ratios[0] < 1
    amounts = sorted(_amount(ratio, in_times=in_times) for ratio in ratios)
    said = " to ".join(dict.fromkeys(map(two_digits, (amounts[0], amounts[-1]))))
    if in_times:
        return f"{said} times {words.smaller if is_less else words.times}"
    return f"{said} % {words.smaller if is_less else words.larger}"


def ends_of(ratios: Sequence[Interval], *, in_times: bool) -> str:
    """Return the ends of the intervals of some ratios together, in brackets: (390 to 580); empty without intervals."""
    lows = [ratio.low for ratio in ratios if ratio.low is not None]
    highs = [ratio.high for ratio in ratios if ratio.high is not None]
    if not len(lows) == len(highs) == len(ratios):
        return ""
    ends = (min(lows), max(highs))
    low, high = map(two_digits, sorted(_amount(end, in_times=in_times) for end in ends))
    return f" ({low} to {high}{'' if in_times else ' %'})" if low != high else ""


def is_in_times(ratio: float) -> bool:
    """Return whether a ratio is printed in times, and not in percent."""
    return max(ratio, 1 / ratio) >= TIMES


def _phrase(ratio: float, words: Words) -> str:
    """Return a ratio in times or percent, with the word for its direction."""
    if ratio == 1:
        return "the same"
    in_times = is_in_times(ratio)
    amount = two_digits(_amount(ratio, in_times=in_times))
    if in_times:
        return f"{amount} times {words.smaller if ratio < 1 else words.times}"
    return f"{amount} % {words.smaller if ratio < 1 else words.larger}"


def _amount(ratio: float, *, in_times: bool) -> float:
    return max(ratio, 1 / ratio) if in_times else 100 * abs(ratio - 1)
