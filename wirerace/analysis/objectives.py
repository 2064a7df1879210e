"""Objectives judged: PASS or FAIL for each contestant at each setting. What is not known is a FAIL."""

import msgspec

from wirerace.analysis.aggregate import over_repeats
from wirerace.analysis.conditions import why_empty, why_wrong_way
from wirerace.analysis.figures import BY_ID
from wirerace.analysis.naming import figure_named, why_never
from wirerace.errors import BadInput
from wirerace.experiment.objective import Objective, objectives_in
from wirerace.experiment.settings import Study
from wirerace.record.objective import ObjectiveRecord
from wirerace.record.result import Result


def check_objectives(study: Study) -> None:
    """Check that a study can have every figure that its objectives name, and that each of them says something.

    Raises BadInput, naming the objective and the cure.
    """
    key, texts = "objectives", study.first.objectives
    if study.first.kind == "capacity":
        key, texts = "capacity.objectives", study.first.capacity.objectives
    for number, objective in enumerate(objectives_in(texts, key)):
        at = f"{key}[{number}]"
        figure = figure_named(objective.figure, at)
        wrong = why_empty(objective, figure)
        if not wrong and study.first.kind == "capacity":
            wrong = why_wrong_way(objective, figure, study.first.capacity.knob)
        if wrong:
            raise BadInput(f"{at}: {wrong}")
        for setting in study.settings:
            if never := why_never(figure, setting.experiment):
                where = f" at {setting.title}" if setting.values else ""
                raise BadInput(f"{at}{where}: {never}")


def objectives_of(result: Result) -> list[ObjectiveRecord]:
    """Return whether each contestant met each objective, setting by setting, in the order of the file."""
    texts = msgspec.convert(result.experiment.get("objectives", []), list[str])
    objectives = list(objectives_in(texts))
    return [
        _judged(at, index, contestant.id, objective)
        for index in (range(len(result.points)) if objectives else ())
        for at in (result.at(index),)
        for contestant in result.contestants
        for objective in objectives
    ]


def _judged(result: Result, point: int, contestant: str, objective: Objective) -> ObjectiveRecord:
    """Return whether a contestant met an objective, in the result of one point."""
    figure = BY_ID.get(objective.figure)
    value = None if figure is None else over_repeats(result, contestant, figure).mean
    reason = ""
    if figure is None:
        reason = "this version knows no such figure"
    elif all(trial.contestant != contestant for trial in result.counted):
        reason = "it has no trial that counts"
    elif any(failure.contestant == contestant for failure in result.counted_failures):
        reason = "a trial of it could not be completed"
    elif value is None:
        reason = "the figure is not known"
    return ObjectiveRecord(
        objective=objective.text,
        contestant=contestant,
        point=point,
        passed=not reason and value is not None and objective.holds(value),
        value=value,
        unit=None if figure is None else figure.unit,
        reason=reason,
    )
