"""The answer of a run, in at most 20 lines: headline, verdict, a table, a word for each contestant, and what to do."""

import io
from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from wirerace.analysis.aggregate import has_visitors
from wirerace.analysis.crossing import crossings_of
from wirerace.errors import printable
from wirerace.record.result import Result
from wirerace.record.trial import Finding, Trial
from wirerace.report.answer_rows import table_in_rows
from wirerace.report.answer_table import BEST, fits_in_columns, fitted, table_in_columns
from wirerace.report.capacity_answer import capacity_table, capacity_verdict
from wirerace.report.headline import headline
from wirerace.report.objectives import objectives_part
from wirerace.report.sweep import CARE, GOOD, NOT
from wirerace.report.verdict import MARKS, colour_of, findings_of, validity_of

LINES, COLUMNS = 20, 80
"""A terminal has 24 lines: the answer and the next prompt fit."""
HEADLINE_LINES, CROSSING_LINES = 4, 8
"""The most lines of a headline; the sentences of a crossing are the answer that the sweep was made for."""
OBJECTIVE_LINES = 3
LEAST_TABLE = 4
AROUND_ROWS = 10
"""The most lines above and below the rows of a run without a sweep."""
WRAPPING = Console(file=io.StringIO(), width=COLUMNS)
"""Wraps by the width of characters, which are twice as wide in East Asian titles."""
HINT = " · wirerace show RUN --full has every figure"


def lines_for(result: Result) -> int:
    """Return how many lines the answer may have: without a sweep, every contestant has a row."""
    return LINES if len(result.points) > 1 else max(LINES, len(result.present) + AROUND_ROWS)


def answer_of(result: Result, lines: int = LINES, columns: int = COLUMNS, *, has_bars: bool = True) -> list[Text]:
    """Return at most `lines` lines of at most `columns` columns; none if there is nothing to say."""
    columns = min(columns, COLUMNS)
    if result.is_search and result.trials:
        return _answer_of_search(result, lines, columns)
    said = _wrapped(headline(result), columns, CROSSING_LINES if crossings_of(result) else HEADLINE_LINES)
    head = [Text(line, "bold") for line in said]
    if not result.trials:
        return head[:lines]
    foot = [*_objectives(result, columns), _verdict(result, columns)]
    advice = _advice(result, columns)
    left = lines - len(head) - len(foot) - min(len(advice), 1)
    table = _table(result, columns, left, has_bars=has_bars) if result.counted else []
    left = lines - len(head) - len(foot) - len(table)
    if len(whole := _advice(result, columns, most=2)) <= left:
        advice = whole
    foot += advice[:left]
    gaps = 2 if left - len(advice) >= 2 else max(0, left - len(advice))
    return [*head, *[Text()] * (gaps > 0), *table, *[Text()] * (gaps > 1), *foot]


def _answer_of_search(result: Result, lines: int, columns: int) -> list[Text]:
    """Return sentences, a row for each contestant, and the verdict. The sentences get the lines that are left."""
    table, verdict = capacity_table(result, columns), capacity_verdict(result, columns)
    most = min(CROSSING_LINES, max(1, lines - len(table) - 2 - len(verdict)))
    head = [Text(line, "bold") for line in _wrapped(headline(result), columns, most)]
    return [*[*head, Text(), *table][: lines - 1 - len(verdict)], Text(), *verdict]


def _objectives(result: Result, columns: int) -> list[Text]:
    """Return whether the experiment's objectives are met, and the first of those that are not."""
    lines = [line for line in objectives_part(result) if line.plain]
    return [Text(fitted(line.plain, columns).rstrip(), line.style) for line in lines[:OBJECTIVE_LINES]]


def _table(result: Result, columns: int, lines: int, *, has_bars: bool) -> list[Text]:
    """Return the table and its caption."""
    caption = [Text(fitted(_caption(result), columns).rstrip(), "dim")]
    if len(result.points) == 1 and fits_in_columns(result, columns):
        return [*table_in_columns(result, columns, has_bars=has_bars), *caption]
    return [*table_in_rows(result, columns, max(LEAST_TABLE, lines - 1)), *caption]


def _caption(result: Result) -> str:
    """Return what the values of the table are."""
    each = "visit" if has_visitors(result) else "delivery"
    if len(result.points) == 1:
        return f"CPU, IP bytes and requests: for a {each} · {BEST} best, or not told apart from it"
    return f"for a {each} · {BEST} best, or alike · {GOOD} good · {CARE} with care · {NOT} do not use"


def _advice(result: Result, columns: int, most: int = 1) -> list[Text]:
    """Return what to do about the contestants that are not good: the worst first, the same advice once.

    Each advice has at most `most` lines.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for contestant in result.present:
        trials = [trial for trial in result.counted if trial.contestant == contestant.id]
        if (finding := _worst(trials)) is not None:
            key = (MARKS[finding.weight], finding.cure or "--full says why")
            found.setdefault(key, []).append(printable(contestant.title))
    lines = []
    for (mark, cure), titles in sorted(found.items(), key=lambda item: list(MARKS.values()).index(item[0][0])):
        names = "all" if len(titles) == len(result.present) > 1 else ", ".join(titles)
        colour = "red" if mark == MARKS["reason"] else "yellow"
        lines += [Text(line, colour) for line in _hanging(f"{mark} {names}: {printable(cure)}", columns, most)]
    return lines


def _hanging(text: str, columns: int, most: int) -> list[str]:
    """Return a text on at most `most` lines, the second one indented; what does not fit is cut."""
    first, *rest = [line.plain.rstrip() for line in Text(text).wrap(WRAPPING, columns - 2 * (most > 1))]
    if most == 1:
        return [fitted(text, columns).rstrip()]
    return [first, *(f"  {fitted(' '.join(rest), columns - 2).rstrip()}" for _ in rest[:1])]


def _worst(trials: Sequence[Trial]) -> Finding | None:
    """Return the finding that matters most, None if there is no reason and no doubt."""
    findings = [finding for trial in trials for finding in findings_of(trial.verdict)]
    weights = list(MARKS)[:2]
    ranked = [finding for weight in weights for finding in findings if finding.weight == weight]
    return ranked[0] if ranked else None


def _verdict(result: Result, columns: int) -> Text:
    """Return whether the run is valid, and where to find the rest if that fits beside it."""
    verdict = validity_of(result)
    whole = verdict + HINT if cell_len(verdict + HINT) <= columns else verdict
    return Text(fitted(whole, columns).rstrip(), colour_of(verdict))


def _wrapped(sentences: Sequence[str], columns: int, most: int) -> list[str]:
    """Return whole sentences on at most `most` lines; the first one is cut if it alone is longer."""
    lines: list[str] = []
    for sentence in sentences:
        text = Text(" ".join([*lines, sentence]))
        wrapped = [line.plain.rstrip() for line in text.wrap(WRAPPING, columns)]
        if len(wrapped) > most:
            return lines or [*wrapped[: most - 1], fitted(f"{wrapped[most - 1]} {wrapped[most]}", columns).rstrip()]
        lines = wrapped
    return lines
