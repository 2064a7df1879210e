"""Locust's page: what is wrong with its fields is said on the page, before anything starts."""

from math import inf, nan

from flask import Response, jsonify, request
from locust.env import Environment
from locust.runners import STATE_RUNNING, STATE_SPAWNING, MasterRunner

from loadtests.options import read_options
from loadtests.shapes import shapes_of
from wirerace.errors import BadInput, cut
from wirerace.shapes import check_shape

BUSY = {STATE_RUNNING, STATE_SPAWNING}


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
        picked = form.get("shape_class", "Default") if has_picker else type(environment.shape_class).__name__
        try:
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
    options = read_options(vars(environment.parsed_options) | form)
    clients, rate = (_number(form, name) for name in ("user_count", "spawn_rate"))
    check_shape(shape, options.shapes[shape], int(clients), rate)


def _number(form: dict[str, str], name: str) -> float:
    """Return a number above 0 in a form."""
    try:
        number = float(form[name])
    except (KeyError, ValueError):
        number = nan
    if not 0 < number < inf:
        raise BadInput(f"{name} must be a number above 0, got {cut(form.get(name, 'nothing'))}")
    return number
