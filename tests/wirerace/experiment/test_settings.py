"""Sweeps: a list in place of one value; the product of all lists is run."""

import contextlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from tests.costly import costly
from tests.wirerace.experiment.files import LEAST, written
from wirerace.errors import BadInput
from wirerace.experiment.model import document_of
from wirerace.experiment.reading import read_experiment, study_of
from wirerace.experiment.settings import Study, alone, axes_of, resolved, setting_title

TRANSPORTS = ["polling", "websocket"]
PINGS = "websocket.ping_interval_seconds"


def study(**keys: Any) -> Study:
    return study_of({"title": "t", "transports": TRANSPORTS, **keys}, Path())


def test_file_without_a_list_has_one_setting_that_replaces_nothing(tmp_path: Path) -> None:
    found = read_experiment(written(tmp_path, LEAST))

    assert [(0, {}, "")] == [(one.number, one.values, one.title) for one in found.settings]
    assert alone(found.first) == found


def test_list_is_a_sweep_and_several_are_their_product_the_last_varying_first() -> None:
    found = study(clients={"count": [100, 300]}, polling={"interval_seconds": [0.5, 1, 2]})

    assert [(count, interval) for count in (100, 300) for interval in (0.5, 1, 2)] == [
        tuple(one.values.values()) for one in found.settings
    ]
    assert {"clients.count", "polling.interval_seconds"} == found.settings[0].values.keys()
    assert [100, 100, 100, 300, 300, 300] == [one.experiment.clients.count for one in found.settings]
    assert "clients.count = 300, polling.interval_seconds = 0.5" == found.settings[3].title


def test_lists_of_the_model_are_no_sweep() -> None:
    stages = [{"clients": 5, "seconds": 1}, {"clients": 10, "seconds": 1}]
    fault = {"kind": "kill", "on": "server", "at_seconds": 1}
    found = study(
        clients={"shape": "steps", "steps": {"stages": stages}},
        faults=[fault, fault | {"at_seconds": 4}],
        contestants=[{"id": "own", "transport": "polling"}],
    )

    assert 1 == len(found.settings)


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        ({"seed": [1, 2]}, "seed"),
        ({"path": ["near", "far"], "paths": {"near": {}, "far": {"delay_seconds": 0.1}}}, "path"),
        ({"path": "far", "paths": {"far": {"delay_seconds": [0.1, 0.2]}}}, "paths.far.delay_seconds"),
        ({"producer": {"payload_bytes": [10, {"min": 1, "median": 5, "max": 9}]}}, "producer.payload_bytes"),
        ({"producer": {"payload_bytes": {"min": 1, "median": [2, 3], "max": 9}}}, "producer.payload_bytes.median"),
        ({"polling": {"keep_alive": [True, False]}}, "polling.keep_alive"),
        (
            {"websocket": {"ping_interval_seconds": [1, 2]}, "transports": ["polling"]},
            "websocket.ping_interval_seconds",
        ),
        ({"load": {"processes": [1, 2]}}, "load.processes"),
        ({"window": {"measure_seconds": [5, 10]}}, "window.measure_seconds"),
        (
            {"faults": [{"kind": "stall", "on": "server", "at_seconds": 1, "lasts_seconds": [1, 2]}]},
            "faults[0].lasts_seconds",
        ),
        (
            {"contestants": [{"id": "own", "transport": "polling", "options": {"interval_seconds": [0.1, 1]}}]},
            "contestants[0].options.interval_seconds",
        ),
        (
            {"clients": {"shape": "steps", "steps": {"stages": [{"clients": [5, 10], "seconds": 1}]}}},
            "clients.steps.stages[0].clients",
        ),
    ],
)
def test_any_key_that_has_one_value_can_be_swept_and_the_resolved_file_sweeps_it_again(
    keys: dict[str, Any], name: str
) -> None:
    found = study(**keys)

    assert [name] * 2 == [key for one in found.settings for key in one.values]
    assert found.settings[0].experiment != found.settings[1].experiment
    again = study_of(found.document, Path())
    assert [one.values for one in found.settings] == [one.values for one in again.settings]
    assert found.document == again.document
    for one in found.settings:
        assert document_of(one.experiment) == resolved(found.document, one.values) or name.startswith("websocket")


@pytest.mark.long
def test_resolved_file_is_toml_and_says_the_same(tmp_path: Path) -> None:
    for path in sorted((Path(__file__).parents[3] / "experiments").glob("*.toml")):
        found = read_experiment(path)
        text = tomli_w.dumps(found.document)
        again = read_experiment(written_beside(tmp_path, text, path))
        assert [document_of(one.experiment) for one in found.settings] == [
            document_of(one.experiment) for one in again.settings
        ]


def written_beside(directory: Path, text: str, path: Path) -> Path:
    """Write a file whose traces are found relative to the file, and not to this process's directory."""
    found = directory / path.name
    found.write_text(text.replace(str(path.parent), str(path.parent.resolve())), "utf-8")
    return found


def test_traces_are_swept_relative_to_the_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("time_ms\n0\n500\n", "utf-8")
    table = '[producer]\narrivals = "trace"\ntrace_file = ["a.csv", "b.csv"]'
    found = read_experiment(written(tmp_path, LEAST + table))

    assert [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")] == [
        one.experiment.producer.trace_file for one in found.settings
    ]


def test_key_that_is_no_key_of_the_file_is_refused() -> None:
    for name in ("clients.x", "clients.count.x", "faults[3].at_seconds", "nonsense", "", "[0]"):
        with pytest.raises(BadInput, match="is no key of the experiment"):
            resolved({"clients": {"count": 3}, "faults": []}, {name: 1})


ANYTHING = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@pytest.mark.long
@costly()
@given(ANYTHING)
def test_axes_of_anything_that_a_file_may_hold_are_found_or_refused(document: Any) -> None:
    with contextlib.suppress(BadInput):
        axes_of({"clients": document, "faults": document, "contestants": document, "paths": document})


def test_title_spells_values_as_toml_does() -> None:
    assert "a.b = true, c = { min = 1, max = 2 }, d = 0.25, e = x" == setting_title(
        {"a.b": True, "c": {"min": 1, "max": 2}, "d": 0.25, "e": "x"}
    )


@pytest.mark.long
def test_thousand_settings_are_read_at_once() -> None:
    found = study(clients={"count": list(range(1, 1001))})

    assert 1000 == len(found.settings)
    assert msgspec.json.encode(found.document)


def test_swept_shapes_keep_their_own_tables() -> None:
    ramp = {"from_clients": 7, "for_seconds": 3.0}
    found = study(clients={"shape": ["steady", "ramp"], "count": 10, "ramp": ramp}, window={"measure_seconds": 20})

    again = study_of(found.document, Path())
    assert [one.experiment.clients for one in found.settings] == [one.experiment.clients for one in again.settings]
    assert ramp == found.document["clients"]["ramp"]


def test_trace_is_found_where_arrivals_are_swept(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("0\n1\n2\n")
    keys = '[producer]\narrivals = ["poisson", "trace"]\ntrace_file = "one.csv"'
    found = read_experiment(written(tmp_path, f"{LEAST}{keys}"))

    assert str(tmp_path / "one.csv") == found.settings[1].experiment.producer.trace_file
