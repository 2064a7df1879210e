"""How an experiment talks to the processes that it has started: small requests, JSON, one at a time."""

import contextlib
import errno
import http.client
import math
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import msgspec

from wirerace.addresses import spelled
from wirerace.decoding import Misfit, decode_json
from wirerace.errors import SystemFault, TrialFailed, cut
from wirerace.observe.metrics import samples
from wirerace.system import fault_of

Answer = TypeVar("Answer")

ANSWER_SECONDS = 30.0
CLIENT_SECONDS = 0.003
"""For each client of a load, beyond that: a load that is busy with all of them answers after them."""
MOST_SAID_BYTES = 200
"""The most characters shown of an error that a peer answers with."""
NO_HEADERS: Mapping[str, str] = {}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class NoAnswer(TrialFailed):
    """A peer did not answer in time. It may be busy, and answer the next request."""


@contextlib.contextmanager
def _own_faults_apart() -> Iterator[None]:
    """Raise SystemFault when this process has no file descriptor left: that is not the peer's failure."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.EMFILE, errno.ENFILE}:
            raise fault_of(error) from None
        raise


class _Metrics(dict[str, float]):
    """Metrics of a peer. A missing one fails the trial when it is looked up."""

    def __init__(self, peer: str, found: Mapping[str, float]) -> None:
        super().__init__(found)
        self._peer = peer

    def __missing__(self, name: str) -> float:
        raise TrialFailed(f"{self._peer} has no finite metric {name}")


class Peer:
    """One process's HTTP side; it may ask for a `token`."""

    has_metrics = True
    """Whether it answers /metrics as our services do."""
    waited_seconds: Callable[[], float | None] = staticmethod(lambda: None)
    """How long a server without metrics had no core so far, as far as that is known."""

    def __init__(
        self, name: str, port: int, *, token: str = "", host: str = "127.0.0.1", answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self.name = name
        self.port = port
        self.secure_port: int | None = None
        """The port at which its clients speak TLS, if they do."""
        self.authority = ""
        """The authority that clients trust there, as PEM; empty for those of the system."""
        self.host = host
        self._answer_seconds = answer_seconds
        self._own_headers = {"Authorization": f"Bearer {token}"} if token else {}

    @property
    def url(self) -> str:
        """Its URL."""
        return f"http://{spelled(self.host, self.port)}"

    @property
    def client_port(self) -> int:
        """The port of its clients."""
        return self.secure_port or self.port

    @property
    def client_address(self) -> tuple[str, int]:
        """Where its clients connect."""
        return self.host, self.client_port

    @property
    def client_url(self) -> str:
        """The URL of its clients."""
        return f"https://{spelled(*self.client_address)}" if self.secure_port else self.url

    def is_open(self) -> bool:
        """Return whether something listens on its port."""
        try:
            with _own_faults_apart():
                socket.create_connection((self.host, self.port), self._answer_seconds).close()
        except OSError:
            return False
        return True

    def is_up(self, path: str = "/health") -> bool:
        """Return whether it answers a path with 200."""
        try:
            return self._exchange("GET", path, None)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def metrics(self) -> dict[str, float]:
        """Return its metrics now, those with a finite value.

        Raises TrialFailed when there are none, and later for each missing one that is looked up.
        """
        try:
            found = samples(self._ask("GET", "/metrics", None).decode())
        except ValueError as error:  # also for an answer that is no UTF-8
            raise TrialFailed(
                f"{self.name} answers GET /metrics with something that is no metrics: {cut(str(error))}"
            ) from None
        return _Metrics(self.name, {name: value for name, value in found.items() if math.isfinite(value)})

    def get(self, path: str, of_type: type[Answer], within_seconds: float | None = None) -> Answer:
        """Return the answer to a GET, which may take as long as all answers may, or another time.

        Raises NoAnswer when there is none in time, TrialFailed when there will be none, or when it is of another type.
        """
        return self._asked("GET", path, None, of_type, within_seconds=within_seconds)

    def send(self, method: str, path: str, value: object, of_type: type[Answer]) -> Answer:
        """Send `value` and return the answer.

        Raises TrialFailed when there is none, or when it is of another type.
        """
        return self._asked(method, path, msgspec.json.encode(value), of_type)

    def post(self, path: str, form: str, of_type: type[Answer]) -> Answer:
        """Send a form and return the answer.

        Raises TrialFailed when there is none, or when it is of another type.
        """
        return self._asked("POST", path, form.encode(), of_type, FORM)

    def delete(self, path: str) -> None:
        """Send a DELETE; a peer that has gone has nothing to delete."""
        with contextlib.suppress(OSError, http.client.HTTPException, SystemFault):
            self._exchange("DELETE", path, None)

    def _asked(  # noqa: PLR0913 -- what a request has
        self,
        method: str,
        path: str,
        body: bytes | None,
        of_type: type[Answer],
        headers: Mapping[str, str] = NO_HEADERS,
        *,
        within_seconds: float | None = None,
    ) -> Answer:
        answer = self._ask(method, path, body, headers, within_seconds)
        try:
            return decode_json(answer, of_type, "it")
        except Misfit as misfit:
            raise TrialFailed(
                f"{self.name} answers {method} {path} with something else than expected: {misfit}"
            ) from None

    def _ask(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str] = NO_HEADERS,
        within_seconds: float | None = None,
    ) -> bytes:
        try:
            status, answer = self._exchange(method, path, body, headers, within_seconds)
        except TimeoutError:
            limit = within_seconds or self._answer_seconds
            raise NoAnswer(f"{self.name} does not answer {method} {path} within {limit:g} s") from None
        except (OSError, http.client.HTTPException) as error:
            raise TrialFailed(f"{self.name} does not answer {method} {path}: {error}") from None
        if status != 200:
            said = answer[:MOST_SAID_BYTES].decode(errors="replace").strip()
            raise TrialFailed(f"{self.name} answers {method} {path} with {status}: {said}")
        return answer

    def _connection(self, within_seconds: float) -> http.client.HTTPConnection:
        """Return a connection for one request."""
        return http.client.HTTPConnection(self.host, self.port, timeout=within_seconds)

    def _exchange(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str] = NO_HEADERS,
        within_seconds: float | None = None,
    ) -> tuple[int, bytes]:
        connection = self._connection(within_seconds or self._answer_seconds)
        return self._answered(connection, method, path, body, headers, within_seconds)

    def _answered(  # noqa: PLR0913, PLR0917 -- what a request has
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        within_seconds: float | None,
    ) -> tuple[int, bytes]:
        """Return the answer to a request on a connection, which is closed, or kept, afterwards."""
        if connection.sock is not None:
            connection.sock.settimeout(within_seconds or self._answer_seconds)
        try:
            with _own_faults_apart():
                connection.request(method, path, body, self._own_headers | dict(headers))
            response = connection.getresponse()
            answer = response.status, response.read()
        except BaseException:
            connection.close()
            raise
        self._done(connection)
        return answer

    def _done(self, connection: http.client.HTTPConnection) -> None:
        """Close a connection whose request is answered."""
        connection.close()
