"""What a target cannot do is refused before the run, on one line that names the key and the cure."""

from pathlib import Path
from typing import Any

import pytest

from tests.refusals import lacking
from wirerace.errors import BadInput
from wirerace.experiment.reading import study_of
from wirerace.runner.targets.compose import SUPPORTED
from wirerace.runner.targets.descriptors import sockets_of
from wirerace.runner.targets.supported import OF_PAGE
from wirerace.runner.targets.supported import SUPPORTED as OF_PROCESSES
from wirerace.runner.targets.target import refuse_unsupported


@pytest.mark.parametrize(
    ("keys", "place", "facts"),
    [
        (
            {"transports": ["websocket"], "websocket": {"ping_interval_seconds": 1}},
            "websocket.ping_interval_seconds",
            ["docker-compose.yml", "--ping-interval-seconds"],
        ),
        (
            {"faults": [{"kind": "fill", "on": "producer", "at_seconds": 1, "lasts_seconds": 1}]},
            "faults[0]",
            ["a fill on producer", "disk", "--on compose"],
        ),
        (
            {"servers": {"feed": "nats"}},
            "servers.feed",
            ["a broker", "--on compose"],
        ),
    ],
)
def test_containers_are_refused_what_only_processes_can_do_on_one_line(
    keys: dict[str, Any], place: str, facts: list[str]
) -> None:
    with pytest.raises(BadInput) as refusal:
        refuse_unsupported(study_of({"title": "t", "transports": ["polling"], **keys}, Path()), SUPPORTED)
    assert [] == lacking(str(refusal.value), place, facts), refusal.value


def test_fill_is_refused_by_name_where_no_process_can_be_kept_from_writing() -> None:
    fill = {"kind": "fill", "on": "producer", "at_seconds": 1, "lasts_seconds": 1}
    study = study_of({"title": "t", "transports": ["polling"], "faults": [fill]}, Path())
    elsewhere = OF_PROCESSES._replace(faults=OF_PROCESSES.faults - {("fill", "producer")})
    with pytest.raises(BadInput) as refusal:
        refuse_unsupported(study, elsewhere)
    assert [] == lacking(str(refusal.value), "faults[0]", ["a fill on producer", "needs Linux"])


@pytest.mark.parametrize(("kind", "on"), [("restart", "server"), ("restart", "producer"), ("drop", "feed")])
def test_both_targets_can_restart_parts_and_drop_the_feed(kind: str, on: str) -> None:
    fault = {"kind": kind, "on": on, "at_seconds": 1}
    study = study_of({"title": "t", "transports": ["polling"], "faults": [fault]}, Path())
    for supported in (SUPPORTED, OF_PROCESSES):
        refuse_unsupported(study, supported)


def test_page_is_refused_visitors_and_both_targets_take_them() -> None:
    study = study_of({"title": "t", "transports": ["polling"], "population": {"kind": "visit"}}, Path())
    for supported in (SUPPORTED, OF_PROCESSES):
        refuse_unsupported(study, supported)
    with pytest.raises(BadInput) as refusal:
        refuse_unsupported(study, OF_PAGE)
    assert [] == lacking(str(refusal.value), "population.kind", ["visitors", "wirerace run"])


def test_tls_is_refused_where_nothing_would_speak_it() -> None:
    keys = {"title": "t", "transports": ["polling"], "path": "far", "paths": {"far": {"tls": True}}}
    for supported in (SUPPORTED, OF_PROCESSES):
        refuse_unsupported(study_of(keys, Path()), supported)
    with pytest.raises(BadInput) as refusal:
        refuse_unsupported(study_of(keys, Path()), OF_PAGE)
    assert [] == lacking(str(refusal.value), "the path of polling", ["TLS", "wirerace run"]), refusal.value
    tabs = keys | {"clients": {"browsers": 2}}
    with pytest.raises(BadInput) as refusal:
        refuse_unsupported(study_of(tabs, Path()), OF_PROCESSES)
    assert [] == lacking(str(refusal.value), "clients.browsers", ["certificate", "tls", "polling"]), refusal.value


def test_http2_is_refused_where_no_order_asks_for_it() -> None:
    path = {"proxy": "nginx", "http": 2}
    study = study_of({"title": "t", "transports": ["polling"], "path": "far", "paths": {"far": path}}, Path())
    for supported in (SUPPORTED, OF_PROCESSES):
        refuse_unsupported(study, supported)
    with pytest.raises(BadInput) as refusal:
        refuse_unsupported(study, OF_PAGE)
    assert [] == lacking(str(refusal.value), "the path of polling", ["HTTP/2", "wirerace run"]), refusal.value


def test_each_visitor_may_need_a_socket_until_it_gives_up() -> None:
    keys = {"kind": "visit", "per_second": 30.0, "timeout_seconds": 20.0}
    plain = {"title": "t", "transports": ["polling"], "population": keys, "polling": {"interval_seconds": 1}}
    far = plain | {"path": "far", "paths": {"far": {"delay_seconds": 0.05}}}

    assert [600, 1200] == [sockets_of(study_of(document, Path()).settings[0]) for document in (plain, far)]
