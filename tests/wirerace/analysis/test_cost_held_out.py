"""The shipped model against recorded trials at settings that were not in its sweep.

A setting has three trials, and its figures are their means: the CPU time of a poll that wakes its server varies by a
factor of two from trial to trial, on this kind of machine.
"""

from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import pytest

from wirerace.analysis.cost_model.fit import predicted_for
from wirerace.analysis.cost_model.observations import Observation, observations_of
from wirerace.analysis.cost_model.predict import Predicted
from wirerace.cli.advise import model_from
from wirerace.record.reading import read_result
from wirerace.record.result import FILE_NAME
from wirerace.transports import TRANSPORTS

TYPICAL, MOST = 0.2, 0.3
RECORDED = Path(__file__).parents[2] / "data" / "cost-model"
RESULTS = [read_result(RECORDED / name / FILE_NAME) for name in ("held-out-1", "held-out-2")]
TRIALS = observations_of(RESULTS)
MODEL = model_from([])


class HeldOut(NamedTuple):
    """The trials of one setting of a transport."""

    transport: str
    trials: list[Observation]

    def ratio(self, says: Callable[[Predicted], float], was: Callable[[Observation], float]) -> float:
        """Return what the model says, over what was measured."""
        return fmean(says(predicted_for(MODEL, one)) for one in self.trials) / fmean(map(was, self.trials))


RATIOS: dict[str, Callable[[HeldOut], float]] = {
    "cpu": lambda one: one.ratio(lambda says: says.cpu, lambda was: was.cpu),
    "bytes": lambda one: one.ratio(lambda says: says.ip_in + says.ip_out, lambda was: was.ip_bytes),
    "latency": lambda one: one.ratio(lambda says: says.latency, lambda was: was.latency),
}
SETTINGS = sorted({(one.transport, one.rate_per_second, round(one.clients)) for one in TRIALS})
HELD_OUT = [
    HeldOut(key[0], [one for one in TRIALS if (one.transport, one.rate_per_second, round(one.clients)) == key])
    for key in SETTINGS
]


def name_of(one: HeldOut) -> str:
    return f"{one.transport}-{one.trials[0].clients:.0f}"


def test_trials_are_valid_and_at_settings_that_were_not_in_the_sweep() -> None:
    assert 4 * len(TRANSPORTS) == len(HELD_OUT)
    for one in TRIALS:
        assert one.valid
        assert one.rate_per_second not in {2.0, 10.0}
        assert one.payload_bytes not in {100, 3000}
        assert round(one.clients) not in {100, 400}
        assert one.interval_seconds not in {0.1, 1.0}
    assert not {result.started_at for result in RESULTS} & set(MODEL.provenance.measured_at)


@pytest.mark.parametrize("one", HELD_OUT, ids=name_of)
def test_no_prediction_is_off_by_more_than_three_tenths(one: HeldOut) -> None:
    assert len(one.trials) == 3
    assert RATIOS["cpu"](one) == pytest.approx(1, abs=MOST)
    assert RATIOS["bytes"](one) == pytest.approx(1, abs=0.05)
    assert RATIOS["latency"](one) == pytest.approx(1, abs=MOST)


@pytest.mark.parametrize(("quantity", "least"), [("cpu", 20), ("bytes", 20), ("latency", 20)])
def test_nearly_all_predictions_are_within_a_fifth(quantity: str, least: int) -> None:
    assert sum(abs(RATIOS[quantity](one) - 1) <= TYPICAL for one in HELD_OUT) >= least
