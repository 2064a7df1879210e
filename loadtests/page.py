"""Locust's page: what is wrong with its fields is said on the page, before anything starts."""

import re
from collections.abc import Iterable, Mapping
from math import nan
from typing import Any

from flask import Response, jsonify, request
from locust.env import Environment
from locust.runners import STATE_RUNNING, STATE_SPAWNING, MasterRunner
from locust.util.timespan import parse_timespan

from loadtests.options import read_options
from loadtests.shapes import shapes_of
from wirerace.errors import BadInput, shown
from wirerace.shapes import check_shape

BUSY = {STATE_RUNNING, STATE_SPAWNING}
MOST_CLIENTS = 100_000
MOST_RUN_SECONDS = 366 * 86_400
DEFAULT_SHAPE = "Default"
"""What Locust's page calls having no shape."""


def offer_the_count_to_shapes(environment: Environment) -> None:
    """Have the page ask for the number of clients and their rate when a shape is picked, too: our shapes need both.

    Locust tells its page so by the shape that is set, which is none before the first test and after one without a
    shape; the page then greys both out at 0, and no shape could be started.
    """
    web_ui: Any = environment.web_ui
    if web_ui is None:
        return
    update = web_ui.update_template_args

    def updated() -> None:
        update()
        web_ui.template_args["shape_use_common_options"] = True

    web_ui.update_template_args = updated


def refuse_bad_options(environment: Environment) -> None:
    """Have the page refuse to start a test with options that do not fit, and say which and why."""
    if environment.web_ui is None or environment.web_ui.app is None:
        return
    offered = {type(shape).__name__: name for name, shape in shapes_of(environment).items()}
    has_picker = environment.web_ui.userclass_picker_is_active

    @environment.web_ui.app.before_request
    def refuse() -> Response | None:
        if request.path.rpartition("/")[2] != "swarm":
            return None
        form = request.form.to_dict()
        try:
            picked = type(environment.shape_class).__name__
            if has_picker:
                picked = form.get("shape_class", DEFAULT_SHAPE)
                _refuse_unknown("shape_class", [picked], {DEFAULT_SHAPE, *(environment.available_shape_classes or {})})
                classes = request.form.getlist("user_classes")
                _refuse_unknown("user_classes", classes, environment.available_user_classes or {})
            _check(environment, form, offered.get(picked, "steady"))
        except BadInput as error:
            return jsonify({"success": False, "message": str(error), "host": environment.host})
        # Locust would keep what an earlier test was given.
        kept = {} if form.get("run_time") else {"run_time": None}
        vars(environment.parsed_options).update(kept | ({} if "await_window" in form else {"await_window": "false"}))
        return None


def _check(environment: Environment, form: dict[str, str], shape: str) -> None:
    runner = environment.runner
    if runner is not None and runner.state in BUSY and (shape != "steady" or runner.shape_greenlet is not None):
        raise BadInput("a test is running: stop it before you start a shape or change one")
    if isinstance(runner, MasterRunner) and not runner.worker_count:
        raise BadInput("no worker is connected: start one (in the stack: docker compose up --wait locust-worker)")
    kept = vars(environment.parsed_options)
    clients, spawn_per_second = _count(form), _number(form, "spawn_rate")
    check_shape(shape, read_options(kept | form).shapes[shape], clients, spawn_per_second)
    _check_run_time(form.get("run_time"))
    for name, text in form.items():
        _check_conversion(name, text, kept)


def _refuse_unknown(name: str, picked: Iterable[str], known: Iterable[str]) -> None:
    for one in picked:
        if one not in known:
            raise BadInput(f"{name} must be one of {', '.join(sorted(known))}, got {shown(one)}")


def _count(form: Mapping[str, str]) -> int:
    """Return the number of clients in a form; Locust takes digits only."""
    text = form.get("user_count", "").strip()
    count = int(text) if re.fullmatch("[0-9]{1,9}", text) else 0
    if not 0 < count <= MOST_CLIENTS:
        raise BadInput(f"user_count must be a whole number from 1 to {MOST_CLIENTS}, got {_got(form, 'user_count')}")
    return count


def _number(form: Mapping[str, str], name: str) -> float:
    """Return a number above 0 in a form."""
    try:
        number = float(form[name])
    except (KeyError, ValueError):
        number = nan
    if not 0 < number <= MOST_CLIENTS:
        raise BadInput(f"{name} must be a number above 0 and at most {MOST_CLIENTS}, got {_got(form, name)}")
    return number


def _check_run_time(text: str | None) -> None:
    """Refuse a time that Locust cannot wait for."""
    try:
        seconds = parse_timespan(text) if text else 0
    except (ValueError, OverflowError):
        seconds = MOST_RUN_SECONDS + 1
    if seconds > MOST_RUN_SECONDS:
        raise BadInput(f"run_time must be at most a year, such as 20, 20s, 3m or 1h20m, got {shown(text)}")


def _check_conversion(name: str, text: str, kept: Mapping[str, Any]) -> None:
    """Refuse what Locust cannot convert to the type that its option has."""
    value = kept.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            type(value)(text)
        except (ValueError, OverflowError):
            kind = "a whole number" if isinstance(value, int) else "a number"
            raise BadInput(f"{name} must be {kind}, got {shown(text)}") from None


def _got(form: Mapping[str, str], name: str) -> str:
    return shown(form[name]) if name in form else "nothing"
