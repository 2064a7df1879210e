"""Runs `wirerace locust` as a user does, and sends requests to Locust's page as a browser does."""

import json
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from tests.race.running import LAUNCH, PATIENCE_SECONDS, wait_until
from wirerace.host.ports import free_port
from wirerace.observe.metrics import samples

EXPERIMENT = """
title = "To play with"
transports = ["polling", "longpolling", "websocket", "sse", "stream"]

[producer]
rate_per_second = 20.0

[clients]
count = 5

[polling]
interval_seconds = 0.2
"""


class Playground:
    """Producer, servers and Locust's page."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.directory = directory
        (directory / "play.toml").write_text(EXPERIMENT)
        command = [sys.executable, str(LAUNCH), "locust", "play.toml", "--web-port", str(free_port()), *arguments]
        self._stdout = directory / "stdout"
        with self._stdout.open("wb") as stdout, (directory / "stderr").open("wb") as stderr:
            self.popen = subprocess.Popen(command, stdout=stdout, stderr=stderr, cwd=directory)
        wait_until(lambda: "Ctrl-C" in self._stdout.read_text() or self.popen.poll() is not None)
        assert self.popen.poll() is None, self.stderr
        lines = [line.rsplit(maxsplit=1) for line in self._stdout.read_text().splitlines() if "http" in line]
        self.urls = {name.strip(): url for name, url in lines}

    @property
    def stderr(self) -> str:
        return (self.directory / "stderr").read_text()

    @property
    def log(self) -> str:
        """What Locust has logged."""
        (log,) = self.directory.glob("results/locust-*/logs/locust.log")
        return log.read_text()

    def page(self, path: str) -> str:
        with urllib.request.urlopen(self.urls["Locust's page"] + path, timeout=PATIENCE_SECONDS) as answer:
            text: str = answer.read().decode()
            return text

    def post(self, path: str, **form: object) -> dict[str, Any]:
        """Send the page's form."""
        body = urllib.parse.urlencode(form, doseq=True).encode()
        answer: dict[str, Any] = json.loads(self._open(path, body))
        return answer

    def _open(self, path: str, body: bytes) -> bytes:
        with urllib.request.urlopen(self.urls["Locust's page"] + path, body, timeout=PATIENCE_SECONDS) as answer:
            content: bytes = answer.read()
            return content

    def rows(self) -> dict[str, dict[str, Any]]:
        """Return the table of statistics while a test runs: each row by type and name."""
        report = self.report()
        rows = report["stats"] if report["state"] == "running" else []
        return {f"{row['method'] or ''} {row['name']}".lstrip(): row for row in rows}

    def stop(self) -> None:
        """Press Stop, and wait until the page shows it: it refreshes its state every two seconds."""
        self.post("/stop")
        wait_until(lambda: self.report()["state"] in {"ready", "stopped"})

    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.page("/stats/requests"))
        return report

    def metric(self, service: str, name: str) -> float:
        with urllib.request.urlopen(self.urls[service] + "/metrics", timeout=PATIENCE_SECONDS) as answer:
            return samples(answer.read().decode())[name]

    def close(self) -> int:
        """Stop it and return its exit code."""
        if self.popen.poll() is None:
            self.popen.terminate()
        return self.popen.wait(PATIENCE_SECONDS)
