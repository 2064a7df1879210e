"""A result as a tidy table: every trial, every figure, every type."""

from typing import Any

import msgspec
import pytest

from tests.wirerace.compared import INVALID, measured, run_of
from tests.wirerace.report.made_up import result_of
from wirerace.analysis.tidy import tidy
from wirerace.record.result import Discarded, Point, Result


def swept(*values: Any, key: str = "clients.count") -> Result:
    trials = [msgspec.structs.replace(measured(100), point=point) for point in range(len(values))]
    result = result_of(*trials)
    result.points = [Point({key: value}) for value in values]
    return result


def test_there_is_one_row_for_each_trial_and_figure() -> None:
    records = tidy(run_of((100, 200), transport="polling")).records()
    keys = [(record["contestant"], record["repeat"], record["figure"]) for record in records]

    assert len(keys) == len(set(keys))
    assert {1, 2} == {record["repeat"] for record in records}
    latency = [record for record in records if record["figure"] == "latency.mean"]
    assert {("seconds", "less", True)} == {(one["unit"], one["better"], one["primary"]) for one in latency}
    assert pytest.approx([0.001, 0.002]) == [one["value"] for one in latency]


def test_figure_that_is_not_known_is_none_and_one_that_no_trial_has_is_left_out() -> None:
    one, two = measured(100), measured(100, repeat=2)
    two = msgspec.structs.replace(two, server=msgspec.structs.replace(two.server, cpu_us_per_delivery=None))
    records = tidy(result_of(one, two)).records()

    assert [10.0, None] == [record["value"] for record in records if record["figure"] == "server.cpu_per_delivery"]
    assert [] == [record for record in records if record["figure"] == "server.memory_per_client"]


def test_invalid_and_discarded_trials_are_there_and_marked() -> None:
    result = result_of(measured(100, verdict=INVALID), measured(100, repeat=2))
    result.discarded = [Discarded(0, 1)]
    marks = {(record["repeat"], record["valid"], record["discarded"]) for record in tidy(result).records()}

    assert {(1, False, True), (2, True, False)} == marks


@pytest.mark.parametrize(
    ("values", "kind", "cells"),
    [
        ((100, 300), "whole", [100, 300]),
        ((0, 0.5), "number", [0.0, 0.5]),
        ((True, False), "truth", [True, False]),
        (("poisson", "periodic"), "text", ["poisson", "periodic"]),
        ((100, {"min": 1}), "text", ["100", "{ min = 1 }"]),
        ((True, 2), "text", ["true", "2"]),
    ],
)
def test_swept_key_is_a_column_of_the_kind_of_its_values(values: Any, kind: str, cells: list[Any]) -> None:
    table = tidy(swept(*values))
    found = [record["clients.count"] for record in table.records() if record["figure"] == "latency.mean"]

    assert [kind] == [column.kind for column in table.columns if column.name == "clients.count"]
    assert cells == found
    assert [type(cell) for cell in cells] == [type(cell) for cell in found]


def test_swept_seed_has_no_column_of_its_own() -> None:
    names = [column.name for column in tidy(swept(1, 2, key="seed")).columns]

    assert 1 == names.count("seed")
