"""Ports of pods at this machine: one kubectl port-forward for each, started again when it has ended."""

import http.client
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping

from wirerace.errors import TrialFailed
from wirerace.runner.outside import last_line, tied
from wirerace.runner.peer import ANSWER_SECONDS, NO_HEADERS, Peer
from wirerace.runner.progress import TICK_SECONDS
from wirerace.stopping import whole
from wirerace.system import blamed_on

OPEN_SECONDS = 30.0
MEND_SECONDS = 10.0  # in a trial, whose time goes on
_OPENED = re.compile(r"Forwarding from 127\.0\.0\.1:([0-9]+) ->")


class ForwardedPeer(Peer):
    """A peer at a port of a pod. `reach` returns the port of this machine that leads there now, before each connection.

    kubectl ends a forward when a connection through it fails, as it does while the pod's container is away.
    """

    def __init__(
        self, name: str, reach: Callable[[], int], *, token: str = "", answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        super().__init__(name, reach(), token=token, answer_seconds=answer_seconds)
        self._reach = reach
        self._kept: http.client.HTTPConnection | None = None

    def is_open(self) -> bool:
        """Return whether its port can be reached; that something listens inside is not known."""
        try:
            self.port = self._reach()
        except TrialFailed:
            return False
        return super().is_open()

    def _exchange(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str] = NO_HEADERS,
        within_seconds: float | None = None,
    ) -> tuple[int, bytes]:
        """Ask on the connection of the question before, if it is still open: a new one takes several round trips."""
        if method != "GET" or self._kept is None:
            return super()._exchange(method, path, body, headers, within_seconds)
        kept, self._kept = self._kept, None
        try:
            return self._answered(kept, method, path, body, headers, within_seconds)
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException):  # its other end has closed it
            return super()._exchange(method, path, body, headers, within_seconds)

    def let_go(self) -> None:
        """Close the connection that is kept for the next question."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()

    def _done(self, connection: http.client.HTTPConnection) -> None:
        if self._kept is None and connection.sock is not None:  # without one, it would connect to the old port again
            self._kept = connection
        else:
            connection.close()

    def _connection(self, within_seconds: float) -> http.client.HTTPConnection:
        try:
            self.port = self._reach()
        except TrialFailed as error:
            raise ConnectionRefusedError(str(error)) from None
        return super()._connection(within_seconds)


class Forward:
    """A port of a pod at a port of this machine's loopback, until it is closed.

    Raises TrialFailed, with what kubectl says, when it cannot be opened.
    """

    def __init__(self, pod: str, inside: int) -> None:
        self._pod, self._inside = pod, inside
        # Appended to, so that reading moves no place of writing.
        self._log = tempfile.TemporaryFile("a+")  # noqa: SIM115 -- it is read as long as this is open
        self._start()
        try:
            self.port = self._opened(OPEN_SECONDS)
        except BaseException:  # Ctrl-C, too
            self.close()
            raise

    def mend(self) -> None:
        """Start it again, at another port, if it has ended: it does so when a connection through it fails.

        Raises TrialFailed when it does not open.
        """
        if self._running.poll() is not None:
            self._start()
            try:
                self.port = self._opened(MEND_SECONDS)
            except TrialFailed:
                self._running.kill()  # so that the next one who asks does not take the old port for the new one
                self._running.wait()
                raise

    def close(self) -> None:
        """End it."""
        self._running.kill()
        self._running.wait()
        self._log.close()

    def _start(self) -> None:
        command = ["kubectl", "port-forward", "--address", "127.0.0.1", f"pod/{self._pod}"]
        command += [f":{self._inside}"]
        self._begins_at = self._log.seek(0, os.SEEK_END)
        with whole(), blamed_on("kubectl"):
            self._running = subprocess.Popen(  # noqa: S603 -- our own
                tied(command),
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _opened(self, seconds: float) -> int:
        deadline = time.monotonic() + seconds
        while (found := _OPENED.search(self._said())) is None:
            if self._running.poll() is not None or time.monotonic() > deadline:
                raise TrialFailed(f"kubectl port-forward to {self._pod}: {last_line(self._said())}")
            time.sleep(TICK_SECONDS)
        return int(found[1])

    def _said(self) -> str:
        self._log.seek(self._begins_at)
        return self._log.read()
