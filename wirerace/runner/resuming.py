"""Resuming: an interrupted run continues with its first settings."""

import itertools
from pathlib import Path

from msgspec.structs import replace

from wirerace.errors import BadInput
from wirerace.experiment.reading import study_of
from wirerace.experiment.settings import Setting, Study
from wirerace.record.hosts import differing
from wirerace.record.reading import read_result
from wirerace.record.result import Result
from wirerace.runner.hosting import host_of


def begun_before(directory: Path) -> tuple[Study, Result]:
    """Return the study and the result of an interrupted run.

    The result gets a warning when the machine or its software is different now.

    Raises BadInput when there is no such run, or when it cannot be continued.
    """
    result = read_result(directory)
    if result.ran_on is None:
        raise BadInput(f"{directory}: an older version wrote it, and it cannot be resumed: run the experiment again")
    try:
        study = study_of(result.experiment, Path())
    except BadInput as error:
        raise BadInput(f"{directory}: it cannot be resumed: its experiment: {error}") from None
    if study.most is None:
        study = study._replace(settings=_in_order(study, result))
    elif _is_edited(study, result):
        raise BadInput(f"{directory}: it was edited, and cannot be resumed: its points are not those of its search")
    if study.most is None and len(study.settings) != len(result.points):
        raise BadInput(f"{directory}: it was edited, and cannot be resumed: its points are not those of its experiment")
    now = host_of(study, result.ran_on)
    if result.ran_on == "kubernetes":  # its machine is a node, which is not known yet
        before = result.host
        now = replace(now, cores=before.cores, kernel=before.kernel, cpu_model=before.cpu_model)
    if changed := ", ".join(differing(result.host, now)):
        result.warnings.append(f"it was begun with another {changed} than it was continued with")
    return study, result


def _is_edited(study: Study, result: Result) -> bool:
    """Return whether the points of a search are not those that it could have found."""
    knob = study.first.capacity.knob
    places = [one for point in result.points for one in (point.setting, point.after) if one]
    keys = [list(place) for place in places]
    values = [place.get(knob) for place in places]
    return any(one != [knob] for one in keys) or not all(
        isinstance(value, int | float) and value > 0 for value in values
    )


def _in_order(study: Study, result: Result) -> list[Setting]:
    """Return the settings of a study that are points of a result, in the order of the points.

    The result has every key in the order of the model, so the last key of its file need not be the last one here.
    """
    found = []
    for number, point in enumerate(result.points):
        same = (setting for setting in study.settings if setting.values == point.setting)
        found += [setting._replace(number=number, values=point.setting) for setting in itertools.islice(same, 1)]
    return found if len(study.settings) == len(result.points) else []
