"""Locust's page: its fields show the current values, and wrong values are refused before anything starts."""

import logging
import re
from collections.abc import Iterable, Mapping
from math import nan
from typing import Any

from flask import Response, jsonify, request
from flask_login import current_user  # type: ignore[import-untyped]  # it has no types
from locust.env import Environment
from locust.runners import STATE_RUNNING, STATE_SPAWNING, MasterRunner
from locust.util.timespan import parse_timespan

from loadtests.connection import Address
from loadtests.hosts import HOSTS, hosts_in, parse_hosts
from loadtests.options import UNSEEN, field_names, read_options
from loadtests.producer import ProducerFields
from loadtests.shapes import shaped_in
from loadtests.user import SubscriberUser
from wirerace.errors import BadInput, shown
from wirerace.options import flag_of
from wirerace.origins import Foreign, check_page, parse_origins
from wirerace.workload.shapes import check_shape

BUSY = {STATE_RUNNING, STATE_SPAWNING}
MOST_CLIENTS = 100_000
MOST_RUN_SECONDS = 366 * 86_400
DEFAULT_SHAPE = "Default"
"""The name of "no shape" on Locust's page."""

logger = logging.getLogger("wirerace")


class Page:
    """What is added to Locust's page: the current values in its fields, and refusals of wrong ones."""

    def __init__(self, environment: Environment) -> None:
        """Add both to the page.

        Raises BadInput when --allowed-hosts, --allowed-origins or --producer-url is not valid.
        """
        options: Any = environment.parsed_options
        self._environment = environment
        web_ui: Any = environment.web_ui
        self._web_ui = web_ui
        allowed = parse_hosts(options.allowed_hosts)
        self._hosts = None if allowed is None else allowed | hosts_in(vars(options))
        self._origins = parse_origins(options.allowed_origins)
        self._producer = ProducerFields(options.producer_url)
        self._shapes = {type(shape).__name__: shape.name for shape in shaped_in(environment)}
        self._update_template = web_ui.update_template_args
        web_ui.update_template_args = self._fill
        web_ui.app.jinja_env.policies["json.dumps_kwargs"] = {"sort_keys": False}  # fields in the order of options
        web_ui.app.before_request(self._refuse)

    def _fill(self) -> None:
        """Fill the fields with the current values.

        From the current shape, Locust's page derives whether the number of clients and their rate are needed. Before
        the first test there is no shape, and the page greys both out at 0. Our shapes need both.
        """
        self._update_template()
        page = self._web_ui.template_args
        page["shape_use_common_options"] = True
        kept = vars(self._environment.parsed_options) | self._producer.values()
        for name, field in page["extra_options"].items():
            field["default_value"] = kept.get(name, field["default_value"])
        chosen = type(self._environment.shape_class).__name__
        page["available_shape_classes"].sort(key=lambda name: name != chosen)  # the first one is preselected

    def _refuse(self) -> Response | None:
        """Refuse requests from other origins' pages, and forms that cannot be used."""
        if request.method in {"GET", "HEAD"} and "Origin" not in request.headers:
            return None  # reading changes nothing, and no other page can see the answer
        try:
            check_page(request.headers.get, self._origins)
        except Foreign as error:
            return Response(f"{error}\n", 403, mimetype="text/plain")
        if self._web_ui.web_login and not current_user.is_authenticated:
            return None  # Locust refuses it
        refuse = {"locust.swarm": self._refuse_form, "locust.update_user": self._refuse_user}.get(str(request.endpoint))
        return refuse() if refuse else None

    def _refuse_user(self) -> Response | None:
        """Refuse another host for one of our classes, which would ignore it."""
        wanted: Any = request.get_json(force=True, silent=True)
        classes: dict[str, Any] = dict(self._environment.available_user_classes or {})
        user = classes.get(str(wanted.get("user_class_name"))) if isinstance(wanted, dict) else None
        if user is not None and issubclass(user, SubscriberUser) and wanted.get("host", user.host) != user.host:
            logger.warning("Nothing was changed: set %s_host among the custom parameters", user.transport.name)
            return Response("set the host among the custom parameters\n", 400, mimetype="text/plain")
        return None

    def _refuse_form(self) -> Response | None:
        environment = self._environment
        form = request.form.to_dict()
        try:
            picked = type(environment.shape_class).__name__ if environment.shape_class else DEFAULT_SHAPE
            if self._web_ui.userclass_picker_is_active:
                picked = form.get("shape_class", DEFAULT_SHAPE)
                _refuse_unknown("shape_class", [picked], {DEFAULT_SHAPE, *(environment.available_shape_classes or {})})
                classes = request.form.getlist("user_classes")
                _refuse_unknown("user_classes", classes, environment.available_user_classes or {})
            self._check(form, picked)
            self._producer.set(form)
        except BadInput as error:
            if self._is_busy:  # the page closes its dialog silently, but it shows the log in a tab
                logger.warning("Nothing was changed: %s", error)
            return jsonify({"success": False, "message": str(error), "host": environment.host})
        # Locust would keep the values of an earlier test.
        kept = {} if form.get("run_time") else {"run_time": None}
        vars(environment.parsed_options).update(kept | ({} if "contestant" in form else {"contestant": ""}))
        return None

    @property
    def _is_busy(self) -> bool:
        """Return whether a test is running."""
        runner = self._environment.runner
        return runner is not None and runner.state in BUSY

    def _check(self, form: dict[str, str], picked: str) -> None:
        runner = self._environment.runner
        kept = vars(self._environment.parsed_options)
        if self._is_busy and runner is not None and (picked != DEFAULT_SHAPE or runner.shape_greenlet is not None):
            raise BadInput("a test is running: stop it before you start a shape or change one")
        if isinstance(runner, MasterRunner) and not runner.worker_count:
            raise BadInput("no worker is connected: start one (in the stack: docker compose up --wait locust-worker)")
        clients, spawn_per_second = _count(form), _number(form, "spawn_rate")
        shape = self._shapes.get(picked, "steady")
        options = read_options(kept | {"contestant": "", "shape": shape} | form)
        check_shape(shape, options.shapes[shape], clients, spawn_per_second)
        _check_run_time(form.get("run_time"))
        _refuse_unknown("a field", form.keys() & UNSEEN, {"contestant"})
        for name, text in form.items():
            _check_conversion(name, text, kept)
        self._check_hosts(form, options.addresses)
        if self._is_busy:
            _refuse_changes(form, kept)

    def _check_hosts(self, form: Mapping[str, str], addresses: Mapping[str, Address]) -> None:
        """Refuse a server that the process was not started for, and Locust's single Host, which no class uses."""
        picked = set(request.form.getlist("user_classes"))
        ours = any(
            issubclass(user, SubscriberUser)
            for user in self._environment.user_classes
            if not picked or user.__name__ in picked
        )
        host = form.get("host") or SubscriberUser.host
        if ours and host not in {SubscriberUser.host, self._environment.host}:
            raise BadInput(
                f"Host: each transport has a server of its own, in {', '.join(HOSTS)}, got {_got(form, 'host')}"
            )
        for name, address in addresses.items():
            if self._hosts is not None and address.origin not in self._hosts:
                flag = flag_of(f"{name}_host")
                raise BadInput(f"{flag} {address.origin} was not given at the start; see --allowed-hosts")


def _refuse_changes(form: Mapping[str, str], kept: Mapping[str, Any]) -> None:
    """Refuse changed values of fields that are read when a test starts: Locust would report them as taken."""
    changed = [name for name in field_names() if name in form and _differs(form[name], kept[name])]
    if changed:
        names = ", ".join(changed)
        raise BadInput(f"a test is running, and a change of {names} holds from the next one on: stop this one first")


def _differs(text: str, value: object) -> bool:
    return type(value)(text) != value if isinstance(value, int | float) else text != str(value)


def _refuse_unknown(name: str, picked: Iterable[str], known: Iterable[str]) -> None:
    for one in picked:
        if one not in known:
            raise BadInput(f"{name} must be one of {', '.join(sorted(known))}, got {shown(one)}")


def _count(form: Mapping[str, str]) -> int:
    """Return the number of clients in a form; Locust accepts digits only."""
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
    """Refuse a run time that Locust cannot wait for."""
    try:
        seconds = parse_timespan(text) if text else 0
    except (ValueError, OverflowError):
        seconds = MOST_RUN_SECONDS + 1
    if seconds > MOST_RUN_SECONDS:
        raise BadInput(f"run_time must be at most a year, such as 20, 20s, 3m or 1h20m, got {shown(text)}")


def _check_conversion(name: str, text: str, kept: Mapping[str, Any]) -> None:
    """Refuse a value that Locust cannot convert to its option's type."""
    value = kept.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            type(value)(text)
        except (ValueError, OverflowError):
            kind = "a whole number" if isinstance(value, int) else "a number"
            raise BadInput(f"{name} must be {kind}, got {shown(text)}") from None


def _got(form: Mapping[str, str], name: str) -> str:
    return shown(form[name]) if name in form else "nothing"
