"""Parts of sentences about contestants: their names, lists, and tenses."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from wirerace.analysis.aggregate import LEAST_REPEATS
from wirerace.analysis.standing import repeats_of
from wirerace.errors import printable
from wirerace.record.result import Result

COMMON_WORDS = ("Polling", "Long polling")
"""Titles that begin with a small letter within a sentence."""


class Tense(NamedTuple):
    """How a sentence speaks: of what one or two runs saw, or of what intervals show."""

    is_shown: bool
    repeats: int

    @property
    def opening(self) -> str:
        """The words with which the first claim begins."""
        if self.is_shown:
            return ""
        return "In this run " if self.repeats < 2 else f"In these {self.repeats} runs "

    def pick(self, present: str, past: str) -> str:
        """Return the word for it: what is shown is told in the present."""
        return present if self.is_shown else past


def tense_of(result: Result) -> Tense:
    """Return how to speak of a result: from three repeats of every contestant on there are intervals."""
    repeats = repeats_of(result)
    return Tense(repeats >= LEAST_REPEATS, repeats)


def listed(words: Sequence[str]) -> str:
    """Return words as a list in a sentence."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def names_of(result: Result, ids: Sequence[str]) -> str:
    """Return the names of contestants as a list in a sentence."""
    return listed([name_of(result, one) for one in ids])


def name_of(result: Result, contestant: str) -> str:
    """Return the name of a contestant within a sentence, in quotes if it would break the sentence."""
    title = printable(result.title_of(contestant))
    if "," in title or " and " in title:
        return f"“{title}”"
    return title[:1].lower() + title[1:] if title.startswith(COMMON_WORDS) else title


def capital(text: str) -> str:
    """Return a text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def poll_interval_of(experiment: Mapping[str, Any], contestant: str, transport: str) -> float | None:
    """Return the poll interval of a contestant, None if it does not poll."""
    if transport != "polling":
        return None
    listed_tables = experiment.get("contestants")
    tables = listed_tables if isinstance(listed_tables, list) else []
    own = [table.get("options") for table in tables if isinstance(table, dict) and table.get("id") == contestant]
    for options in (*own, experiment.get("polling")):
        interval = options.get("interval_seconds") if isinstance(options, dict) else None
        if isinstance(interval, int | float):
            return float(interval)
    return None
