"""Objectives: what passes, and that nothing passes which is not known."""

from pathlib import Path

import msgspec
import pytest

from tests.refusals import lacking
from tests.wirerace.compared import INVALID, measured, run_of
from tests.wirerace.experiment.files import LEAST
from tests.wirerace.report.made_up import result_of, text_of
from wirerace.analysis.objectives import check_objectives, objectives_of
from wirerace.cli.run import INVALID as INVALID_CODE
from wirerace.cli.run import MISSED, exit_code
from wirerace.errors import BadInput
from wirerace.experiment.reading import read_experiment
from wirerace.record.objective import ObjectiveRecord
from wirerace.record.reading import read_result
from wirerace.record.result import FILE_NAME, Discarded, Failure, Point, Result
from wirerace.record.writing import write_json
from wirerace.report.objectives import objectives_part


def with_objectives(result: Result, *objectives: str) -> Result:
    result.experiment["objectives"] = list(objectives)
    return result


def judged(objective: str, result: Result) -> ObjectiveRecord:
    (found,) = objectives_of(with_objectives(result, objective))
    return found


@pytest.mark.parametrize(
    ("objective", "passed"),
    [
        ("latency.mean < 0.0011", True),
        ("latency.mean < 0.0009", False),
        ("latency.mean > 0.0009", True),
        ("latency.mean <= 1e-3", True),
        ("latency.mean >= 1.1e-3", False),
        ("server.cpu_per_delivery < 20", True),
        ("lost == 0", True),
        ("lost == 1", False),
        ("  lost==0 ", True),
    ],
)
def test_objective_is_judged_by_the_mean_over_the_repeats(objective: str, passed: bool) -> None:
    found = judged(objective, run_of((100, 90, 110)))

    assert passed is found.passed
    assert objective.strip() == found.objective


def test_counts_are_summed_over_the_repeats() -> None:
    found = judged("lost <= 2", result_of(*(measured(1, repeat=repeat, lost=1) for repeat in (1, 2, 3))))

    assert (False, 3) == (found.passed, found.value)


def test_every_contestant_is_judged_at_every_setting() -> None:
    trials = [
        msgspec.structs.replace(measured(value, name), point=point)
        for name in ("polling", "websocket")
        for point, value in enumerate((100, 200))
    ]
    result = with_objectives(result_of(*trials), "latency.mean < 0.0015", "lost == 0")
    result.points = [Point({"clients.count": 1}), Point({"clients.count": 2})]

    assert [(0, name, passed) for name in ("polling", "websocket") for passed in (True, True)] + [
        (1, name, passed) for name in ("polling", "websocket") for passed in (False, True)
    ] == [(one.point, one.contestant, one.passed) for one in objectives_of(result)]
    assert "Polling at 2 clients: latency.mean < 0.0015: it is 2 ms" in text_of(*objectives_part(result))


@pytest.mark.parametrize(
    ("result", "objective", "reason"),
    [
        (run_of((1, 2)), "server.memory_per_client < 10", "the figure is not known"),
        (run_of((1, 2)), "visit.whole < 10", "the figure is not known"),
        (run_of((1, 2)), "latency.p17 < 10", "this version knows no such figure"),
        (
            msgspec.structs.replace(run_of((1, 2)), failures=[Failure("websocket", 3, "the server did not start")]),
            "latency.mean < 10",
            "a trial of it could not be completed",
        ),
        (
            msgspec.structs.replace(run_of((1,)), discarded=[Discarded(0, 1)]),
            "latency.mean < 10",
            "it has no trial that counts",
        ),
    ],
    ids=["null", "of visitors", "of another version", "not completed", "discarded"],
)
def test_what_is_not_known_fails_and_says_why(result: Result, objective: str, reason: str) -> None:
    found = judged(objective, result)

    assert (False, reason) == (found.passed, found.reason)
    assert f"FAIL WebSocket: {objective}: {reason}" in text_of(*objectives_part(result))
    assert MISSED == exit_code(result, allow_invalid=True)


def test_figure_that_one_repeat_does_not_have_fails() -> None:
    one = measured(1)
    two = measured(1, repeat=2)
    two = msgspec.structs.replace(two, server=msgspec.structs.replace(two.server, cpu_us_per_delivery=None))

    assert not judged("server.cpu_per_delivery < 1e9", result_of(one, two)).passed


def test_run_that_meets_its_objectives_says_so_and_one_without_any_says_nothing() -> None:
    result = with_objectives(run_of((1, 2)), "lost == 0", "latency.mean < 1")

    assert "Objectives: PASS: every contestant meets lost == 0, latency.mean < 1" == text_of(*objectives_part(result))
    assert [] == objectives_part(run_of((1, 2)))


def test_exit_code_of_a_missed_objective_counts_more_than_lost_updates_and_invalid_trials() -> None:
    result = result_of(measured(1, lost=1, verdict=INVALID))

    assert MISSED == exit_code(with_objectives(result, "lost == 0"), allow_invalid=False)
    assert MISSED == exit_code(with_objectives(result, "lost == 0"), allow_invalid=True)
    assert INVALID_CODE == exit_code(with_objectives(run_of((1,), verdict=INVALID), "lost == 0"), allow_invalid=False)


VISITS = '[population]\nkind = "visit"\n'


@pytest.mark.parametrize(
    ("file", "place", "facts"),
    [
        ('objectives = ["latency.p9 < 1"]', "objectives[0]", ["'latency.p9'", "latency.p99", "age.mean"]),
        ('objectives = ["lost == 0", "speed < 1"]', "objectives[1]", ["'speed'", "latency.p99", "visit.whole"]),
        ('objectives = ["visit.whole < 1"]', "objectives[0]", ["visit.whole", 'kind = "visit"']),
        (f'objectives = ["age.mean < 1"]\n{VISITS}', "objectives[0]", ["visitors", "age.mean"]),
        ('objectives = ["messages.lost == 0"]', "objectives[0]", ["messages.lost", "upstream.rate_per_second"]),
        (
            'objectives = ["messages.lost == 0"]\n[upstream]\nrate_per_second = [1, 0]',
            "objectives[0] at upstream.rate_per_second = 0",
            ["messages.lost"],
        ),
        ('objectives = ["browsers.lost == 0"]', "objectives[0]", ["browsers.lost", "clients.browsers"]),
        (
            'objectives = ["messages.relayed < 1"]\n[upstream]\nrate_per_second = 1',
            "objectives[0]",
            ["messages.relayed", "upstream.fan_out = true"],
        ),
    ],
)
def test_objective_that_an_experiment_can_never_answer_is_refused(
    file: str, place: str, facts: list[str], tmp_path: Path
) -> None:
    (tmp_path / "e.toml").write_text(LEAST + file)
    study = read_experiment(tmp_path / "e.toml")
    with pytest.raises(BadInput) as refusal:
        check_objectives(study)

    assert [] == lacking(str(refusal.value), place, facts)


@pytest.mark.parametrize(
    ("objective", "facts"),
    [
        ("latency.p99 < -1", ["latency.p99 is at least 0", "nothing meets 'latency.p99 < -1'", "another limit"]),
        ("latency.p99 < 0", ["nothing meets"]),
        ("latency.p99 <= -0.1", ["nothing meets"]),
        ("server.cpu_per_delivery == 20", ["never exactly 20", "< or >"]),
        ("lost >= 0", ["lost is at least 0", "everything meets 'lost >= 0'", "another limit"]),
        ("lost > -1", ["everything meets"]),
        ("lost == -1", ["nothing meets"]),
        ("reach > 1", ["reach is at least 0 and at most 1", "nothing meets"]),
        ("reach >= 99", ["nothing meets", "99 % is 0.99"]),
        ("reach <= 1", ["everything meets"]),
        ("reach < 101", ["everything meets", "another limit"]),
        ("reach == 2", ["nothing meets", "2 % is 0.02"]),
        ("responses.empty < 50", ["everything meets", "50 % is 0.5"]),
        ("latency.p99 <= 0", None),
        ("lost == 0", None),
        ("lost < 1", None),
        ("reach >= 1", None),
        ("reach == 1", None),
        ("reach < 1", None),
        ("latency.min >= 0", None),
        ("server.memory_per_client < 0", None),
        ("server.busy < 1.1", None),
    ],
)
def test_objective_that_says_nothing_is_refused(objective: str, facts: list[str] | None, tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(LEAST + f'objectives = ["lost < 5", "{objective}"]')
    study = read_experiment(tmp_path / "e.toml")
    if facts is None:
        check_objectives(study)
        return
    with pytest.raises(BadInput) as refusal:
        check_objectives(study)

    assert [] == lacking(str(refusal.value), "objectives[1]", facts)


@pytest.mark.parametrize(
    ("objectives", "line"),
    [
        (["latency.p99 = 1"], "no result of Wirerace: experiment.objectives[0] must be a figure, one of < <= > >= =="),
        ("lost == 0", "no result of Wirerace: experiment.objectives must be a list, got 'lost == 0'"),
        ([1], "no result of Wirerace: experiment.objectives[0] must be text, got 1"),
    ],
)
def test_edited_objectives_of_a_result_are_refused_by_the_key(objectives: object, line: str, tmp_path: Path) -> None:
    result = run_of((1,))
    result.experiment["objectives"] = objectives
    write_json(tmp_path / FILE_NAME, result)

    with pytest.raises(BadInput) as refusal:
        read_result(tmp_path)
    assert str(refusal.value).startswith(f"{tmp_path / FILE_NAME}: {line}")
