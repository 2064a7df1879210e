"""Locust's page: what is wrong with its fields is said on the page, before anything starts."""

from typing import Any

from flask import Response, jsonify, request
from locust.env import Environment

from loadtests.options import read_options
from loadtests.shapes import shapes_of
from wirerace.errors import BadInput
from wirerace.shapes import check_shape


def refuse_bad_options(environment: Environment) -> None:
    """Have the page refuse to start a test with options that do not fit, and say which and why."""
    if environment.web_ui is None or environment.web_ui.app is None:
        return
    shapes = {type(shape).__name__: name for name, shape in shapes_of(environment).items()}

    @environment.web_ui.app.before_request
    def refuse() -> Response | None:
        if request.path.rpartition("/")[2] != "swarm":
            return None
        given: dict[str, Any] = vars(environment.parsed_options) | request.form.to_dict()
        try:
            options = read_options(given)
            shape = shapes.get(given.get("shape_class", ""), "steady")
            check_shape(shape, options.shapes[shape], int(given.get("user_count") or 1))
        except (BadInput, ValueError) as error:
            return jsonify({"success": False, "message": str(error), "host": environment.host})
        return None
