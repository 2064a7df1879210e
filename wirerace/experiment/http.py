"""How an experiment speaks to the processes it has started: small requests, JSON, one at a time."""

import contextlib
import http.client
import socket
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from wirerace.errors import TrialFailed
from wirerace.metrics import samples

Answer = TypeVar("Answer")

ANSWER_SECONDS = 30.0
NO_HEADERS: Mapping[str, str] = {}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Peer:
    """One process's HTTP side."""

    def __init__(self, name: str, port: int, host: str = "127.0.0.1") -> None:
        self.name = name
        self.port = port
        self._host = host

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{self._host}:{self.port}"

    def is_open(self) -> bool:
        """Tell whether somebody listens on its port."""
        try:
            socket.create_connection((self._host, self.port), ANSWER_SECONDS).close()
        except OSError:
            return False
        return True

    def is_up(self, path: str = "/health") -> bool:
        """Tell whether it answers a path with 200."""
        try:
            return self._exchange("GET", path, None)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def metrics(self) -> dict[str, float]:
        """Return its metrics now."""
        return samples(self._ask("GET", "/metrics", None).decode())

    def get(self, path: str, of_type: type[Answer]) -> Answer:
        """Return the answer to a GET.

        Raises TrialFailed when there is none.
        """
        return msgspec.json.decode(self._ask("GET", path, None), type=of_type)

    def send(self, method: str, path: str, value: object, of_type: type[Answer]) -> Answer:
        """Send `value` and return the answer.

        Raises TrialFailed when there is none.
        """
        return msgspec.json.decode(self._ask(method, path, msgspec.json.encode(value)), type=of_type)

    def post(self, path: str, form: str, of_type: type[Answer]) -> Answer:
        """Send a form and return the answer.

        Raises TrialFailed when there is none.
        """
        return msgspec.json.decode(self._ask("POST", path, form.encode(), FORM), type=of_type)

    def delete(self, path: str) -> None:
        """Send a DELETE; a peer that has gone has nothing to delete."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            self._exchange("DELETE", path, None)

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str] = NO_HEADERS) -> bytes:
        try:
            status, answer = self._exchange(method, path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            raise TrialFailed(f"{self.name} does not answer {method} {path}: {error}") from None
        if status != 200:
            raise TrialFailed(f"{self.name} answers {method} {path} with {status}: {answer.decode().strip()[:200]}")
        return answer

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str] = NO_HEADERS
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._host, self.port, timeout=ANSWER_SECONDS)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()
