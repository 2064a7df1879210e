from pathlib import Path

import pytest

from wirerace.experiment.model import document_of
from wirerace.experiment.plans import plans_of
from wirerace.reproductions import REPRODUCTIONS
from wirerace.runner.forecast import expected_seconds

MOST_SECONDS = 90


@pytest.mark.parametrize("name", REPRODUCTIONS)
def test_reproduction_takes_no_more_than_its_time(name: str) -> None:
    settings = REPRODUCTIONS[name].study.settings

    assert sum(expected_seconds(plan) for setting in settings for plan in plans_of(setting, 1)) < MOST_SECONDS


@pytest.mark.parametrize("name", [name for name, one in REPRODUCTIONS.items() if one.sweep])
def test_sweep_has_a_setting_for_each_value_and_keeps_the_rest(name: str) -> None:
    reproduction = REPRODUCTIONS[name]
    ((key, values),) = reproduction.sweep.items()

    assert [{key: value} for value in values] == [setting.values for setting in reproduction.study.settings]
    assert document_of(reproduction.experiment) in [document_of(one.experiment) for one in reproduction.study.settings]


@pytest.mark.parametrize("name", REPRODUCTIONS)
def test_reproduction_is_documented_with_its_source(name: str) -> None:
    page = " ".join((Path(__file__).parents[3] / "docs/reproductions.md").read_text().split())

    assert f"`{name}`" in page
    assert REPRODUCTIONS[name].source in page
