"""Real runs compared: of one version, and of a server that was slowed on purpose.

tests/data/one-version.json has the primary figures of runs of one experiment, made one after the other, on a machine
beside other programs: 100 clients, five repeats of polling and WebSocket. Those under "slowed" had a server that burns
1 ms for each update of a WebSocket and 0.1 ms for each poll. docs/compare.md says what was measured.
"""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.wirerace.compared import comparison
from tests.wirerace.report.made_up import result_of, trial
from wirerace.analysis.between import Change
from wirerace.record.result import Result
from wirerace.record.trial import Trial, Verdict

RECORDED: dict[str, Any] = msgspec.json.decode((Path(__file__).parents[2] / "data/one-version.json").read_bytes())
COLUMNS: list[str] = RECORDED["columns"]


def trial_in(row: Sequence[Any]) -> Trial:
    found = dict(zip(COLUMNS, row, strict=True))
    plain = trial(found["contestant"], found["repeat"], arrived=found["arrived"])
    return msgspec.structs.replace(
        plain,
        seed=found["seed"],
        verdict=Verdict(valid=found["valid"]),
        latency_seconds=msgspec.structs.replace(plain.latency_seconds, mean=found["latency"], p99=found["p99"]),
        age_seconds=msgspec.structs.replace(plain.age_seconds, mean=found["age"]),
        load=msgspec.structs.replace(plain.load, cpu_seconds=found["load_cpu"], waited_seconds=found["load_waited"]),
        server=msgspec.structs.replace(
            plain.server,
            cpu_us_per_delivery=found["cpu_us"],
            cpu_seconds=found["cpu_us"] * found["arrived"] / 1e6,
            waited_seconds=found["waited"],
        ),
        bytes=msgspec.structs.replace(plain.bytes, application_in=0, application_out=found["bytes"]),
        machine=msgspec.structs.replace(plain.machine, cores=2, others_cores=found["others_cores"]),
    )


def runs_under(name: str) -> list[Result]:
    return [result_of(*map(trial_in, run)) for run in RECORDED[name]]


RUNS, SLOWED = runs_under("runs"), runs_under("slowed")

NEAREST = 6
"""The runs that were made just before and just after those of the slowed server."""


def differing(a: Result, b: Result) -> list[Change]:
    return [change for change in comparison(a, b).changes if change.shown in {"less", "more"}]


def test_more_than_twenty_pairs_were_recorded_and_their_trials_are_valid() -> None:
    trials = [one for run in RUNS for one in run.trials]

    assert 20 <= len(RUNS) * (len(RUNS) - 1) / 2
    assert 0.95 <= sum(one.is_valid for one in trials) / len(trials)


@pytest.mark.long
def test_runs_of_one_version_that_follow_each_other_show_no_difference_in_19_of_20_pairs() -> None:
    pairs = list(itertools.pairwise(RUNS))

    assert sum(bool(differing(a, b)) for a, b in pairs) <= len(pairs) / 20


@pytest.mark.long
def test_any_two_runs_of_one_version_show_no_difference_in_19_of_20_pairs() -> None:
    pairs = list(itertools.combinations(RUNS, 2))

    assert sum(bool(differing(a, b)) for a, b in pairs) <= len(pairs) / 20


@pytest.mark.long
def test_bytes_are_decided_whatever_else_the_machine_did() -> None:
    changes = [change for a, b in itertools.combinations(RUNS, 2) for change in comparison(a, b).changes]

    assert {"no difference"} == {change.shown for change in changes if change.unit == "bytes"}


@pytest.mark.long
def test_server_that_was_slowed_is_slower_and_dearer_wherever_that_is_decided() -> None:
    pairs = list(itertools.product(RUNS[:NEAREST], SLOWED))
    changes = [change for a, b in pairs for change in comparison(a, b).changes]
    for contestant, figure, word in (
        ("websocket", "latency.mean", "slower"),
        ("websocket", "server.cpu_per_delivery", "dearer"),
        ("polling", "server.cpu_per_delivery", "dearer"),
    ):
        words = [change.word for change in changes if (change.contestant, change.figure) == (contestant, figure)]

        assert {word, "undecided"} >= set(words), figure
        assert 0.6 <= words.count(word) / len(pairs), figure


@pytest.mark.long
def test_slowed_server_is_never_faster_or_cheaper() -> None:
    changes = [change for a in RUNS for b in SLOWED for change in comparison(a, b).changes]

    assert set() == {change.word for change in changes} & {"faster", "cheaper", "younger", "fewer"}
