"""What a run would do: its plan, how long it takes, and a question before a long one."""

import sys

import tomli_w
from rich.console import Console
from rich.table import Table

from wirerace.errors import BadInput, printable
from wirerace.experiment.plans import contestants_of, plans_of
from wirerace.experiment.settings import Study
from wirerace.record.result import Result
from wirerace.report.tables import table_with
from wirerace.runner.forecast import Forecast, Place, Remaining, expected_seconds

MANY_TRIALS = 100
LONG_SECONDS = 3600.0
"""A run with that many trials, or of that length, asks before it begins."""
MOST_ROWS = 60
"""The most rows of a plan that are printed."""


def print_plan(study: Study, place: Place = "local") -> None:
    """Print the plan of a run, and the experiment with every default, as TOML."""
    Console().print(plan_of(study, place))
    sys.stdout.write(
        f"\n{words_of(study, None, place)}\n\n# The experiment, resolved:\n{tomli_w.dumps(study.document)}"
    )


def plan_of(study: Study, place: Place = "local") -> Table:
    """Return the plan: a row for each contestant at each setting, with its repeats and the time for each."""
    repeats = _repeats(study)
    caption = "each repeat runs all contestants in an order of its own"
    if study.most is not None:
        caption = "all contestants are searched side by side; more clients take longer"
    table = table_with("The plan", caption, ("repeats", "each"))
    ids = [one.id for one in contestants_of(study.first)]
    plans = [
        plan
        for setting in study.settings
        for plan in sorted(plans_of(setting, 1), key=lambda plan: ids.index(plan.contestant.id))
    ]
    for plan in plans[:MOST_ROWS]:
        table.add_row(printable(plan.title), repeats, f"{expected_seconds(plan, place):.0f} s")
    if len(plans) > MOST_ROWS:
        table.add_row(f"… and {len(plans) - MOST_ROWS} more", "", "")
    return table


def words_of(study: Study, result: Result | None = None, place: Place = "local") -> str:
    """Return how many trials a result still lacks, and about how long they take."""
    return _said(study, Forecast(study, place).left(result))


def _said(study: Study, left: Remaining) -> str:
    count = "at least " if study.first.valid_repeats is not None else "about " if study.most is not None else ""
    fewest, most = left.trials
    trials = f"{fewest:,} to {most:,} trials" if fewest < most else "1 trial" if most == 1 else f"{most:,} trials"
    return f"{count}{trials}, about {_duration(*left.seconds)}"


def confirm(study: Study, result: Result | None, place: Place = "local", *, yes: bool) -> None:
    """Ask before a long run.

    Raises BadInput when the answer is no, or when there is no terminal to ask in.
    """
    left = Forecast(study, place).left(result)
    words = _said(study, left)
    if yes or (left.trials[1] < MANY_TRIALS and left.seconds[1] < LONG_SECONDS):
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise BadInput(f"this is {words}: add --yes to run it, or --dry-run to see the plan")
    sys.stderr.write(f"This is {words}. Run it? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise BadInput("not run; --dry-run shows the plan")


def _repeats(study: Study) -> str:
    experiment = study.first
    if study.most is not None:
        return f"a search, up to {experiment.capacity.most:g}"
    if experiment.valid_repeats is None:
        return str(experiment.repeats)
    return f"{experiment.valid_repeats} valid, at most {experiment.tries}"


def _duration(least: float, most: float) -> str:
    """Return a range of durations in words, in the unit of the longer one."""
    unit, size = ("s", 1.0) if most < 90 else ("minutes", 60.0) if most < 90 * 60 else ("hours", 3600.0)
    ends = dict.fromkeys(f"{seconds / size:.{1 if unit == 'hours' else 0}f}" for seconds in (least, most))
    return f"{' to '.join(ends)} {unit}"
