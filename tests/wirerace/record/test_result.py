import io
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from rich.console import Console

from tests.refusals import lacking
from tests.wirerace.results import RAW, RESULT, TRIAL
from tests.wirerace.trials import NOTHING_MEASURED, NOTHING_SPENT
from wirerace.errors import BadInput
from wirerace.record.reading import read_result
from wirerace.record.result import FILE_NAME, SCHEMA, Raw
from wirerace.record.trial import Trial
from wirerace.record.writing import write_json
from wirerace.report.terminal import parts_of
from wirerace.runner.directory import RunDirectory


def changed(**changes: Any) -> Trial:
    return msgspec.structs.replace(TRIAL, **changes)


def refusal_of(directory: Path) -> str:
    with pytest.raises(BadInput) as refusal:
        read_result(directory)
    return str(refusal.value)


def test_result_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    write_json(tmp_path / FILE_NAME, RESULT)

    assert RESULT == read_result(tmp_path)


def test_raw_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    RunDirectory(tmp_path).save_raw("1-websocket", RAW)
    path = tmp_path / "raw" / "1-websocket.json"

    assert RAW == msgspec.json.decode(path.read_bytes(), type=Raw)


def test_raw_takes_one_line_and_result_has_a_line_for_each_value(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path)
    directory.save_raw("1-websocket", RAW)
    directory.save(RESULT)

    assert 1 == (tmp_path / "raw" / "1-websocket.json").read_bytes().count(b"\n")
    assert (tmp_path / FILE_NAME).read_bytes().count(b"\n") > 100


def test_raw_samples_have_named_fields_and_say_when_they_were_taken() -> None:
    """The file can be read without this code."""
    written = msgspec.structs.replace(NOTHING_MEASURED, server=(NOTHING_SPENT, NOTHING_SPENT))
    measured = msgspec.json.decode(msgspec.json.encode(written))
    samples = [*measured["server"], *measured["machine"], measured["idle"], measured["full"]]

    assert all({"began_ns", "ended_ns"} < sample.keys() for sample in samples)
    assert {"cpu_seconds", "payload_bytes", "received_bytes", "sent_bytes"} < measured["server"][0].keys()


def test_writing_leaves_nothing_but_the_file(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    write_json(path, RESULT)
    write_json(path, {"second": True})

    assert [path] == list(path.parent.iterdir())
    assert b'{\n  "second": true\n}\n' == path.read_bytes()


def test_reader_keeps_the_old_file_when_the_new_one_cannot_be_written(tmp_path: Path) -> None:
    write_json(tmp_path / FILE_NAME, RESULT)
    with pytest.raises(TypeError):
        write_json(tmp_path / FILE_NAME, object())

    assert RESULT == read_result(tmp_path)


def test_unknown_is_null_and_never_zero(tmp_path: Path) -> None:
    write_json(tmp_path / FILE_NAME, RESULT)
    trial = msgspec.json.decode((tmp_path / FILE_NAME).read_bytes())["trials"][0]

    assert [None, None, None] == [
        trial["bytes"]["payload"],
        trial["server"]["cpu_seconds"],
        trial["age_seconds"]["mean"],
    ]


def test_directory_without_a_result_is_refused_with_what_to_give(tmp_path: Path) -> None:
    facts = ["No such file or directory", "the directory of a run", "result.json"]

    assert [] == lacking(refusal_of(tmp_path), str(tmp_path / FILE_NAME), facts)


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"\xff", b"null", b"[" * 100_000, b'{"schema": 2, "x": ' + b"[" * 100_000),
        *(b'{"schema": "one"}', b'{"schema": 2, "trials": 3}', b'{"schema": 2}'),
    ],
    ids=lambda content: repr(content[:20]),
)
def test_what_is_no_result_is_refused_on_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    line = refusal_of(tmp_path)

    assert line.startswith(f"{tmp_path / FILE_NAME}: no result of Wirerace: ")
    assert [line] == line.splitlines()


EDITS: dict[str, tuple[tuple[str | int, ...], object, str, list[str]]] = {
    "transport that is none": (("contestants", 0, "transport"), "foo", "contestants[0].transport", ["'foo'"]),
    "id that is none": (("contestants", 0, "id"), "\x1b[2J", "contestants[0].id", [r"'\x1b[2J'"]),
    "id twice": (("contestants", 1, "id"), "websocket", "contestants[0].id", ["'websocket'"]),
    "contestant that is none": (("trials", 0, "contestant"), "foo", "trials[0].contestant", ["'foo'", "contestants"]),
    "point that is none": (("trials", 0, "point"), 3, "trials[0].point", ["points[3]"]),
    "no points": (("points",), [], "points", ["none"]),
    "setting of a key there is not": (
        ("points", 0, "setting"),
        {"clients.steps.stages[7].clients": 3},
        "'clients.steps.stages[7].clients'",
        ["no key of the experiment"],
    ),
    "outcome left out": (
        ("trials", 0, "responses"),
        {"data": 1, "empty": 0},
        "trials[0].responses",
        ["error", "missing"],
    ),
    "text for a number": (("trials", 0, "lost"), "x", "trials[0].lost", ["whole number", "'x'"]),
    "experiment that is none": (("experiment",), [], "experiment", ["a table", "[]"]),
    "clients that are none": (("experiment", "clients"), 5, "experiment.clients", ["a table", "5"]),
    "no count": (("experiment", "clients"), {}, "count", ["missing", "experiment.clients"]),
    "no window": (("experiment", "window"), {}, "measure_seconds", ["missing", "experiment.window"]),
    "valid repeats in words": (("experiment", "valid_repeats"), "two", "experiment.valid_repeats", ["whole number"]),
    "producer of another kind": (
        ("experiment", "producer", "arrivals"),
        "foo",
        "experiment.producer.arrivals",
        ["periodic, poisson, bursty, trace", "'foo'"],
    ),
    "sizes that do not ascend": (
        ("experiment", "producer", "payload_bytes"),
        {"min": 5, "median": 3, "max": 9},
        "experiment.producer.payload_bytes",
        ["min, median, max", "ascend"],
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_edited_result_is_refused_by_the_key(edit: str, tmp_path: Path) -> None:
    keys, value, place, facts = EDITS[edit]
    document = inner = msgspec.to_builtins(RESULT)
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    write_json(tmp_path / FILE_NAME, document)

    head, line = f"{tmp_path / FILE_NAME}: no result of Wirerace: ", refusal_of(tmp_path)
    assert line.startswith(head)
    assert [] == lacking(line.removeprefix(head), place, facts), line


@pytest.mark.parametrize(
    ("title", "shown"),
    [("[/b] or [bold]", "[/b] or [bold]"), ("\x1b[2J\x07 two\nlines", r"\x1b[2J\x07 two\nlines")],
)
def test_title_is_printed_as_it_is_and_obeyed_by_no_terminal(title: str, shown: str) -> None:
    result = msgspec.structs.replace(RESULT, experiment=RESULT.experiment | {"title": title})
    console = Console(file=io.StringIO(), width=200)
    for part in parts_of(result):
        console.print(part)

    assert shown in cast("io.StringIO", console.file).getvalue()


def test_result_of_another_schema_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / FILE_NAME, msgspec.structs.replace(RESULT, schema=SCHEMA + 1))

    assert f"{tmp_path / FILE_NAME}: schema {SCHEMA + 1}; this version reads 2, 3 and {SCHEMA}" == refusal_of(tmp_path)


def test_result_of_another_schema_is_refused_as_such_whatever_its_shape(tmp_path: Path) -> None:
    write_json(tmp_path / FILE_NAME, {"schema": SCHEMA + 1, "runs": []})

    assert f"{tmp_path / FILE_NAME}: schema {SCHEMA + 1}; this version reads 2, 3 and {SCHEMA}" == refusal_of(tmp_path)


@pytest.mark.parametrize(
    ("trial", "is_whole"),
    [
        (changed(lost=0, duplicated=0, reordered=0), True),
        (changed(lost=1), False),
        (changed(duplicated=1), False),
        (changed(reordered=1), False),
    ],
)
def test_trial_is_whole_when_all_came_once_and_in_order(trial: Trial, *, is_whole: bool) -> None:
    assert is_whole == trial.is_whole
