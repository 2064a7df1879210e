"""The producer's fields on Locust's page: the rate, arrivals and size of updates."""

import http.client
from collections.abc import Mapping
from typing import Any

import msgspec

from loadtests.options import PRODUCER_FIELDS
from wirerace.addresses import host_port_in
from wirerace.errors import BadInput, shown
from wirerace.options import flag_of

ANSWER_SECONDS = 2.0
PREFIX = "producer_"
KINDS: dict[str, type] = {"rate_per_second": float, "payload_bytes": int, "arrivals": str}


class ProducerFields:
    """The fields of the page that set the producer. It is asked each time, because others may set its schedule, too."""

    def __init__(self, url: str) -> None:
        try:
            self._host, self._port = host_port_in(url, ("http",), "http://127.0.0.1:8000")
        except BadInput as error:
            raise BadInput(f"--producer-url: {error}") from None
        self._shown = dict.fromkeys(PRODUCER_FIELDS, "")

    def values(self) -> dict[str, str]:
        """Return the fields' values: empty when the producer does not answer, or plays a trace."""
        try:
            schedule = self._exchange("GET") or {}
        except BadInput:
            schedule = {}
        if schedule.get("arrivals") == "trace":
            schedule = {}
        self._shown = {name: _spelled(schedule.get(name.removeprefix(PREFIX))) for name in PRODUCER_FIELDS}
        return self._shown

    def set(self, form: Mapping[str, str]) -> None:
        """Set the producer's schedule from the form, if the form differs from what was shown.

        Raises BadInput when a field is not valid, or when the producer refuses or does not answer.
        """
        given = {name: text for name in PRODUCER_FIELDS if (text := form.get(name, "").strip())}
        wanted = {
            name.removeprefix(PREFIX): _converted(name, text)
            for name, text in given.items()
            if text != self._shown[name]
        }
        if not wanted:
            return
        schedule = self._exchange("GET") or {}
        if schedule.get("arrivals") == "trace":
            if "arrivals" not in wanted:
                raise BadInput("the producer plays a trace: pick other arrivals, too, or leave its fields empty")
            schedule |= {"trace": [], "trace_file": None, "speed": 1}
        if any(schedule.get(name) != value for name, value in wanted.items()):
            self._exchange("PUT", schedule | wanted | {"start_ns": None})
        self._shown |= given

    def _exchange(self, method: str, schedule: object = None) -> dict[str, Any] | None:
        """Read the schedule, or set it, and return it. The stack's own parts are reached without a proxy."""
        connection = http.client.HTTPConnection(self._host, self._port or 80, timeout=ANSWER_SECONDS)
        body = None if schedule is None else msgspec.json.encode(schedule)
        try:
            connection.request(method, "/schedule", body)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != http.client.OK:
                raise BadInput(f"the producer refuses: {said[:200].decode(errors='replace').strip()}")
            found: dict[str, Any] | None = msgspec.json.decode(said, type=dict[str, Any] | None)
        except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
            why = getattr(error, "strerror", None) or error
            raise BadInput(f"the producer at {self._host}:{self._port or 80} does not answer: {why}") from None
        finally:
            connection.close()
        return found


def _spelled(value: object) -> str:
    """Return a value as a field shows it; empty when a field cannot show it."""
    return f"{value:.12g}" if isinstance(value, float) else str(value) if isinstance(value, int | str) else ""


def _converted(name: str, text: str) -> object:
    kind = KINDS[name.removeprefix(PREFIX)]
    try:
        return kind(text)
    except ValueError:
        what = "a whole number" if kind is int else "a number"
        raise BadInput(f"{flag_of(name)} must be {what}, got {shown(text)}") from None
