"""A result for other programs: JSON, CSV and Parquet, all of them the tidy table; and Markdown, for people."""

import csv
import io
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from wirerace.analysis.tidy import Kind, TidyTable, tidy
from wirerace.errors import BadInput
from wirerace.record.result import Result
from wirerace.report.markdown import markdown_of

BINARY = {"parquet"}
"""The formats that no terminal can show."""


def encoded_as(name: str, result: Result) -> bytes:
    """Return a result in a format.

    Raises BadInput when the format needs a package that is not there.
    """
    return FORMATS[name](result)


def _json(result: Result) -> bytes:
    return msgspec.json.format(msgspec.json.encode(tidy(result).records()), indent=2) + b"\n"


def _csv(result: Result) -> bytes:
    """Return CSV as RFC 4180 has it, with line feeds: an unknown value is an empty cell, a truth true or false."""
    table, text = tidy(result), io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in table.columns])
    writer.writerows([_plain(cell) for cell in row] for row in table.rows)
    return text.getvalue().encode()


def _plain(cell: object) -> object:
    return str(cell).lower() if isinstance(cell, bool) else cell


def _markdown(result: Result) -> bytes:
    return markdown_of(result).encode()


def _parquet(result: Result) -> bytes:
    try:
        import pyarrow as pa  # noqa: PLC0415 -- an extra that only this format needs
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise BadInput(
            "--format parquet needs pyarrow, which is not installed: pip install pyarrow, or take --format csv"
        ) from None
    kinds: Mapping[Kind, Any] = {
        "text": pa.string(),
        "whole": pa.int64(),
        "number": pa.float64(),
        "truth": pa.bool_(),
    }
    table: TidyTable = tidy(result)
    schema = pa.schema([(column.name, kinds[column.kind]) for column in table.columns])
    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(table.records(), schema=schema), sink)
    return sink.getvalue()


FORMATS: Mapping[str, Callable[[Result], bytes]] = {
    "json": _json,
    "csv": _csv,
    "markdown": _markdown,
    "parquet": _parquet,
}
