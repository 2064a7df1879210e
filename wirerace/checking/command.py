"""The server under test as a process: started with a free port and the feed's URL, stopped, started again."""

import asyncio
import contextlib
import os
import re
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping

from wirerace.checking.address import CheckedAddress
from wirerace.errors import BadInput, printable, shown
from wirerace.stopping import whole

STOP_SECONDS = 8.0
LOOK_SECONDS = 0.02
MOST_LOG_LINES = 3
PLACES = ("port", "producer")


def command_in(text: str, *, needs_producer: bool) -> list[str]:
    """Return the words of a command line.

    Raises BadInput when it is malformed, or lacks what the server must be started with.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise BadInput(f"--command cannot be read: {error}, in {shown(text)}") from None
    if not words:
        raise BadInput("--command is empty: name a program, for example 'node server.js --port {port}'")
    for name in re.findall(r"\{([A-Za-z_]+)\}", text):
        if name not in PLACES:
            raise BadInput(f"--command has {{{name}}}; there are {{port}} and {{producer}}")
    if needs_producer and "{producer}" not in text:
        raise BadInput("--command lacks {producer}, where the URL of the feed belongs; without a feed add --no-feed")
    return words


class ServerCommand:
    """A server that we start. Its output goes to a file, whose end is shown when the server ends by itself."""

    def __init__(self, words: list[str], address: CheckedAddress) -> None:
        self._words = words
        self._address = address
        self._values: Mapping[str, str] = {}
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 -- open while the server lives; `close` closes it
        self._process: subprocess.Popen[bytes] | None = None

    def set_values(self, **values: str) -> None:
        """Set what stands for {port} and {producer}."""
        self._values = values

    async def start(self, wait_seconds: float = 15.0) -> None:
        """Start it, and wait until it takes connections.

        Raises BadInput when it does not.
        """
        words = [self._filled(word) for word in self._words]
        try:
            with whole():
                self._process = subprocess.Popen(  # noqa: ASYNC220, S603 -- the user's command, at once
                    words, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, start_new_session=True
                )
        except OSError as error:
            raise BadInput(f"--command: {words[0]}: {error.strerror or error}") from None
        deadline = time.monotonic() + wait_seconds
        while not await takes_connections(self._address):
            if self.has_ended:
                raise BadInput(f"--command ended with {self._process.returncode}{self.last_lines()}")
            if time.monotonic() > deadline:
                place = self._address.host_port
                raise BadInput(f"--command does not listen on {place} after {wait_seconds:g} s{self.last_lines()}")
            await asyncio.sleep(LOOK_SECONDS)

    @property
    def has_ended(self) -> bool:
        """Whether the server has ended."""
        return self._process is None or self._process.poll() is not None

    async def stop(self, within: float = STOP_SECONDS) -> int | None:
        """Send SIGTERM; return the exit code, None when it does not end in time and is killed."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            self._process.terminate()
        deadline = time.monotonic() + within
        while self._process.poll() is None and time.monotonic() < deadline:  # noqa: ASYNC110 -- a process is polled
            await asyncio.sleep(LOOK_SECONDS)
        code = self._process.poll()
        self._kill()
        return code

    def _filled(self, word: str) -> str:
        for name, value in self._values.items():
            word = word.replace(f"{{{name}}}", value)
        return word

    def _kill(self) -> None:
        """End it and all that it has started."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def close(self) -> None:
        """End it."""
        self._kill()
        self._log.close()

    def last_lines(self) -> str:
        """Return the end of its output, for the end of a sentence."""
        size = os.fstat(self._log.fileno()).st_size
        lines = os.pread(self._log.fileno(), 4096, max(size - 4096, 0)).decode("utf-8", "replace").splitlines()
        end = " / ".join(line.strip() for line in lines[-MOST_LOG_LINES:] if line.strip())
        return f"; its output ends: {printable(end)}" if end else ""


async def takes_connections(address: CheckedAddress) -> bool:
    """Return whether something listens."""
    try:
        async with asyncio.timeout(1.0):
            _, writer = await asyncio.open_connection(address.host, address.port)
    except (OSError, TimeoutError):
        return False
    writer.transport.abort()
    return True
