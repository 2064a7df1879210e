from pathlib import Path

import pytest

from wirerace.experiment.plans import plans_of
from wirerace.reproductions import REPRODUCTIONS
from wirerace.runner.progress import expected_seconds

MOST_SECONDS = 90


@pytest.mark.parametrize("name", REPRODUCTIONS)
def test_reproduction_takes_no_more_than_its_time(name: str) -> None:
    experiment = REPRODUCTIONS[name].experiment

    assert sum(expected_seconds(plan) for plan in plans_of(experiment, 1)) < MOST_SECONDS


@pytest.mark.parametrize("name", REPRODUCTIONS)
def test_reproduction_is_documented_with_its_source(name: str) -> None:
    page = " ".join((Path(__file__).parents[3] / "docs/reproductions.md").read_text().split())

    assert f"`{name}`" in page
    assert REPRODUCTIONS[name].source in page
