"""Services as processes of their own: `python -m services NAME`."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import IO, NamedTuple, Self

from tests.contract.stage import Asked, until

END_SECONDS = 60.0  # An interpreter starts slowly on a busy machine.
LISTENS = re.compile(r"listens on \S+:(\d+)")


class Ended(NamedTuple):
    """The exit code and the output of a process that has ended."""

    code: int
    stdout: str
    stderr: str


class ServiceProcess(Asked):
    """A service, and its output; `under` is a program that starts it under other conditions."""

    def __init__(self, *arguments: str, under: Sequence[str] = (), **environment: str) -> None:
        self.port = 0
        self.took_seconds = 0.0  # to start
        self._stdout = tempfile.TemporaryFile()  # noqa: SIM115 -- open while the process lives; `close` closes it
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 -- the same
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("WIRERACE_")}
        self._process = subprocess.Popen(
            [*under, sys.executable, "-m", "services", *arguments],
            env=inherited | {"COLUMNS": "200"} | environment,
            stdout=self._stdout,
            stderr=self._stderr,
        )

    @classmethod
    async def start(cls, *arguments: str, under: Sequence[str] = (), **environment: str) -> Self:
        """Start a service on a free port and wait until it listens."""
        begun = time.monotonic()
        started = cls(*arguments, "--port", "0", under=under, **environment)

        async def listens() -> bool:
            assert started._process.poll() is None, started.log
            if found := LISTENS.search(started.log):
                started.port = int(found[1])
            return started.port > 0

        await until(listens, f"{arguments[0]} listens", END_SECONDS)
        started.took_seconds = time.monotonic() - begun
        return started

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    @property
    def log(self) -> str:
        return _all_of(self._stderr)

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait for the end and return the exit code."""
        self._process.send_signal(number)
        return (await self.ended()).code

    async def ended(self) -> Ended:
        """Wait for the end."""
        code = await asyncio.to_thread(self._process.wait, END_SECONDS)
        return Ended(code, _all_of(self._stdout), self.log)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._stdout.close()
        self._stderr.close()


async def run(*arguments: str, **environment: str) -> Ended:
    """Run `python -m services` to its end."""
    process = ServiceProcess(*arguments, **environment)
    try:
        return await process.ended()
    finally:
        process.close()


def _all_of(file: IO[bytes]) -> str:
    return os.pread(file.fileno(), 1 << 20, 0).decode()
