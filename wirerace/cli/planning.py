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
from wirerace.runner.progress import expected_seconds, least_trials

MANY_TRIALS = 100
LONG_SECONDS = 3600.0
"""A run with that many trials, or of that length, asks before it begins."""
MOST_ROWS = 60
"""The most rows of a plan that are printed."""


def print_plan(study: Study) -> None:
    """Print the plan of a run, and the experiment with every default, as TOML."""
    Console().print(plan_of(study))
    sys.stdout.write(f"\n{words_of(study)}\n\n# The experiment, resolved:\n{tomli_w.dumps(study.document)}")


def plan_of(study: Study) -> Table:
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
        table.add_row(printable(plan.title), repeats, f"{expected_seconds(plan):.0f} s")
    if len(plans) > MOST_ROWS:
        table.add_row(f"… and {len(plans) - MOST_ROWS} more", "", "")
    return table


def words_of(study: Study, done: int = 0) -> str:
    """Return how many trials are left, and about how long they take."""
    left, seconds = least_trials(study) - done, expected_total(study, done)
    count = "at least " if study.first.valid_repeats is not None else "about " if study.most is not None else ""
    trials = "1 trial" if left == 1 else f"{left:,} trials"
    return f"{count}{trials}, about {_duration(seconds)}"


def expected_total(study: Study, done: int = 0) -> float:
    """Return about how many seconds a study still takes after `done` trials, if every repeat is valid."""
    each = [expected_seconds(plan) for setting in study.settings for plan in plans_of(setting, 1)]
    left = max(0, least_trials(study) - done)
    return left * sum(each) / len(each)


def confirm(study: Study, result: Result | None, *, yes: bool) -> None:
    """Ask before a long run.

    Raises BadInput when the answer is no, or when there is no terminal to ask in.
    """
    done = 0 if result is None else len(result.counted) + len(result.counted_failures)
    words = words_of(study, done)
    if yes or (least_trials(study) - done < MANY_TRIALS and expected_total(study, done) < LONG_SECONDS):
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


def _duration(seconds: float) -> str:
    """Return a duration in words."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"
