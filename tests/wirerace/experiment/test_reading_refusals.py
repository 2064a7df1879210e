"""Experiment files that are refused: one line names the file, what is wrong in it, and the cure."""

from pathlib import Path

import pytest

from tests.refusals import lacking
from tests.wirerace.experiment.bad_files import BAD_FILES
from tests.wirerace.experiment.files import LEAST, refusal_of, written


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file_is_refused_on_one_line_that_names_file_key_and_cure(name: str, tmp_path: Path) -> None:
    text, place, facts = BAD_FILES[name]
    path = written(tmp_path, text)

    line = refusal_of(path)
    assert line.startswith(f"{path}: ")
    assert [] == lacking(line.removeprefix(f"{path}: "), place, facts), line


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

    assert [] == lacking(refusal_of(path), str(path), ["No such file or directory", "experiments/"])


def test_directory_is_refused(tmp_path: Path) -> None:
    assert [] == lacking(refusal_of(tmp_path), str(tmp_path), ["Is a directory", "experiments/"])


@pytest.mark.parametrize("content", [b"title =", b"seed = 1\nseed = 2", b"[clients\n", b"seed = " + b"9" * 5000])
def test_file_that_is_no_toml_is_refused_on_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    path.write_bytes(content)

    assert [] == lacking(refusal_of(path), str(path), ["TOML"])


@pytest.mark.parametrize(
    ("content", "place", "facts"),
    [
        (b'\ntitle = "\xff"', ":2", ["not UTF-8", "save the file as UTF-8"]),
        (b"title = 1\n\x00", ":2", ["a NUL byte", "save the file as UTF-8"]),
        (LEAST.encode("utf-16"), "", ["UTF-16", "byte order mark", "as UTF-8"]),
    ],
)
def test_file_in_another_encoding_is_refused_with_its_name(
    content: bytes, place: str, facts: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "experiment.toml"
    path.write_bytes(content)

    assert [] == lacking(refusal_of(path), f"{path}{place}", facts)


@pytest.mark.parametrize("name", ["a\0b.toml", "none\x1b[2J.toml", "none\udcff.toml"])
def test_name_that_no_file_has_is_refused_on_a_line_that_any_terminal_may_get(name: str, tmp_path: Path) -> None:
    line = refusal_of(tmp_path / name)

    assert [] == lacking(line, str(tmp_path), ["experiments/"])
    assert line.isprintable()


@pytest.mark.parametrize(
    ("directory", "trace_file", "facts"),
    [
        ("plain", r"a\u0000b", [r"a\x00b", "null byte", "name a trace", "producer.trace_file"]),
        ("\udcff", "trace.csv", ["producer.trace_file", "no UTF-8", "rename the file or its directory"]),
    ],
)
def test_trace_whose_name_cannot_be_used_is_refused(
    directory: str, trace_file: str, facts: list[str], tmp_path: Path
) -> None:
    (tmp_path / directory).mkdir()
    path = written(tmp_path / directory, f'{LEAST}[producer]\narrivals = "trace"\ntrace_file = "{trace_file}"')

    line = refusal_of(path)
    assert [] == lacking(line, "", facts), line
    assert line.startswith(str(tmp_path))


def test_file_that_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "x = " + "[" * 5000)

    assert [] == lacking(refusal_of(path), str(path), ["nested too deeply"])


def test_trace_that_cannot_be_read_is_refused_by_both_names(tmp_path: Path) -> None:
    (tmp_path / "trace.csv").write_text("1\n0\n", "utf-8")
    tables = '[producer]\narrivals = "trace"\ntrace_file = "trace.csv"'
    path = written(tmp_path, LEAST + tables)

    facts = [f"{tmp_path / 'trace.csv'}:2", "goes back by 1 s", "sort the events"]
    assert [] == lacking(refusal_of(path), str(path), facts)
