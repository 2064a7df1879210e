"""Resuming a run: its settings are those of its result, in the order of its result."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.wirerace.experiment.files import LEAST, written
from tests.wirerace.results import RESULT
from tests.wirerace.searched import searched, study_with, up_to
from wirerace.errors import BadInput
from wirerace.experiment.reading import read_experiment
from wirerace.record.result import FILE_NAME, Point, Result
from wirerace.record.writing import write_json
from wirerace.runner.planner import planner_of
from wirerace.runner.resuming import begun_before

pytestmark = pytest.mark.processes  # the host is described with the help of git

SWEPT = LEAST + "[producer]\nrate_per_second = [1, 2]\n[clients]\nspawn_per_second = [5, 6]\ncount = [3, 4]\n"


def begun(directory: Path, points: int | None = None) -> list[dict[str, object]]:
    """Write the result of a run that has just begun, and return its settings."""
    study = read_experiment(written(directory, SWEPT))
    settings = [setting.values for setting in study.settings][:points]
    result = replace(
        RESULT, experiment=study.document, points=[Point(values) for values in settings], trials=[], failures=[],
        ran_on="local",
    )  # fmt: skip
    write_json(directory / FILE_NAME, result)
    return settings


def test_settings_keep_the_order_of_the_file_whatever_the_order_of_its_keys(tmp_path: Path) -> None:
    """The model has the number of clients before their rate."""
    settings = begun(tmp_path)
    study, _ = begun_before(tmp_path)

    assert settings == [setting.values for setting in study.settings]
    assert list(range(8)) == [setting.number for setting in study.settings]
    for setting in study.settings:
        clients = setting.experiment.clients
        assert (clients.count, clients.spawn_per_second) == (
            setting.values["clients.count"], setting.values["clients.spawn_per_second"],
        )  # fmt: skip


def test_result_without_one_of_its_points_is_refused(tmp_path: Path) -> None:
    begun(tmp_path, points=7)

    with pytest.raises(BadInput, match="its points are not those of its experiment"):
        begun_before(tmp_path)


def searching(directory: Path, **changes: Any) -> Result:
    """Write the result of a search that was interrupted, and return it."""
    result = replace(searched(study_with(), up_to(300), 15)[1], **changes)
    write_json(directory / FILE_NAME, result)
    return result


def test_search_goes_on_with_its_points_and_the_trial_that_is_next(tmp_path: Path) -> None:
    result = searching(tmp_path)
    study, again = begun_before(tmp_path)
    plan, wanted = planner_of(study).next(again), planner_of(study_with()).next(result)

    assert result.points == again.points
    assert plan is not None
    assert wanted is not None
    assert (wanted.name, wanted.setting.values) == (plan.name, plan.setting.values)
    assert study.most is not None


@pytest.mark.parametrize(
    "point",
    [
        Point({"clients.count": 200, "seed": 3}),
        Point({"clients.count": 200}, after={"clients.count": 400, "seed": 3}),
    ],
)
def test_search_with_points_that_it_cannot_have_found_is_refused(point: Point, tmp_path: Path) -> None:
    searching(tmp_path, points=[Point({"clients.count": 100}), point], trials=[])

    with pytest.raises(BadInput, match="its points are not those of its search"):
        begun_before(tmp_path)
