"""What forbids to use a result, in sentences: failures, invalid trials, and updates that were lost or repeated."""

from collections.abc import Sequence

from wirerace.errors import printable
from wirerace.record.result import Result
from wirerace.record.trial import Trial
from wirerace.report.phrases import capital, name_of, names_of
from wirerace.report.verdict import findings_of

MOST_CHARACTERS = 100
"""Of a reason: the verdict has it in full."""


def usable_of(result: Result) -> list[str]:
    """Return the ids of the contestants of which every trial that counts is valid."""
    invalid = {trial.contestant for trial in result.counted if not trial.is_valid}
    return [contestant.id for contestant in result.present if contestant.id not in invalid]


def troubles_of(result: Result) -> list[str]:
    """Return a sentence for each kind of trouble, the worst first; a search makes trouble on purpose."""
    if result.is_search and result.trials:
        return []
    found = [_failures(result), _invalid(result), _not_whole(result)]
    return [sentence for sentence in found if sentence]


def _failures(result: Result) -> str:
    failures = result.counted_failures or ([] if result.counted else result.failures)
    if not failures:
        return "" if result.trials else "Nothing was measured."
    names = list(dict.fromkeys(failure.contestant for failure in failures))
    runs = len(result.counted) + len(failures)
    times = f" in {len(failures)} of {runs} trials" if result.counted and len(failures) > len(names) else ""
    said = f"{capital(names_of(result, names))} could not be measured{times}"
    return f"{said}: {_cut(failures[0].reason)}."


def _invalid(result: Result) -> str:
    if not result.counted:
        return "Of no use: no repeat was valid." if result.trials else ""
    invalid = [trial for trial in result.counted if not trial.is_valid]
    if not invalid:
        return ""
    because = next((f": {_cut(finding.what)}" for finding in findings_of(invalid[0].verdict)), "")
    if len(invalid) == len(result.counted):
        return f"Of no use: {'the trial' if len(invalid) == 1 else 'every trial'} is invalid{because}."
    names = [one.id for one in result.present if any(trial.contestant == one.id for trial in invalid)]
    counts = [sum(trial.contestant == one for trial in result.counted) for one in names]
    if len(invalid) < sum(counts) and len(result.points) == 1:
        because = f" ({len(invalid)} of {sum(counts)} trials {'is' if len(invalid) == 1 else 'are'} invalid){because}"
    if len(names) == len(result.present) > 1 == len(result.points):
        return f"No contestant can be used{because}."
    if len(result.points) > 1:
        count = f"{len(invalid)} of {len(result.counted)} trials"
        return f"{count} cannot be used ({names_of(result, names)}){because}."
    return f"{capital(names_of(result, names))} cannot be used{because}."


def _not_whole(result: Result) -> str:
    """Return which contestants lost, repeated or reordered updates, and how many."""
    parts = []
    for contestant in result.present:
        trials = [trial for trial in result.counted if trial.contestant == contestant.id]
        if counts := _counts(trials):
            parts.append(f"{name_of(result, contestant.id)} ({counts})")
    return f"Not every update arrived once and in order: {', '.join(parts)}." if parts else ""


def _counts(trials: Sequence[Trial]) -> str:
    messages = [trial.messages for trial in trials if trial.messages is not None]
    counts = {
        "lost": sum(trial.lost for trial in trials),
        "twice": sum(trial.duplicated for trial in trials),
        "out of order": sum(trial.reordered for trial in trials),
        "messages lost": sum(each.lost for each in messages),
    }
    return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)


def _cut(text: str) -> str:
    """Return the beginning of a text, without a full stop."""
    line = printable(text).strip().rstrip(".")
    return line if len(line) <= MOST_CHARACTERS else f"{line[: MOST_CHARACTERS - 1]}…"
