"""Experiment files that are refused: one line names the file, what is wrong in it, and the cure."""

from pathlib import Path

import pytest

from tests.wirerace.experiment.bad_files import BAD_FILES
from tests.wirerace.experiment.files import LEAST, refusal_of, written


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file_is_refused_on_one_line_that_names_file_key_and_cure(name: str, tmp_path: Path) -> None:
    text, line = BAD_FILES[name]
    path = written(tmp_path, text)

    assert f"{path}: {line}" == refusal_of(path)


def test_unknown_key_of_a_table_without_keys_is_refused_with_a_cure(tmp_path: Path) -> None:
    """WebSocket has no options: there is no list to choose from."""
    line = refusal_of(written(tmp_path, LEAST + "[websocket]\nx = 1"))

    assert "x is no key of [websocket]" in line
    assert not line.rstrip().endswith("there are")


@pytest.mark.parametrize("key", ["two words", "two\nlines"])
def test_unknown_key_in_quotes_is_named_whole_and_on_one_line(key: str, tmp_path: Path) -> None:
    quoted = key.replace("\n", "\\n")
    line = refusal_of(written(tmp_path, f'{LEAST}"{quoted}" = 1'))

    assert quoted in line
    assert [line] == line.splitlines()


def test_file_that_is_not_there_is_refused_with_a_place_to_look(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"

    assert f"{path}: No such file or directory; experiments/ has some to start from" == refusal_of(path)


def test_directory_is_refused(tmp_path: Path) -> None:
    assert f"{tmp_path}: Is a directory; experiments/ has some to start from" == refusal_of(tmp_path)


@pytest.mark.parametrize("content", [b"title =", b"seed = 1\nseed = 2", b"[clients\n", b"seed = " + b"9" * 5000])
def test_file_that_is_no_toml_is_refused_on_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    path.write_bytes(content)

    line = refusal_of(path)
    assert line.startswith(f"{path}: not TOML: ")
    assert [line] == line.splitlines()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b'\ntitle = "\xff"', ":2: not UTF-8; save the file as UTF-8"),
        (b"title = 1\n\x00", ":2: a NUL byte, so this is no text; save the file as UTF-8"),
        (LEAST.encode("utf-16"), ": UTF-16, as its byte order mark says; save it as UTF-8"),
    ],
)
def test_file_in_another_encoding_is_refused_with_its_name(content: bytes, line: str, tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    path.write_bytes(content)

    assert f"{path}{line}" == refusal_of(path)


@pytest.mark.parametrize("name", ["a\0b.toml", "none\x1b[2J.toml", "none\udcff.toml"])
def test_name_that_no_file_has_is_refused_on_a_line_that_any_terminal_may_get(name: str, tmp_path: Path) -> None:
    line = refusal_of(tmp_path / name)

    assert line.startswith(str(tmp_path))
    assert line.endswith("; experiments/ has some to start from")
    assert line.isprintable()


@pytest.mark.parametrize(
    ("directory", "trace_file", "line"),
    [
        ("plain", r"a\u0000b", "/a\\x00b: embedded null byte; name a trace with producer.trace_file"),
        ("\udcff", "trace.csv", " is no UTF-8; rename the file or its directory"),
    ],
)
def test_trace_whose_name_cannot_be_used_is_refused(directory: str, trace_file: str, line: str, tmp_path: Path) -> None:
    (tmp_path / directory).mkdir()
    path = written(tmp_path / directory, f'{LEAST}[producer]\narrivals = "trace"\ntrace_file = "{trace_file}"')

    assert refusal_of(path).endswith(line)


def test_file_that_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "x = " + "[" * 5000)

    assert f"{path}: nested too deeply to be an experiment" == refusal_of(path)


def test_trace_that_cannot_be_read_is_refused_by_both_names(tmp_path: Path) -> None:
    (tmp_path / "trace.csv").write_text("1\n0\n", "utf-8")
    tables = '[producer]\narrivals = "trace"\ntrace_file = "trace.csv"'
    path = written(tmp_path, LEAST + tables)

    line = f"{path}: {tmp_path / 'trace.csv'}:2: time goes back by 1 s; sort the events by time"
    assert line == refusal_of(path)
