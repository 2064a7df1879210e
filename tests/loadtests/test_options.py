"""Our options on Locust's command line and page."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
from locust.argument_parser import LocustArgumentParser

from loadtests.connection import Address
from loadtests.options import UserOptions, add_options, own_options, read_options
from tests.refusals import lacking
from wirerace.errors import BadInput
from wirerace.experiment.plans import plans_of
from wirerace.experiment.reading import read_experiment, study_of
from wirerace.runner.targets.locust import order_flags, spelled
from wirerace.transports.longpolling import LongPollingOptions
from wirerace.transports.polling import PollingOptions
from wirerace.workload.shapes import RampShape, StepsShape, StepsStage, StormShape


@pytest.fixture
def parser() -> LocustArgumentParser:
    parser = LocustArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    return parser


def given(parser: LocustArgumentParser, *flags: str) -> dict[str, Any]:
    found: dict[str, Any] = vars(parser.parse_args(list(flags)))
    return found


def test_options_have_the_defaults_of_their_transports_and_shapes(parser: LocustArgumentParser) -> None:
    options = read_options(given(parser))

    assert PollingOptions() == options.transports["polling"]
    assert LongPollingOptions() == options.transports["longpolling"]
    assert Address("127.0.0.1", 8003) == options.addresses["websocket"]
    assert (RampShape(), StormShape()) == (options.shapes["ramp"], options.shapes["storm"])
    assert 1 == options.seed


def test_each_option_is_a_flag(parser: LocustArgumentParser) -> None:
    flags = ("--polling-interval-seconds=0.25", "--longpolling-keep-alive=false", "--steps-stages=5:2,9:1")
    options = read_options(given(parser, *flags, "--websocket-host=ws://10.0.0.1:9", "--load-seed=7"))

    assert PollingOptions(interval_seconds=0.25) == options.transports["polling"]
    assert LongPollingOptions(keep_alive=False) == options.transports["longpolling"]
    assert StepsShape(stages=(StepsStage(5, 2), StepsStage(9, 1))) == options.shapes["steps"]
    assert Address("10.0.0.1", 9) == options.addresses["websocket"]
    assert 7 == options.seed


def test_each_option_is_a_variable(parser: LocustArgumentParser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRERACE_LONGPOLLING_REPOLL_DELAY_SECONDS", "1.5")
    monkeypatch.setenv("WIRERACE_STORM_AT_SECONDS", "3")
    options = read_options(given(parser))

    assert LongPollingOptions(repoll_delay_seconds=1.5) == options.transports["longpolling"]
    assert StormShape(at_seconds=3) == options.shapes["storm"]


def test_each_option_of_a_client_is_a_field_of_the_page(parser: LocustArgumentParser) -> None:
    fields = set(parser.args_included_in_web_ui)

    assert {
        "polling_host", "polling_interval_seconds", "polling_keep_alive", "polling_extra_header_bytes",
        "longpolling_host", "longpolling_hold_seconds", "longpolling_repoll_delay_seconds", "longpolling_keep_alive",
        "websocket_host", "steps_stages", "spike_base_clients", "ramp_for_seconds", "storm_jitter_seconds",
    } <= fields  # fmt: skip
    assert fields.isdisjoint({"control_port", "parent_pid", "shape"})


@pytest.mark.parametrize(
    ("field", "value", "facts"),
    [
        ("polling_interval_seconds", "0", ["a number", "at least 0.01", "'0'"]),
        ("polling_interval_seconds", "soon", ["a number", "'soon'"]),
        ("longpolling_keep_alive", "perhaps", ["true or false", "'perhaps'"]),
        ("polling_host", "nowhere", ["a URL", "http://127.0.0.1:8001", "'nowhere'"]),
        ("polling_host", "http://a..b:1", ["a URL", "http://127.0.0.1:8001", "'http://a..b:1'"]),
        ("spike_base_clients", "1.5", ["whole number", "'1.5'"]),
        ("steps_stages", "5", ["clients:seconds", "50:10,100:10,200:10", "'5'"]),
        ("load_seed", "x", ["whole number", "'x'"]),
    ],
)
def test_field_that_does_not_fit_is_refused_by_name(
    parser: LocustArgumentParser, field: str, value: str, facts: list[str]
) -> None:
    """A page sends text, which Locust converts as far as it can."""
    with pytest.raises(BadInput) as refusal:
        read_options(given(parser) | {field: value})

    assert [] == lacking(str(refusal.value), f"--{field.replace('_', '-')}", facts), refusal.value


ORDER = {
    "transport": "polling",
    "options": {"interval_seconds": 0.25, "keep_alive": False},
    "url": "http://10.0.0.1:9",
    "shape": {"stages": [{"clients": 5, "seconds": 2}]},
    "seed": 7,
}


def ordered(parser: LocustArgumentParser, *flags: str, **changes: object) -> UserOptions:
    order = json.dumps({**ORDER, **changes})
    return read_options(given(parser, f"--contestant={order}", "--polling-interval-seconds=9", *flags))


def test_order_of_an_experiment_takes_the_place_of_all_fields(parser: LocustArgumentParser) -> None:
    options = ordered(parser, "--shape=steps")

    assert PollingOptions(interval_seconds=0.25, keep_alive=False) == options.transports["polling"]
    assert {"polling": Address("10.0.0.1", 9)} == options.addresses
    assert StepsShape(stages=(StepsStage(5, 2),)) == options.shapes["steps"]
    assert 7 == options.seed


@pytest.mark.parametrize("setting", ["first-look", "keep-alive", "more-clients"])
def test_order_of_the_runner_is_what_the_plan_says(setting: str, parser: LocustArgumentParser) -> None:
    study = read_experiment(Path(__file__).parents[2] / "experiments" / f"{setting}.toml")
    for plan in plans_of(study.settings[-1], 1):
        flags = order_flags(plan, "http://127.0.0.1:1")
        ours = {name: flags[name] for name in ("contestant", "shape")}
        options = read_options(given(parser, *spelled(ours)))

        assert plan.options == options.transports[plan.transport.name]
        assert plan.experiment.clients.shape_options == options.shapes[plan.experiment.clients.shape]
        assert plan.seed == options.seed


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"transport": "pigeon"}, "--contestant: there is no transport 'pigeon'"),
        ({"options": {"interval_seconds": 0}}, "--contestant: options.interval_seconds must be"),
        ({"options": {"hold_seconds": 1}}, "hold_seconds is no key of [--contestant: options]"),
        ({"seed": "x"}, "--contestant.seed must be"),
        ({"more": 1}, "more is no key of [--contestant]"),
        ({"url": "nonsense:"}, "nonsense:"),
    ],
)
def test_order_that_does_not_fit_is_refused_by_its_key(
    changes: dict[str, object], key: str, parser: LocustArgumentParser
) -> None:
    with pytest.raises(BadInput) as refusal:
        ordered(parser, **changes)
    assert key in str(refusal.value)


def test_own_options_are_those_of_the_command_line_and_not_of_a_master(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that a master overwrites before it is ready opened the master's control port, which was taken."""
    worker = ["--worker", "--master-port", "5557", "--loglevel", "WARNING", "-f", "loadtests"]
    assert 0 == own_options(worker).control_port
    assert ("127.0.0.1", 9100) == (
        (own := own_options([*worker, "--control-port", "9100"])).control_host,
        own.control_port,
    )
    monkeypatch.setenv("WIRERACE_CONTROL_PORT", "9200")
    assert 9200 == own_options(worker).control_port


def test_order_says_which_http_clients_speak_and_how_many_share_a_connection() -> None:
    path = {"proxy": "nginx", "http": 2, "streams_per_connection": 6}
    study = study_of({"title": "t", "transports": ["polling"], "path": "far", "paths": {"far": path}}, Path())
    (plan,) = plans_of(study.settings[0], 1)
    options = read_options(order_flags(plan, "http://127.0.0.1:1"))

    assert (2, 6) == (options.http, options.streams_per_connection)
