"""All that a comparison of two results says, as one value: what `wirerace compare --json` prints."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from wirerace.analysis.between import Change, Options, changes_of, matches_of
from wirerace.analysis.gates import Gate, gates_of
from wirerace.analysis.likeness import differences_of, unmatched_of
from wirerace.errors import BadInput
from wirerace.experiment.objective import Objective
from wirerace.record.result import Result


class Side(msgspec.Struct, frozen=True):
    """One of the two results: where it is, when it was made, by which version and commit, and its trials that count."""

    place: str
    started_at: str
    wirerace: str
    revision: str | None
    trials: int
    invalid: int


class RunComparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two results compared: every primary figure of what both have, and what `--fail-if` asked.

    `differences` are what else differs between the runs; `unmatched` is what only one of them has. `margin` is the
    smallest difference of times that is called one.
    """

    a: Side
    b: Side
    margin: float
    changes: list[Change]
    unmatched: list[str]
    differences: list[str]
    fail_if: list[Gate]


class Given(NamedTuple):
    """One of the two results, and where it was read from."""

    place: str
    result: Result


def compared(a: Given, b: Given, conditions: Sequence[Objective], options: Options) -> RunComparison:
    """Return how a result differs from an earlier one.

    Raises BadInput when there is nothing to compare.
    """
    for name, given in (("A", a), ("B", b)):
        if not given.result.trials:
            raise BadInput(f"{given.place}: {name} has no trial that was finished: run it to its end, with --resume")
    if a.result.trials == b.result.trials:
        raise BadInput(f"{b.place}: A and B are one run: give two")
    matches = matches_of(a.result, b.result)
    return RunComparison(
        a=_side(a),
        b=_side(b),
        margin=options.margin,
        changes=list(changes_of(matches, options)),
        unmatched=unmatched_of(a.result, b.result),
        differences=differences_of(a.result, b.result),
        fail_if=list(gates_of(matches, conditions, options)),
    )


def _side(given: Given) -> Side:
    result, counted = given.result, given.result.counted
    invalid = sum(not trial.is_valid for trial in counted)
    return Side(given.place, result.started_at, result.wirerace, result.host.revision, len(counted), invalid)


def names_of(a: Result, b: Result) -> dict[str, Any]:
    """Return the titles of contestants by id; B's, where both have one."""
    return {contestant.id: contestant.title for contestant in (*a.contestants, *b.contestants)}
