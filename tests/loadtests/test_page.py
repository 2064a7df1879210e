"""Locust's page: a wrong value of any field is reported on the page, and nothing starts."""

import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest
from flask.testing import FlaskClient
from locust.argument_parser import get_parser
from locust.env import Environment

from loadtests.hosts import HOSTS
from loadtests.options import add_options
from loadtests.page import Page
from loadtests.polling import PollingUser
from loadtests.shapes import ReconnectStorm, Steady
from loadtests.websocket import WebSocketUser
from tests.fuzz.fuzzing import damaged_text, fuzzed
from tests.refusals import lacking

GOOD = {"user_count": "3", "spawn_rate": "3"}
SEEDS = (b"1", b"0.5", b"1h20m", b"true", b"http://127.0.0.1:8000", b"50:10,100:10", b"PollingUser", b"ReconnectStorm")


@pytest.fixture(scope="module", name="page")
def page_with_pickers() -> Iterator[FlaskClient]:
    """Yield the page of a Locust with --class-picker."""
    with page_of(userclass_picker_is_active=True) as page:
        yield page


@contextmanager
def page_of(*arguments: str, **settings: bool) -> Iterator[FlaskClient]:
    """Yield the page of a Locust that would start clients, but does not."""
    parser = get_parser(default_config_files=[])
    add_options(parser)
    given = ("--producer-url=http://127.0.0.1:1", "--allowed-hosts=http://127.0.0.1:9001", *arguments)
    options = parser.parse_args(given)
    users = {user.__name__: user for user in (PollingUser, WebSocketUser)}
    shapes: Any = {shape.__name__: shape for shape in (Steady, ReconnectStorm)}
    environment: Any = Environment(user_classes=list(users.values()), parsed_options=options)
    environment.available_user_classes = users
    environment.available_shape_classes = {name: shape() for name, shape in shapes.items()}
    for shape in environment.available_shape_classes.values():
        shape.environment = environment
    environment.create_local_runner().start = lambda *_, **__: None
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(sys, "argv", ["locust"])  # the page reads it, too
        web_ui = environment.create_web_ui("127.0.0.1", 0, delayed_start=True, **settings)
        Page(environment)
        yield web_ui.app.test_client()
    environment.runner.quit()


def said(page: FlaskClient, form: dict[str, str]) -> dict[str, Any]:
    """Send the page's form and return the answer."""
    answer = page.post("/swarm", data=form)
    assert 200 == answer.status_code, form
    found: dict[str, Any] = answer.get_json()
    return found


@pytest.mark.parametrize(
    ("form", "place", "facts"),
    [
        ({"user_count": "1e3"}, "user_count", ["whole number", "from 1 to 100000", "'1e3'"]),
        ({"user_count": "5.5"}, "user_count", ["whole number", "from 1 to 100000", "'5.5'"]),
        ({"user_count": ""}, "user_count", ["whole number", "from 1 to 100000", "''"]),
        ({"user_count": "100001"}, "user_count", ["whole number", "from 1 to 100000", "'100001'"]),
        ({"spawn_rate": "nan"}, "spawn_rate", ["a number", "above 0", "at most 100000", "'nan'"]),
        ({"spawn_rate": "1e9"}, "spawn_rate", ["a number", "above 0", "at most 100000", "'1e9'"]),
        ({"run_time": "soon"}, "run_time", ["at most a year", "20, 20s, 3m or 1h20m", "'soon'"]),
        ({"run_time": "9000h"}, "run_time", ["at most a year", "20, 20s, 3m or 1h20m", "'9000h'"]),
        ({"user_classes": "NoUser"}, "user_classes", ["PollingUser, WebSocketUser", "'NoUser'"]),
        ({"shape_class": "Square"}, "shape_class", ["Default, ReconnectStorm, Steady", "'Square'"]),
        ({"stop_timeout": "x"}, "stop_timeout", ["whole number", "'x'"]),
        ({"host": "http://a:1"}, "Host", ["each transport", ", ".join(HOSTS), "'http://a:1'"]),
        ({"polling_host": "http://a:1"}, "--polling-host", ["http://a:1", "--allowed-hosts"]),
        ({"producer_rate_per_second": "5"}, "the producer at 127.0.0.1:1", ["does not answer", "Connection refused"]),
        ({"polling_interval_seconds": "0"}, "--polling-interval-seconds", ["a number", "at least 0.01", "'0'"]),
    ],
)
def test_field_that_cannot_be_used_is_named_on_the_page(
    page: FlaskClient, form: dict[str, str], place: str, facts: list[str]
) -> None:
    answer = said(page, GOOD | form)

    assert answer["success"] is False
    assert [] == lacking(answer["message"], place, facts), answer["message"]


@pytest.mark.parametrize("missing", GOOD)
def test_field_that_is_missing_is_named_on_the_page(page: FlaskClient, missing: str) -> None:
    answer = said(page, {name: value for name, value in GOOD.items() if name != missing})

    assert not answer["success"]
    assert answer["message"].startswith(f"{missing} must be a ")
    assert answer["message"].endswith(", got nothing")


def test_good_fields_start_a_test(page: FlaskClient) -> None:
    assert said(
        page, GOOD | {"run_time": "1m", "user_classes": "PollingUser", "websocket_host": "ws://127.0.0.1:8001"}
    )["success"]


@pytest.mark.parametrize("shape", ["Default", "Steady"])
def test_page_asks_for_clients_whatever_shape_was_started_before(page: FlaskClient, shape: str) -> None:
    """Otherwise a shape picked in a browser would have 0 clients."""
    assert said(page, GOOD | {"shape_class": shape})["success"]
    page.post("/stop")

    html = page.get("/").get_data(as_text=True)
    assert 1 == html.count("shape_use_common_options")
    assert re.search(r"shape_use_common_options\W+true", html)


def test_page_without_pickers_takes_an_edit_while_a_test_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with page_of() as page:
        assert said(page, GOOD)["success"]
        monkeypatch.setattr("locust.runners.Runner.state", "running", raising=False)
        assert said(page, GOOD | {"user_count": "4"})["success"]


def test_producer_is_not_asked_for_a_user_that_has_not_logged_in() -> None:
    """Locust redirects to its login, and does not show its page."""
    with page_of(web_login=True) as page:
        page.application.config["SECRET_KEY"] = secrets.token_hex()
        page.application.login_manager.user_loader(lambda _: None)  # type: ignore[attr-defined]
        answer = page.post("/swarm", data=GOOD | {"producer_rate_per_second": "5"})
    assert 302 == answer.status_code
    assert "producer" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("path", ["/nothing/swarm", "/swarm/"])
def test_only_the_page_s_own_form_sets_anything(page: FlaskClient, path: str) -> None:
    assert 404 == page.post(path, data=GOOD | {"producer_rate_per_second": "5"}).status_code


@pytest.mark.parametrize("name", ["control_token", "allowed_hosts", "producer_url"])
def test_option_that_is_no_field_is_not_set_through_the_page(page: FlaskClient, name: str) -> None:
    answer = said(page, GOOD | {name: "x"})
    assert (False, True) == (answer["success"], name in answer["message"])


@pytest.mark.parametrize("host", ["http://127.0.0.1:8003", "ws://127.0.0.1:9001/"])
def test_host_may_be_one_of_the_start_or_one_that_is_allowed(page: FlaskClient, host: str) -> None:
    assert said(page, GOOD | {"polling_host": host, "host": "per-transport"})["success"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://localhost"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 403),
    ],
)
@pytest.mark.parametrize("path", ["/swarm", "/stop", "/stats/reset"])
def test_page_of_another_origin_starts_and_stops_nothing(
    page: FlaskClient, path: str, headers: dict[str, str], status: int
) -> None:
    assert status == page.post(path, data=GOOD, headers=headers).status_code


def test_page_of_another_origin_reads_nothing(page: FlaskClient) -> None:
    """Locust allows any origin to read."""
    assert 200 == page.get("/stats/requests").status_code
    assert 403 == page.get("/stats/requests", headers={"Origin": "http://evil.example"}).status_code


@pytest.mark.parametrize(("host", "is_refused"), [("per-transport", False), ("http://127.0.0.1:9", True)])
def test_host_of_a_class_is_refused(page: FlaskClient, host: str, *, is_refused: bool) -> None:
    settings = {"user_class_name": "PollingUser", "host": host, "weight": 2}
    assert is_refused == (400 == page.post("/user", json=settings).status_code)


def test_shape_that_was_started_is_preselected(page: FlaskClient) -> None:
    assert said(page, GOOD | {"shape_class": "Steady"})["success"]
    page.post("/stop")

    assert re.search(r"available_shape_classes\W+Steady", page.get("/").get_data(as_text=True))


@pytest.mark.long
@fuzzed
def test_nothing_typed_ends_in_an_error_of_the_page(page: FlaskClient, random: Random) -> None:
    fields = [
        *GOOD,
        "run_time",
        "user_classes",
        "shape_class",
        "host",
        "profile",
        "load_seed",
        "stop_timeout",
        "storm_at_seconds",
    ]
    typed = {random.choice(fields): damaged_text(random, SEEDS) for _ in range(random.randint(1, 3))}
    said(page, GOOD | {name: text.encode(errors="replace").decode() for name, text in typed.items()})
