"""What `make calibrate` reports for a contestant against itself."""

import random

import msgspec
import pytest

from benchmarks.calibrate import AGAIN, comparisons_of, experiment_of, found_in, pairs_of, verdicts_of
from tests.wirerace.trials import plan_of, trial_of
from wirerace.analysis.figures import BY_ID
from wirerace.experiment.plans import contestants_of
from wirerace.experiment.settings import alone
from wirerace.observe.account import AccountRecord, Window
from wirerace.record.result import ContestantRecord, Host, Point, Result
from wirerace.record.trial import Finding, Trial, Verdict
from wirerace.transports import TRANSPORTS
from wirerace.workload.truth import Truth

PLAIN, OTHER = "websocket", f"websocket-{AGAIN}"
BARE = trial_of(plan_of("websocket"), Window(0, 10), AccountRecord(), Truth(0, complete=True, epochs=[]))
BAD = Verdict(valid=False, findings=[Finding("reason", "4 segments were sent again", "why", "cure")])


def trial(repeat: int, contestant: str, latency: float, verdict: Verdict | None = None) -> Trial:
    return msgspec.structs.replace(
        BARE,
        repeat=repeat,
        contestant=contestant,
        latency_seconds=msgspec.structs.replace(BARE.latency_seconds, mean=latency),
        verdict=verdict or Verdict(valid=True),
    )


def result_of(*trials: Trial) -> Result:
    study = alone(experiment_of(1, 1))
    return Result(
        wirerace="",
        experiment=study.document,
        host=Host(1, "", "", {}),
        started_at="",
        contestants=[ContestantRecord(one.id, one.title, one.transport.name) for one in contestants_of(study.first)],
        points=[Point()],
        trials=list(trials),
    )


def test_every_transport_is_beside_itself_with_the_same_options() -> None:
    found = {one.id: one.options for one in contestants_of(experiment_of(3, 50))}

    assert 2 * len(TRANSPORTS) == len(found)
    for transport in TRANSPORTS:
        assert found[transport] == found[f"{transport}-{AGAIN}"]


def test_pairs_are_of_one_repeat_and_of_valid_trials() -> None:
    trials = [
        *(trial(1, PLAIN, 1.0), trial(1, OTHER, 1.1), trial(2, PLAIN, 1.2, BAD), trial(2, OTHER, 1.3)),
        *(trial(3, OTHER, 1.4), trial(4, OTHER, 1.6), trial(4, PLAIN, 1.5)),
    ]
    latency = BY_ID["latency.mean"]

    assert [(1.0, 1.1), (1.5, 1.6)] == pairs_of(trials, "websocket", latency, valid_only=True)
    assert [(1.0, 1.1), (1.2, 1.3), (1.5, 1.6)] == pairs_of(trials, "websocket", latency, valid_only=False)


@pytest.mark.long
def test_figures_that_vary_normally_are_found_to_differ_in_5_percent() -> None:
    source = random.Random(3)
    found = found_in([(source.gauss(100, 5), source.gauss(100, 5)) for _ in range(60)], draws=500)

    assert (60, 12) == (found.pairs, found.groups)
    assert 0.02 < found.resampled < 0.09
    assert found.corrected < 0.03


def test_figure_that_is_always_larger_the_second_time_is_found_in_the_ratio_of_all() -> None:
    source = random.Random(3)
    found = found_in([(100, 120 + source.gauss(0, 1)) for _ in range(20)], draws=50)

    assert pytest.approx(100 / 120, rel=0.01) == found.bias.mean
    assert 4 == found.wrong == found.groups


def test_invalid_trials_are_counted_with_what_for() -> None:
    lines = list(verdicts_of(result_of(trial(1, PLAIN, 1.0, BAD), trial(1, OTHER, 1.0))))

    assert "called invalid: 1 of 2 (50.0 %)" in lines
    assert "  invalid: 1 of 2 (50.0 %): # segments were sent again" in lines


def test_too_few_pairs_are_said_to_be_too_few() -> None:
    lines = list(comparisons_of(result_of(trial(1, PLAIN, 1.0), trial(1, OTHER, 1.0)), valid_only=True))

    assert "too few" in next(line for line in lines if line.startswith("WebSocket, mean latency"))
    assert lines[-1] == "groups together: 0 of 0"
