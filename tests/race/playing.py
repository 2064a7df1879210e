"""Runs `wirerace locust` and `wirerace watch` as a user does, and sends requests to their pages as a browser does."""

import json
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

import psutil

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

    name = "locust"

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.directory = directory
        (directory / "play.toml").write_text(EXPERIMENT)
        command = [sys.executable, str(LAUNCH), self.name, "play.toml", "--web-port", str(free_port()), *arguments]
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


class Said(NamedTuple):
    """An answer: its status, its headers, and its body as text."""

    status: int
    headers: dict[str, str]
    text: str


class LivePage(Playground):
    """Producer, servers with their proxies, and the live page."""

    name = "watch"

    @property
    def url(self) -> str:
        return self.urls["the page"]

    def ask(self, path: str, method: str = "GET", body: object = None, **headers: str) -> Said:
        """Send a request as a program does; headers have underscores in their names."""
        data = None if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, data, named, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                return Said(answer.status, dict(answer.headers), answer.read().decode())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return Said(refusal.code, dict(refusal.headers), refusal.read().decode())

    def process(self, words: str) -> psutil.Process:
        """Return the part whose command line has these words."""
        children = psutil.Process(self.popen.pid).children(recursive=True)
        living = [child for child in children if child.status() != psutil.STATUS_ZOMBIE]
        (found,) = [child for child in living if words in " ".join(child.cmdline())]
        return found

    def config(self) -> dict[str, Any]:
        """Return what the page has in it for its script."""
        (config,) = re.findall(r'id="config">(.*?)</script>', self.ask("/").text)
        found: dict[str, Any] = json.loads(config)
        return found

    def send(self, method: str, path: str, body: object, **headers: str) -> Said:
        """Send a request with the page's token, as the page does."""
        return self.ask(path, method, body, Authorization=f"Bearer {self.config()['token']}", **headers)

    def state(self, **query: object) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.ask("/state?" + urllib.parse.urlencode(query)).text)
        return found
