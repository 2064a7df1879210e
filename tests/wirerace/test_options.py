import argparse
from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta

from tests.refusals import lacking
from wirerace.errors import BadInput
from wirerace.options import add_flags, flag_of, read_options, variable_of, with_order


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    port: Annotated[int, Meta(ge=0, le=65535, description="port to listen on")] = 8000
    hold_seconds: Annotated[float, Meta(gt=0, description="holds 100 % of them")] = 25.0
    keep_alive: Annotated[bool, Meta(description="keep the connection")] = True
    log_format: Annotated[Literal["console", "json"], Meta(description="how log lines look")] = "console"
    url: Annotated[str, Meta(pattern="^http://[^/]+$", extra={"example": "http://HOST:1"})] = "http://HOST:8"
    parent_pid: Annotated[int, Meta(description="stop with this process")] = 0
    record_file: Annotated[str | None, Meta(description="file for the record")] = None


def parsed(arguments: list[str]) -> dict[str, str | None]:
    parser = argparse.ArgumentParser()
    add_flags(parser, Sample)
    return vars(parser.parse_args(arguments))


def help_text() -> str:
    parser = argparse.ArgumentParser(prog="sample")
    add_flags(parser, Sample)
    return " ".join(parser.format_help().split())


def test_field_names_its_flag_and_its_variable() -> None:
    assert ("--hold-seconds", "WIRERACE_HOLD_SECONDS") == (flag_of("hold_seconds"), variable_of("hold_seconds"))


def test_defaults_hold_when_nothing_is_given() -> None:
    assert Sample() == read_options(Sample, parsed([]), {})


def test_flags_are_converted_to_the_types_of_their_fields() -> None:
    given = ["--port=0", "--hold-seconds", "0.5", "--keep-alive", "false", "--log-format=json", "--record-file=a b"]
    expected = Sample(port=0, hold_seconds=0.5, keep_alive=False, log_format="json", record_file="a b")

    assert expected == read_options(Sample, parsed(given), {})


def test_environment_counts_where_no_flag_is_given() -> None:
    environment = {"WIRERACE_PORT": "1", "WIRERACE_HOLD_SECONDS": "2", "PORT": "3", "WIRERACE_OTHER": "4"}

    assert Sample(port=9, hold_seconds=2.0) == read_options(Sample, parsed(["--port", "9"]), environment)


@pytest.mark.parametrize(
    ("arguments", "environment", "place", "facts"),
    [
        (["--port=x"], {}, "--port", ["whole number", "'x'"]),
        (["--port="], {}, "--port", ["whole number", "''"]),
        (["--port=1.5"], {}, "--port", ["whole number", "'1.5'"]),
        (["--port=-1"], {}, "--port", ["whole number", "at least 0", "'-1'"]),
        (["--port=65536"], {}, "--port", ["whole number", "at most 65535", "'65536'"]),
        (["--hold-seconds=soon"], {}, "--hold-seconds", ["a number", "'soon'"]),
        (["--hold-seconds=0"], {}, "--hold-seconds", ["a number", "above 0.0", "'0'"]),
        (["--hold-seconds=nan"], {}, "--hold-seconds", ["a number", "above 0.0", "'nan'"]),
        (["--keep-alive=maybe"], {}, "--keep-alive", ["true or false", "'maybe'"]),
        (["--log-format=xml"], {}, "--log-format", ["console, json", "'xml'"]),
        ([], {"WIRERACE_PORT": "x"}, "WIRERACE_PORT", ["whole number", "'x'"]),
        ([], {"WIRERACE_LOG_FORMAT": "xml"}, "WIRERACE_LOG_FORMAT", ["console, json", "'xml'"]),
        (
            [],
            {"WIRERACE_PORT": "tcp://10.43.0.1:8000"},  # as Kubernetes sets it
            "WIRERACE_PORT",
            ["whole number", "'tcp://10.43.0.1:8000'"],
        ),
        ([], {"WIRERACE_PORT": "\udcff1"}, "WIRERACE_PORT", ["UTF-8"]),
        (["--url=\x1b[2J"], {}, "--url", ["text", "http://HOST:1", r"'\x1b[2J'"]),
        (["--port=" + "9" * 5000], {}, "--port", ["a number of 64 bits", f"'{'9' * 80}…"]),
        (["--port=x"], {"WIRERACE_PORT": "1"}, "--port", ["whole number", "'x'"]),
    ],
)
def test_bad_value_is_refused_by_the_name_it_was_given_under(
    arguments: list[str], environment: dict[str, str], place: str, facts: list[str]
) -> None:
    with pytest.raises(BadInput) as refusal:
        read_options(Sample, parsed(arguments), environment)

    assert [] == lacking(str(refusal.value), place, facts), refusal.value


@pytest.mark.parametrize(
    "line",
    [
        "--port N port to listen on ($WIRERACE_PORT, default 8000)",
        "--hold-seconds X holds 100 % of them ($WIRERACE_HOLD_SECONDS, default 25.0)",
        "--keep-alive true|false keep the connection ($WIRERACE_KEEP_ALIVE, default true)",
        "--log-format console|json how log lines look ($WIRERACE_LOG_FORMAT, default console)",
        "--parent-pid N stop with this process ($WIRERACE_PARENT_PID, default 0)",
        "--record-file TEXT file for the record ($WIRERACE_RECORD_FILE)",
    ],
)
def test_help_shows_each_flag_with_type_description_variable_and_default(line: str) -> None:
    assert line in help_text()


def test_order_of_an_experiment_sets_several_options_at_once_and_leaves_the_others() -> None:
    options = read_options(Sample, {"port": "7", "hold_seconds": "3"}, {})

    assert Sample(port=7, hold_seconds=0.5) == with_order(options, '{"hold_seconds": 0.5}')
    assert options == with_order(options, None)


@pytest.mark.parametrize(
    ("order", "key"),
    [
        ('{"hold_seconds": 0}', "--contestant.hold_seconds must be"),
        ('{"speed": 1}', "speed"),
        ("[]", "--contestant must be"),
        ("{", "--contestant: no JSON"),
        ("\udcff", "--contestant: no JSON"),
    ],
)
def test_order_that_does_not_fit_is_refused_by_its_key(order: str, key: str) -> None:
    with pytest.raises(BadInput) as refusal:
        with_order(Sample(), order)
    assert key in str(refusal.value)
