"""Resuming a run: its settings are those of its result, in the order of its result."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.wirerace.experiment.files import LEAST, written
from tests.wirerace.results import RESULT
from wirerace.errors import BadInput
from wirerace.experiment.reading import read_experiment
from wirerace.record.result import FILE_NAME, Point, write_json
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
