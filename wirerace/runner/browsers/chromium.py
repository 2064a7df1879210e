"""Chromium: where it is, how it is started, and its DevTools protocol over a pipe.

A message is a JSON object that ends with a NUL. Chromium reads from its descriptor 3 and writes to 4, and ends when the
pipe is closed. No other process can reach it, unlike a port for debugging.
"""

import asyncio
import contextlib
import itertools
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import msgspec

from wirerace.errors import BadInput, TrialFailed

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    *("--headless", "--remote-debugging-pipe", "--no-first-run", "--no-default-browser-check", "--disable-gpu"),
    "--log-level=3",  # fatal errors only
    *("--mute-audio", "--disable-dev-shm-usage", "--password-store=basic", "--disable-extensions"),
    # Hidden tabs would have slower timers.
    *("--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows"),
    "--disable-renderer-backgrounding",
    # It knows no other host.
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps"),
    *("--no-proxy-server", "--no-pings", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
)
MOST_MESSAGE_BYTES = 1 << 28
CALL_SECONDS = 60.0  # for one answer; on a busy machine, a new tab takes seconds
STOP_SECONDS = 3.0
SPARE_FD = 10  # above the two that Chromium has for the pipe


def find_chromium() -> str:
    """Return the path of Chromium.

    Raises BadInput when it is not installed.
    """
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise BadInput(
            "clients.browsers: there is no Chromium: install it, for example with apt-get install chromium, or set "
            "clients.browsers = 0"
        )
    return str(Path(found).absolute())


class ChromiumRefuses(TrialFailed):
    """Chromium answers that it cannot do what it is asked for, or not yet."""


class Chromium:
    """A running browser. Each call returns the answer's result."""

    def __init__(self, pid: int, reader: asyncio.StreamReader, writer: asyncio.WriteTransport) -> None:
        self._pid = pid
        self._writer = writer
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.ended = asyncio.create_task(self._read(reader))
        """Ends when Chromium has closed its end of the pipe."""

    async def call(
        self, method: str, session: str = "", *, seconds: float | None = CALL_SECONDS, **parameters: object
    ) -> dict[str, Any]:
        """Call a method, in a tab's session or in the browser itself; without `seconds` it waits for ever.

        Raises TrialFailed when it is refused, or when Chromium has ended or does not answer.
        """
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._writer.write(msgspec.json.encode(message) + b"\0")
        try:
            async with asyncio.timeout(seconds):
                result: dict[str, Any] = await future
                return result
        except TimeoutError:
            raise TrialFailed(f"Chromium does not answer {method}") from None
        finally:
            self._waiting.pop(number, None)

    async def value(self, session: str, expression: str, seconds: float | None = CALL_SECONDS) -> Any:
        """Return the value of an expression in a tab; a promise is waited for.

        Raises TrialFailed when it throws.
        """
        how = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        answer = await self.call("Runtime.evaluate", session, seconds=seconds, **how)
        if "exceptionDetails" in answer:
            said = answer["exceptionDetails"].get("exception", {}).get("description", "?")
            raise TrialFailed(f"a tab fails: {said.splitlines()[0]}")
        return answer["result"].get("value")

    async def close(self) -> None:
        """End it, by SIGKILL if it does not end by itself."""
        with contextlib.suppress(TrialFailed, TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await self.call("Browser.close")
                await self.ended
        self._writer.close()
        _end(self._pid)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                message = msgspec.json.decode((await reader.readuntil(b"\0"))[:-1])
                future = self._waiting.get(message.get("id", 0))
                if future is None or future.done():
                    continue
                if "error" in message:
                    future.set_exception(ChromiumRefuses(f"Chromium refuses: {message['error'].get('message')}"))
                else:
                    future.set_result(message.get("result", {}))
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(TrialFailed("Chromium has ended"))


async def start(path: str, profile: Path) -> Chromium:
    """Start Chromium with a directory for its profile. Its output is that of this process."""
    pid, ours_read, ours_write = _spawned(path, profile)
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader(MOST_MESSAGE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(ours_read, "rb"))
    writer, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(ours_write, "wb"))
    return Chromium(pid, reader, writer)


def _spawned(path: str, profile: Path) -> tuple[int, int, int]:
    """Return the id of a new Chromium, and our two ends of its pipe: to read from, and to write to."""
    ours_write, theirs_read = _pipe()[::-1]
    ours_read, theirs_write = _pipe()
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # root has no sandbox; all pages are our own
    arguments = [path, *FLAGS, *sandbox, f"--user-data-dir={profile}", "about:blank"]
    pid = os.posix_spawn(
        path,
        arguments,
        os.environ | {"HOME": str(profile)},
        file_actions=[(os.POSIX_SPAWN_DUP2, theirs_read, 3), (os.POSIX_SPAWN_DUP2, theirs_write, 4)],
    )
    os.close(theirs_read)
    os.close(theirs_write)
    return pid, ours_read, ours_write


def _end(pid: int) -> None:
    """End a process that has had its time, and take note of its end."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)


def _pipe() -> tuple[int, int]:
    """Return the reading and the writing end of a pipe, above the numbers that Chromium has for it."""
    import fcntl  # noqa: PLC0415 -- there is none on Windows

    ends = os.pipe()
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, SPARE_FD) for end in ends]
    for end in ends:
        os.close(end)
    return moved[0], moved[1]
