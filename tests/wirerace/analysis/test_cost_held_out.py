"""The shipped model against recorded trials at settings that were not in its sweep."""

from pathlib import Path

import pytest

from wirerace.analysis.cost_model.fit import predicted_for
from wirerace.analysis.cost_model.observations import Observation, observations_of
from wirerace.cli.advise import model_from
from wirerace.record.reading import read_result
from wirerace.record.result import FILE_NAME
from wirerace.transports import TRANSPORTS

MOST_OFF = 0.2
RECORDED = Path(__file__).parents[2] / "data" / "cost-model" / "held-out" / FILE_NAME
RESULT = read_result(RECORDED)
HELD_OUT = [one for one in observations_of([RESULT]) if one.valid]
MODEL = model_from([])


def name_of(one: Observation) -> str:
    return f"{one.transport}-{one.clients:.0f}"


def test_every_transport_was_held_out() -> None:
    assert set(TRANSPORTS) == {one.transport for one in HELD_OUT}


@pytest.mark.parametrize("one", HELD_OUT, ids=name_of)
def test_setting_was_not_in_the_sweep(one: Observation) -> None:
    assert one.rate_per_second not in {2.0, 10.0}
    assert one.payload_bytes not in {100, 3000}
    assert one.clients not in {100, 400}
    assert RESULT.started_at not in MODEL.provenance.measured_at


@pytest.mark.parametrize("one", HELD_OUT, ids=name_of)
def test_model_predicts_a_held_out_trial(one: Observation) -> None:
    says = predicted_for(MODEL, one)

    assert says.cpu == pytest.approx(one.cpu, rel=MOST_OFF)
    assert says.ip_in + says.ip_out == pytest.approx(one.ip_bytes, rel=MOST_OFF)
    assert says.latency == pytest.approx(one.latency, rel=MOST_OFF)
