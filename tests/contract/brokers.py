"""NATS brokers: processes with JetStream, whose storage outlives them."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

import pytest

from tests.contract.raw import Raw
from tests.contract.stage import Asked, Stage, until
from wirerace.host.ports import free_port

SETTINGS = """
listen: "127.0.0.1:{port}"
max_payload: {most_bytes}
jetstream {{ store_dir: "{storage}", max_file_store: 1TB }}
"""
MOST_BYTES = 8 * 1024 * 1024


def program() -> str:
    """Return the broker's program; without one the test is skipped."""
    beside = Path(sys.executable).with_name("nats-server")
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        pytest.skip("nats-server is not installed: make .venv/.ready installs it")
    pytest.importorskip("nats", reason="nats-py is not installed: make .venv/.ready installs it")
    return found


class BrokerProcess:
    """A broker on a port of its own, which it keeps when it is started again."""

    def __init__(self, most_bytes: int = MOST_BYTES, *, with_jetstream: bool = True) -> None:
        self.port = free_port()
        self._program = program()
        self._directory = tempfile.TemporaryDirectory(prefix="wirerace-nats-")
        self._storage = Path(self._directory.name) / "storage"
        self._settings = Path(self._directory.name) / "settings"
        text = SETTINGS.format(port=self.port, most_bytes=most_bytes, storage=self._storage)
        self._settings.write_text(text if with_jetstream else text.partition("jetstream")[0])
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    async def started(cls, most_bytes: int = MOST_BYTES, *, with_jetstream: bool = True) -> Self:
        broker = cls(most_bytes, with_jetstream=with_jetstream)
        await broker.start()
        return broker

    def url(self, name: str) -> str:
        return f"nats://127.0.0.1:{self.port}/{name}"

    async def start(self) -> None:
        """Start, and wait until it listens."""
        self._launch()

        async def listens() -> bool:
            try:
                (await Raw.open(self.port)).close()
            except OSError:
                return False
            return True

        await until(listens, "the broker listens", 60)

    def _launch(self) -> None:
        with (Path(self._directory.name) / "log").open("ab") as log:
            self._process = subprocess.Popen([self._program, "-c", str(self._settings)], stderr=log, stdout=log)

    def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def forget(self) -> None:
        """Lose everything that is stored."""
        shutil.rmtree(self._storage)

    def close(self) -> None:
        self.end()
        self._directory.cleanup()


@asynccontextmanager
async def stage_with(broker: BrokerProcess) -> AsyncIterator[Stage]:
    """Yield a producer, and a link between its broker and servers."""
    stage = Stage("stream", broker=broker)
    await stage.start()
    yield stage
    await stage.close()


async def trouble(of: Asked) -> str:
    """Wait until a service is not live, and return what it says about that: one line."""
    await of.until_health(503)
    said = str(json.loads((await of.get("/health")).body)["trouble"])
    assert "\n" not in said
    return said
