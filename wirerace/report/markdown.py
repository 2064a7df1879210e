"""A result as Markdown, ready to paste: figures as rows, contestants as columns, each relative to the best one."""

import re
from collections.abc import Iterator, Mapping, Sequence

from wirerace import __version__
from wirerace.analysis.aggregate import CONFIDENCE, LEAST_REPEATS, compared_in_pairs, figures_of, summarised
from wirerace.analysis.figure import Figure
from wirerace.errors import printable
from wirerace.record.result import Interval, Result, Summary
from wirerace.report.capacity import objectives_line, rows_of
from wirerace.report.capacity_answer import HEADS
from wirerace.report.settings import point_words
from wirerace.report.spelling import spell_interval
from wirerace.report.verdict import validity_of

WHOLE = 100
"""From here on a ratio without an interval has no decimals, and never an exponent."""
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~])")


def markdown_of(result: Result) -> str:
    """Return the title, the verdict, and a table for each setting; of a search, one of the capacities."""
    head = [f"### {plain(str(result.experiment['title']))}", "", f"{plain(validity_of(result))}.", ""]
    if result.is_search:
        about = f"{plain(objectives_line(result))}. Wirerace {_versions(result)}."
        return "\n".join([*head, *capacity_lines(result), "", about, ""])
    lines = head
    for index, point in enumerate(result.points):
        if len(result.points) > 1:
            lines += [f"**{plain(point_words(point))}**", ""]
        lines += [*_table(result.at(index)), ""]
    return "\n".join([*lines, _caption(result), ""])


def plain(text: str) -> str:
    """Return a text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", printable(text))


def capacity_lines(result: Result) -> Iterator[str]:
    """Yield the lines of the table of capacities of a search."""
    yield row("", *HEADS[1:])
    yield row("---", *("---:" for _ in HEADS[1:]))
    for one in rows_of(result):
        yield row(*map(plain, (one.title, one.carries, one.measured, one.gave_out, one.again)))


def _table(result: Result) -> Iterator[str]:
    """Yield the lines of a table of one setting."""
    if not result.counted:
        yield "No trial counts."
        return
    summary, ids = summarised(result), [contestant.id for contestant in result.present]
    yield row("", *(plain(result.title_of(name)) for name in ids))
    yield row("---", *("---:" for _ in ids))
    for figure in figures_of(result):
        best = _best(summary, ids, figure)
        cells = (_cell(result, summary, name, best, figure) for name in ids)
        yield row(plain(figure.label) + (" †" if figure.primary else ""), *cells)


def row(*cells: str) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(cells)} |"


def _best(summary: Summary, ids: Sequence[str], figure: Figure) -> str | None:
    """Return the contestant whose figure is best; None if one is not known, or if all are the same."""
    means = {name: summary.figures[name][figure.id].mean for name in ids}
    known = {name: mean for name, mean in means.items() if mean is not None}
    if len(known) < len(ids) or len(set(known.values())) < 2:
        return None
    return (min if figure.better == "less" else max)(known, key=lambda name: known[name])


def _cell(result: Result, summary: Summary, name: str, best: str | None, figure: Figure) -> str:
    """Return a value with its interval, in bold if it is the best, or else with its ratio to the best."""
    value = plain(spell_interval(summary.figures[name][figure.id], figure.unit))
    if name == best:
        return f"**{value}**"
    ratio = None if best is None or figure.total else _ratio(result, name, best, figure)
    if ratio is None or ratio.mean is None:
        return value
    times = f"{ratio.mean:.0f}" if ratio.high is None and ratio.mean >= WHOLE else spell_interval(ratio, "ratio")
    return f"{value} ({times} ×)"


def _ratio(result: Result, name: str, best: str, figure: Figure) -> Interval | None:
    """Return a contestant's figure over that of the best one, in the repeats that both have; ± is half its interval."""
    values: list[Mapping[int, float | None]] = [
        {trial.repeat: figure.of(trial) for trial in result.counted if trial.contestant == one} for one in (name, best)
    ]
    pairs = [(a, b) for repeat, a in values[0].items() if a is not None and (b := values[1].get(repeat)) is not None]
    ratio = compared_in_pairs(pairs, CONFIDENCE)[0] if pairs else None
    if ratio is None or ratio.mean is None or ratio.low is None or ratio.high is None:
        return ratio
    half = (ratio.high - ratio.low) / 2
    return Interval(ratio.mean, ratio.mean - half, ratio.mean + half)


def _caption(result: Result) -> str:
    repeats = len({trial.repeat for trial in result.counted})
    means = "One repeat, no intervals" if repeats == 1 else f"Mean of {repeats} repeats"
    if repeats >= LEAST_REPEATS:
        means += f", ± {100 * CONFIDENCE:g} % intervals, each by itself"
    best = "The best is in bold; × is relative to it, repeat by repeat. † primary figure."
    return f"{means}. {best} Wirerace {_versions(result)}."


def _versions(result: Result) -> str:
    return result.wirerace if result.wirerace == __version__ else f"{result.wirerace}, shown by {__version__}"
