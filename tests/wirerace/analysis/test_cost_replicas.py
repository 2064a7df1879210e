"""The shipped model against recorded trials with one, two and four servers behind HAProxy."""

from pathlib import Path
from statistics import fmean

import pytest

from wirerace.analysis.cost_model.fit import predicted_for
from wirerace.analysis.cost_model.observations import observations_of
from wirerace.cli.advise import model_from
from wirerace.record.reading import read_result
from wirerace.record.result import FILE_NAME

RECORDED = Path(__file__).parents[2] / "data" / "cost-model"
RESULTS = [read_result(RECORDED / name / FILE_NAME) for name in ("replicas-1", "replicas-2")]
VALID = [one for one in observations_of(RESULTS, may_be_balanced=True) if one.valid]
MODEL = model_from([])


@pytest.mark.parametrize("transport", ["polling", "longpolling", "sse", "websocket"])
@pytest.mark.parametrize("replicas", [1, 2, 4])
def test_cpu_time_of_replicas_is_within_a_fifth_of_what_the_model_says(transport: str, replicas: int) -> None:
    trials = [one for one in VALID if (one.transport, one.replicas) == (transport, replicas)]

    assert trials
    assert fmean(predicted_for(MODEL, one).cpu for one in trials) == pytest.approx(
        fmean(one.cpu for one in trials), rel=0.2
    )


def test_replicas_were_not_in_the_sweep() -> None:
    assert not {result.started_at for result in RESULTS} & set(MODEL.provenance.measured_at)
