"""Results of older versions can be read, with the same figures."""

from pathlib import Path

import msgspec
import pytest

from wirerace.analysis.aggregate import summarised
from wirerace.errors import BadInput
from wirerace.record.reading import read_result
from wirerace.record.result import FILE_NAME, SCHEMA
from wirerace.report.terminal import parts_of

DATA = Path(__file__).parents[2] / "data"
OLD = sorted(DATA.glob("schema-*"))


def test_there_is_a_saved_result_of_every_older_schema() -> None:
    assert [f"schema-{schema}" for schema in range(2, SCHEMA)] == [path.name for path in OLD]


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.name)
def test_every_figure_of_an_older_result_is_as_it_was_saved(path: Path) -> None:
    saved, result = msgspec.json.decode((path / FILE_NAME).read_bytes()), read_result(path)

    assert SCHEMA == result.schema
    assert len(saved["trials"]) == len(result.trials)
    for before, trial in zip(saved["trials"], result.trials, strict=True):
        variant = f"-{before['variant']}" if before.get("variant") else ""
        assert f"{before['transport']}{variant}" == trial.contestant
        after = msgspec.to_builtins(trial)
        kept = before.keys() & after.keys()
        assert {"latency_seconds", "bytes", "server", "verdict", "theory", "lost"} <= kept
        for key in kept - {"parts"}:
            assert before[key] == pytest.approx(after[key]) if isinstance(before[key], float) else True
        assert before["latency_seconds"]["mean"] == trial.latency_seconds.mean
    assert parts_of(result)


def test_summary_of_schema_3_is_that_of_its_only_point() -> None:
    result = read_result(DATA / "schema-3")
    (point,) = result.points

    assert point.setting == {}
    assert point.summary is not None
    assert ["polling", "polling-closed"] == list(point.summary.figures)
    assert ["Polling", "Polling (closed)"] == [contestant.title for contestant in result.contestants]
    computed = summarised(result)
    for name, figures in point.summary.figures.items():
        for figure, saved in figures.items():
            assert saved.mean == pytest.approx(computed.figures[name][figure].mean)


def test_older_result_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    saved = (DATA / "schema-3" / FILE_NAME).read_bytes()
    (tmp_path / FILE_NAME).write_bytes(saved.replace(b'"Linux"', b'"\xfe"'))
    with pytest.raises(BadInput, match="no JSON: not UTF-8"):
        read_result(tmp_path)


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        ({"trials": 3}, "trials must be a list, got 3"),
        ({"trials": [{}]}, "transport is missing; add it to trials[0]"),
        ({"experiment": {"variants": []}}, "experiment.variants must be a table, got []"),
        ({"discarded": ["x"]}, "discarded[0] must be a whole number, got 'x'"),
        ({"failures": [{"transport": "polling"}]}, "repeat is missing; add it to failures[0]"),
        ({"summary": 3}, "points[0].summary must be a table, got 3"),
    ],
)
def test_older_result_that_was_edited_is_refused_by_the_key(edit: dict[str, object], line: str, tmp_path: Path) -> None:
    saved = msgspec.json.decode((DATA / "schema-3" / FILE_NAME).read_bytes())
    (tmp_path / FILE_NAME).write_bytes(msgspec.json.encode(saved | edit))
    with pytest.raises(BadInput) as refusal:
        read_result(tmp_path)

    assert line in str(refusal.value)
