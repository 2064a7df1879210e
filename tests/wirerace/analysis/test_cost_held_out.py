"""The shipped model against recorded trials at settings that were not in its sweep.

The trials are of two runs beside other programs. In the first of them everything cost up to a third more than usual.
"""

from pathlib import Path

import pytest

from wirerace.analysis.cost_model.fit import predicted_for, residuals_of
from wirerace.analysis.cost_model.observations import Observation, observations_of
from wirerace.cli.advise import model_from
from wirerace.record.reading import read_result
from wirerace.record.result import FILE_NAME
from wirerace.transports import TRANSPORTS

TYPICAL, MOST = 0.2, 0.3
RECORDED = Path(__file__).parents[2] / "data" / "cost-model"
RESULTS = [read_result(RECORDED / name / FILE_NAME) for name in ("held-out-1", "held-out-2")]
HELD_OUT = observations_of(RESULTS)
MODEL = model_from([])


def name_of(one: Observation) -> str:
    return f"{one.transport}-{one.clients:.0f}"


def test_trials_are_valid_and_at_settings_that_were_not_in_the_sweep() -> None:
    assert 4 * len(TRANSPORTS) == len(HELD_OUT)
    for one in HELD_OUT:
        assert one.valid
        assert one.rate_per_second not in {2.0, 10.0}
        assert one.payload_bytes not in {100, 3000}
        assert round(one.clients) not in {100, 400}
        assert one.interval_seconds not in {0.1, 1.0}
    assert not {result.started_at for result in RESULTS} & set(MODEL.provenance.measured_at)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("quantity", ["cpu", "bytes", "latency"])
def test_model_predicts_a_transport_within_a_fifth(transport: str, quantity: str) -> None:
    found = residuals_of(MODEL, [one for one in HELD_OUT if one.transport == transport])

    assert found[quantity].median <= TYPICAL


@pytest.mark.parametrize("one", HELD_OUT, ids=name_of)
def test_no_prediction_is_off_by_more_than_three_tenths(one: Observation) -> None:
    says = predicted_for(MODEL, one)

    assert says.cpu == pytest.approx(one.cpu, rel=MOST)
    assert says.ip_in + says.ip_out == pytest.approx(one.ip_bytes, rel=0.05)
    assert says.latency == pytest.approx(one.latency, rel=MOST)


def test_nearly_all_predictions_are_within_a_fifth() -> None:
    """A run on a quiet machine would let this be all of them."""
    pairs = [(predicted_for(MODEL, one), one) for one in HELD_OUT]

    assert sum(abs(says.cpu / one.cpu - 1) <= TYPICAL for says, one in pairs) >= 19
    assert sum(abs(says.latency / one.latency - 1) <= TYPICAL for says, one in pairs) >= 17
