"""Experiments that search for a capacity: their study, the settings that they find, and the file that is resolved."""

from pathlib import Path
from typing import Any, get_args

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from tests.refusals import lacking
from tests.wirerace.experiment.bad_capacity import SEARCH, TABLE
from tests.wirerace.experiment.files import LEAST, refusal_of, written
from tests.wirerace.searched import DOCUMENT, study_with
from wirerace.analysis.objectives import check_objectives
from wirerace.errors import BadInput
from wirerace.experiment.capacity import CapacityOptions, Knob, Servers, highest_of, knob_of, rounded
from wirerace.experiment.model import Experiment, document_of
from wirerace.experiment.reading import read_experiment, setting_at, study_of
from wirerace.experiment.settings import Study

RATE = "producer.rate_per_second"


def said(study: Study) -> list[Any]:
    """Return what a study says: defaults may be spelled out or left out."""
    settings = [*study.settings, *([study.most] if study.most else [])]
    return [study.document, *((one.number, one.values, document_of(one.experiment)) for one in settings)]


def test_search_begins_with_the_setting_of_its_file_and_knows_the_highest_one() -> None:
    study = study_with()

    assert [{"clients.count": 100}] == [setting.values for setting in study.settings]
    assert study.most is not None
    assert ({"clients.count": 1600}, 1600) == (study.most.values, study.most.experiment.clients.count)
    assert 0.2 == study.first.servers.cpus


def test_rate_is_the_knob_if_the_file_says_so() -> None:
    capacity = {**DOCUMENT["capacity"], "knob": RATE, "most": 1234.5}
    study = study_with(capacity=capacity, producer={"rate_per_second": 2})

    assert [{RATE: 2.0}] == [setting.values for setting in study.settings]
    assert study.most is not None
    assert 1230 == study.most.experiment.producer.rate_per_second


def test_setting_at_a_value_differs_in_the_knob_alone() -> None:
    study = study_with()
    after = setting_at(study, 3, 400)
    setting = setting_at(study, 4, 200, after)

    assert (200, 4, after) == (setting.experiment.clients.count, setting.number, setting.after)
    assert "clients.count = 200 after clients.count = 400" == setting.title
    assert document_of(study.first) == document_of(setting.experiment) | {
        "clients": document_of(study.first)["clients"]
    }


@pytest.mark.parametrize("search", [
    DOCUMENT,
    {**DOCUMENT, "servers": {}},
    {**DOCUMENT, "capacity": {**DOCUMENT["capacity"], "knob": RATE, "repeats": 5, "tries": 2, "precision": 0.5}},
    {**DOCUMENT, "seed": 7, "polling": {"interval_seconds": 0.3}, "upstream": {"rate_per_second": 1}},
])  # fmt: skip
def test_resolved_file_of_a_search_gives_the_same_study(search: dict[str, Any], tmp_path: Path) -> None:
    study = study_of(search, Path())
    again = study_of(study.document, Path())

    assert said(study) == said(again)
    assert said(study) == said(read_experiment(written(tmp_path, tomli_w.dumps(study.document))))
    assert study.document == document_of(study.first)
    assert study.first.capacity == again.first.capacity


def test_comparison_has_neither_a_table_of_a_search_nor_one_of_servers_without_limits() -> None:
    document = document_of(Experiment("t", ["polling"]))

    assert not {"capacity", "servers"} & document.keys()
    assert "comparison" == document["kind"]
    assert study_of(document, Path()).most is None


def test_quota_is_for_comparisons_too_and_can_be_swept(tmp_path: Path) -> None:
    study = read_experiment(written(tmp_path, LEAST + "[servers]\ncpus = [0.1, 0.2]"))

    assert [Servers(0.1), Servers(0.2)] == [setting.experiment.servers for setting in study.settings]
    assert said(study) == said(study_of(study.document, Path()))


def test_trace_has_a_rate_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time_ms\n0\n500\n", "utf-8")
    source = '[producer]\narrivals = "trace"\ntrace_file = "a.csv"\n'
    path = written(tmp_path, SEARCH + TABLE + f'knob = "{RATE}"\nmost = 100\n' + source)

    line = refusal_of(path).removeprefix(f"{path}: ")
    assert [] == lacking(line, "capacity.knob", ["a trace", 'knob = "clients.count"'])
    assert read_experiment(written(tmp_path, SEARCH + TABLE + source)).most is not None


@pytest.mark.parametrize(
    ("objective", "facts"),
    [
        ("latency.p99 < -1", ["nothing meets"]),
        ("lost >= 0", ["everything meets"]),
        ("latency.mean > 0.2", ["a search raises clients.count", "too high", "latency.mean <"]),
        ("reach < 0.9", ["too low", "reach >"]),
        ("reach > 0.9", None),
        ("pigeons < 3", ["'pigeons'"]),
        ("messages.latency.p99 < 1", []),
        ("age.mean < 1", None),
    ],
)
def test_objective_of_a_search_is_for_a_figure_that_it_can_have(objective: str, facts: list[str] | None) -> None:
    """As those of a comparison: it is refused before the first trial."""
    study = study_with(capacity={"objectives": ["latency.p99 < 0.5", objective]})
    if facts is None:
        check_objectives(study)
        return
    with pytest.raises(BadInput) as refusal:
        check_objectives(study)

    assert str(refusal.value).startswith("capacity.objectives[1]")
    assert [] == lacking(str(refusal.value), "capacity.objectives[1]", facts)


@pytest.mark.long
@given(st.sampled_from(get_args(Knob)), st.floats(0.2, 100_000))
def test_highest_value_can_be_set_and_lies_right_below_most(knob: Knob, most: float) -> None:
    most = max(most, 1.0) if knob == "clients.count" else most
    highest = highest_of(CapacityOptions(knob=knob, most=most))

    assert highest == rounded(knob, highest)
    assert 0 < highest <= most
    assert most - highest < (1 if knob == "clients.count" else 0.0101 * most)


def test_knob_is_read_from_the_experiment() -> None:
    assert 100 == knob_of(study_with().first)
