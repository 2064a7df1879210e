"""Searches for capacity without a process: the planner asks, and a function says how each trial ended."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from msgspec.structs import replace

from tests.wirerace.trials import trial_of
from wirerace.analysis.capacity.found import capacities_of
from wirerace.experiment.plans import Plan, contestants_of
from wirerace.experiment.reading import study_of
from wirerace.experiment.settings import Study
from wirerace.observe.account import AccountRecord, Window
from wirerace.record.result import ContestantRecord, Failure, Host, Point, Result
from wirerace.record.trial import Finding, Trial, Verdict
from wirerace.runner.planner import planner_of
from wirerace.runner.run import add_point
from wirerace.workload.truth import Truth

Outcome = Literal["met", "server", "none", "load", "machine", "producer", "failed", "failed: server", "failed: load"]
"""How a trial ends: the objective is met, or something is at its limit, or the trial is not completed."""
Outcomes = Callable[[Plan], Outcome]
DOCUMENT: dict[str, Any] = {
    "title": "t",
    "kind": "capacity",
    "transports": ["polling", "websocket"],
    "capacity": {"objectives": ["latency.p99 < 0.5"], "most": 1600},
    "servers": {"cpus": 0.2},
    "clients": {"count": 100},
}
SECONDS = 10
MET, MISSED = 0.01, 1.0


def study_with(**tables: Any) -> Study:
    """Return the study of a search, with some tables in place of its own."""
    return study_of({**DOCUMENT, **tables}, Path())


def begun(study: Study) -> Result:
    """Return the result of a search before its first trial."""
    return Result(
        wirerace="0.1.0",
        experiment=study.document,
        ran_on="local",
        host=Host(1, "Linux", "3.11.7", {}),
        started_at="2026-01-01T00:00:00+00:00",
        contestants=[ContestantRecord(one.id, one.title, one.transport.name) for one in contestants_of(study.first)],
        points=[Point(setting.values) for setting in study.settings],
    )


def searched(study: Study, outcomes: Outcomes, most: int | None = None) -> tuple[list[Plan], Result]:
    """Return the plans of a search, at most `most` of them, and its result."""
    result = begun(study)
    plans = list(itertools.islice(continued(study, result, outcomes), most))
    result.capacities = capacities_of(result)
    return plans, result


def continued(study: Study, result: Result, outcomes: Outcomes) -> Iterator[Plan]:
    """Yield each plan that a result lacks, after its outcome was added to the result."""
    while (plan := planner_of(study).next(result)) is not None:
        add_point(result, plan.setting)
        note(result, plan, outcomes(plan))
        yield plan
    result.capacities = capacities_of(result)


def note(result: Result, plan: Plan, outcome: Outcome) -> None:
    """Add the outcome of a plan to a result."""
    if outcome.startswith("failed"):
        part = outcome.partition(": ")[2]
        result.failures.append(Failure(plan.contestant.id, plan.repeat, "it broke", plan.setting.number, part))
    else:
        result.trials.append(ended(plan, outcome))


def ended(plan: Plan, outcome: Outcome) -> Trial:
    """Return a trial that ended like this."""
    window = Window(0, SECONDS * 10**9)
    bare = trial_of(plan, window, AccountRecord(), Truth(0, complete=True, epochs=[]))
    reason = Finding("reason", f"the {outcome} was too busy", "it matters", "do something", outcome)
    findings = [] if outcome in {"met", "none"} else [reason]
    return replace(
        bare,
        updates=100,
        latency_seconds=replace(bare.latency_seconds, mean=MET, p99=MET if outcome == "met" else MISSED),
        verdict=Verdict(valid=not findings, reasons=[one.text for one in findings], findings=findings),
    )


def up_to(capacity: float, beyond: Outcome = "server", again: float | None = None) -> Outcomes:
    """Return the outcomes of contestants that meet the objective up to a capacity; after an overload up to `again`."""

    def outcome(plan: Plan) -> Outcome:
        (value,) = plan.setting.values.values()
        limit = capacity if plan.setting.after is None or again is None else again
        return "met" if value <= limit else beyond

    return outcome


def each(**outcomes: Outcomes) -> Outcomes:
    """Return the outcomes of several contestants, by their ids."""
    return lambda plan: outcomes[plan.contestant.id](plan)
