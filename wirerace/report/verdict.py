"""The verdict in the terminal: one word for each contestant, then each finding with what to do about it."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.table import Table
from rich.text import Text

from wirerace.errors import printable
from wirerace.record.result import Result
from wirerace.record.trial import Finding, Trial, Verdict, Weight
from wirerace.report.capacity import validity_of_search
from wirerace.report.settings import at_point, repeats_words
from wirerace.report.tables import grid

NUMBER = re.compile(r"(?<![A-Za-z])\d[\d.,]*(?:e[+-]?\d+)?")
"""A number by itself: not the 99 of p99."""
MARKS: dict[Weight, str] = {"reason": "✗", "doubt": "?", "unchecked": "·"}
GOOD, WITH_CARE, DO_NOT_USE = "good", "with care", "do not use"
STYLES = {
    "VALID, with care": "bold yellow",
    "VALID": "bold green",
    "INVALID": "bold red",
    GOOD: "green",
    WITH_CARE: "yellow",
    DO_NOT_USE: "red",
}
"""Colours by the beginning of a text; the first match counts."""


def verdict_of(result: Result) -> list[Text | Table]:
    """Return the verdict: whether the run is valid, a word for each contestant, and what was found."""
    words = grid()
    for contestant in result.present if len(result.points) == 1 else ():
        trials = [trial for trial in result.counted if trial.contestant == contestant.id]
        words.add_row("", Text(printable(contestant.title)), _coloured(word_of(trials)))
    found = grid()
    for (weight, cure), groups in itertools.groupby(_together(result), lambda group: (group.first.weight, group.cure)):
        for group in groups:
            found.add_row("", MARKS[weight], Text(printable(f"{_said(group.first)} ({_which(result, group.trials)})")))
        if cure:
            found.add_row("", "", Text(printable(f"→ {cure}")))
    return [_coloured(validity_of(result)), *(part for part in (words, found) if part.row_count)]


def _coloured(text: str) -> Text:
    """Return a text in the colour of its meaning."""
    return Text(text, colour_of(text))


def colour_of(text: str) -> str:
    """Return the colour of a verdict, or of a word for a contestant."""
    return next((style for words, style in STYLES.items() if text.startswith(words)), "")


def validity_of(result: Result) -> str:
    """Return whether the trials that count are valid; of a search, whether it found the capacities of servers."""
    if result.is_search and result.trials:
        return validity_of_search(result)
    trials = result.counted
    invalid, doubtful = sum(not trial.is_valid for trial in trials), sum(map(is_doubtful, trials))
    discarded = f" (discarded: {_discarded(result)})" if result.discarded else ""
    if not trials:
        return f"INVALID: no repeat was valid{discarded}"
    if invalid:
        usable = len(trials) - invalid
        return f"INVALID: {usable or 'none'} of {len(trials)} trials can be used{discarded}"
    if doubtful:
        return f"VALID, with care: {_are(doubtful, trials)} in doubt{discarded}"
    return f"VALID: {len(trials)} of {len(trials)} trials{discarded}"


def _discarded(result: Result) -> str:
    """Return the repeats that do not count: their numbers, or, with several settings, how many they are."""
    if len(result.points) > 1:
        return f"{len(result.discarded)} repeats"
    return f"repeat {', '.join(str(one.repeat) for one in result.discarded)}"


def is_doubtful(trial: Trial) -> bool:
    """Return whether a trial is valid, but with doubts."""
    return trial.is_valid and any(finding.weight == "doubt" for finding in findings_of(trial.verdict))


def word_of(trials: Sequence[Trial]) -> str:
    """Return the word for a contestant's trials, and for how many of several it holds."""
    invalid, doubtful = sum(not trial.is_valid for trial in trials), sum(map(is_doubtful, trials))
    if invalid:
        return DO_NOT_USE + (f": {_are(invalid, trials)} invalid" if len(trials) > 1 else "")
    if doubtful:
        return WITH_CARE + (f": {_are(doubtful, trials)} in doubt" if len(trials) > 1 else "")
    return GOOD


def _are(count: int, trials: Sequence[Trial]) -> str:
    """Return the number of trials out of all, as the beginning of a sentence."""
    if len(trials) == 1:
        return "the trial is"
    if count == len(trials):
        return f"all {count} trials are"
    return f"{count} of {len(trials)} trials {'is' if count == 1 else 'are'}"


def findings_of(verdict: Verdict | None) -> list[Finding]:
    """Return all findings, also those of an older result, in which they were not saved one by one."""
    if verdict is None:
        return [Finding("reason", "the trial was not judged", "nothing is known of it", "run it again")]
    if verdict.findings:
        return verdict.findings
    texts: tuple[tuple[Weight, list[str]], ...] = (
        ("reason", verdict.reasons),
        ("doubt", verdict.doubts),
        ("unchecked", verdict.unchecked),
    )
    return [Finding(weight, *text.split(": ", 1)) for weight, found in texts for text in found]


class _Group(NamedTuple):
    """Findings that differ only in numbers: the first one, and the trials that have one."""

    first: Finding
    trials: list[Trial]

    @property
    def cure(self) -> str:
        """What to do about it."""
        return self.first.cure


def _together(result: Result) -> Iterator[_Group]:
    """Yield the findings, those that differ only in numbers once: reasons first, and the same cures together."""
    names = [contestant.id for contestant in result.contestants]
    trials = sorted(result.trials, key=lambda trial: (names.index(trial.contestant), trial.point, trial.repeat))
    groups: dict[tuple[Weight, str], _Group] = {}
    for trial in trials:
        for finding in findings_of(trial.verdict):
            alike = (finding.weight, NUMBER.sub("#", finding.what))
            groups.setdefault(alike, _Group(finding, [])).trials.append(trial)
    for weight in MARKS:
        of_weight = [group for group in groups.values() if group.first.weight == weight]
        cures = list(dict.fromkeys(group.cure for group in of_weight))
        yield from sorted(of_weight, key=lambda group: cures.index(group.cure))


def _said(finding: Finding) -> str:
    """Return what was found. Only reasons also say why it matters; result.json has that of all findings."""
    if finding.weight == "unchecked":
        return f"not checked: {finding.what}"
    return finding.text if finding.weight == "reason" else finding.what


def _which(result: Result, trials: Sequence[Trial]) -> str:
    """Return the names of trials, with the numbers of repeats if they are not all of a contestant's repeats."""
    if len(trials) == len(result.trials):
        return "every trial" if len(trials) > 1 else _name(result, trials[0])
    found: dict[str, list[int]] = {}
    for trial in trials:
        found.setdefault(_name(result, trial), []).append(trial.repeat)
    ran = Counter(_name(result, trial) for trial in result.trials)
    return "; ".join(
        name if len(repeats) == ran[name] else f"{name}, {repeats_words(repeats)}" for name, repeats in found.items()
    )


def _name(result: Result, trial: Trial) -> str:
    """Return the name for people of a contestant's trials at a setting."""
    return result.title_of(trial.contestant) + at_point(result, trial.point)


def spelled_findings(result: Result) -> Iterator[tuple[Weight, str, str]]:
    """Yield the findings as in the terminal: how each weighs, what was found in which trials, and what to do."""
    for group in _together(result):
        yield (
            group.first.weight,
            printable(f"{_said(group.first)} ({_which(result, group.trials)})"),
            printable(group.cure),
        )
