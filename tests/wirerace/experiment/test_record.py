from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.wirerace.trials import NOTHING_MEASURED, NOTHING_SPENT, plan_of
from wirerace.account import AccountRecord, Spread, Subscription, Window
from wirerace.errors import BadInput
from wirerace.experiment.directory import RunDirectory
from wirerace.experiment.figures import figures
from wirerace.experiment.record import FILE_NAME, SCHEMA, Failure, Host, Raw, Result, read_result, write_json
from wirerace.experiment.trial import Trial
from wirerace.schedule import Made, Truth
from wirerace.wire import Cursor

RAW = Raw(
    Window(100, 200),
    AccountRecord(
        subscribed=1,
        delivered=1,
        partly=[Subscription(Cursor("e0", 6), Cursor("e0", 6))],
        updates={"e0": {7: Spread(1, 5, 5, 5)}},
    ),
    Truth(2, complete=True, epochs=[Made("e0", [6, 7], [50, 150], [1, 2])]),
    NOTHING_MEASURED,
)
TRIAL = figures(plan_of("websocket"), RAW)
RESULT = Result(
    wirerace="0.1.0",
    experiment={"title": "t", "clients": {"count": 1}},
    host=Host(2, "Linux", "3.11.7", {"aiohttp": "3.0"}),
    started_at="2026-01-01T00:00:00+00:00",
    trials=[TRIAL],
    failures=[Failure("polling", 1, "the server did not start")],
)


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


def test_raw_samples_have_named_fields_and_say_when_they_were_taken() -> None:
    """So that the file can be read without this code."""
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
    expected = f"{tmp_path / FILE_NAME}: No such file or directory; give the directory of a run, or its result.json"

    assert expected == refusal_of(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"schema": "one"}', b'{"schema": 2, "trials": 3}'])
def test_what_is_no_result_is_refused_on_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    line = refusal_of(tmp_path)

    assert line.startswith(f"{tmp_path / FILE_NAME}: no result of Wirerace: ")
    assert [line] == line.splitlines()


def test_result_of_another_schema_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / FILE_NAME, msgspec.structs.replace(RESULT, schema=SCHEMA + 1))

    assert f"{tmp_path / FILE_NAME}: schema {SCHEMA + 1}; this version reads {SCHEMA}" == refusal_of(tmp_path)


def test_result_of_another_schema_is_refused_as_such_whatever_its_shape(tmp_path: Path) -> None:
    write_json(tmp_path / FILE_NAME, {"schema": SCHEMA + 1, "runs": []})

    assert f"{tmp_path / FILE_NAME}: schema {SCHEMA + 1}; this version reads {SCHEMA}" == refusal_of(tmp_path)


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
