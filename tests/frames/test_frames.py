"""What `wirerace show` writes, read by the programs that people have: as the documents say, and value by value."""

import re
from pathlib import Path
from typing import Any

import pytest

from wirerace.analysis.tidy import tidy
from wirerace.cli import show
from wirerace.record.reading import read_result

ROOT = Path(__file__).parents[2]
RUN = ROOT / "tests/data/schema-3"
EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "docs/formats.md").read_text(), re.DOTALL)
WRITTEN = {"csv": "trials.csv", "parquet": "trials.parquet"}

pytestmark = pytest.mark.frames


@pytest.fixture(autouse=True)
def duckdb() -> Any:
    """Skip where DuckDB is missing: the documents use it by its own name."""
    return pytest.importorskip("duckdb", reason="DuckDB is not installed: make test-frames does that")


@pytest.fixture(autouse=True)
def pandas() -> Any:
    return pytest.importorskip("pandas", reason="pandas is not installed: make test-frames does that")


@pytest.fixture(autouse=True)
def parquet() -> Any:
    return pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: make test-frames does that")


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory with a run in each format, which is the current one."""
    for name in ("csv", "parquet"):
        show.command(RUN, as_format=name, out=tmp_path / WRITTEN[name])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_documents_have_examples_of_both() -> None:
    assert {"pandas", "duckdb"} == {name for example in EXAMPLES for name in re.findall(r"^import (\w+)", example)}


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.usefixtures("written")
def test_example_of_the_documents_runs(example: str, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102 -- it is our own document

    assert "polling" in capsys.readouterr().out


def test_pandas_reads_the_types_and_values_of_the_columns(written: Path, pandas: Any) -> None:
    frame = pandas.read_csv(written / "trials.csv")
    trial = read_result(RUN).trials[0]
    row = frame[
        (frame.contestant == trial.contestant) & (frame.figure == "latency.mean") & (frame["repeat"] == trial.repeat)
    ]

    assert [trial.latency_seconds.mean] == list(row.value)
    assert ["seconds"] == list(row.unit)
    assert "bool" == str(frame.valid.dtype) == str(frame.discarded.dtype)


def test_parquet_has_every_row_with_its_types(written: Path, parquet: Any) -> None:
    table = parquet.read_table(written / "trials.parquet")
    wanted = tidy(read_result(RUN))

    assert wanted.records() == table.to_pylist()
    assert {"text": "string", "whole": "int64", "truth": "bool", "number": "double"} == {
        column.kind: str(table.schema.field(column.name).type) for column in wanted.columns
    }
