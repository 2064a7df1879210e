"""The stack in real containers, under a project name and on ports of the tests' own."""

import json
import os
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from wirerace.host.ports import free_port
from wirerace.transports import TRANSPORTS

ROOT = Path(__file__).parents[2]
PROJECT = "wirerace-test"
PARTS = ["producer", *TRANSPORTS, "watch", "locust", "locust-worker", "prometheus"]
"""All but Grafana, whose image is not available everywhere."""
MORE = ("watch", "locust", "load_control", "prometheus", "grafana", "reverse_proxy", "link_control")
PORTS = [f"{name.upper()}_PORT" for name in ("producer", *TRANSPORTS, *MORE)]
PATIENCE_SECONDS = 30.0


class Stack:
    """A running stack, with some variables of its own."""

    def __init__(self, project: str = PROJECT, **variables: str) -> None:
        self.ports = {name: free_port() for name in PORTS}
        self.environment = os.environ | {name: str(port) for name, port in self.ports.items()} | variables
        self._project = project

    def compose(self, *arguments: str, timeout: float = 300, check: bool = True) -> str:
        """Run docker compose and return what it printed."""
        command = ["docker", "compose", "--project-name", self._project, *arguments]
        finished = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=timeout, check=False
        )
        assert finished.returncode == 0 or not check, finished.stderr[-2000:]
        return finished.stdout

    def containers(self) -> list[dict[str, Any]]:
        """Return docker's description of each container."""
        ids = self.compose("ps", "--all", "--quiet").split()
        inspected = subprocess.run(["docker", "inspect", *ids], capture_output=True, text=True, check=True)
        found: list[dict[str, Any]] = json.loads(inspected.stdout)
        return found

    def get(self, port: str, path: str) -> Any:
        """Return the decoded answer of a part."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[port]}{path}", timeout=PATIENCE_SECONDS) as answer:
            return json.loads(answer.read())

    def post(self, port: str, path: str, **form: object) -> Any:
        """Send a form and return the decoded answer of a part."""
        body = urllib.parse.urlencode(form, doseq=True).encode()
        url = f"http://127.0.0.1:{self.ports[port]}{path}"
        with urllib.request.urlopen(url, body, timeout=PATIENCE_SECONDS) as answer:
            return json.loads(answer.read())

    def post_json(self, port: str, path: str, value: object) -> Any:
        """Send JSON and return the decoded answer of a part."""
        url = f"http://127.0.0.1:{self.ports[port]}{path}"
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, json.dumps(value).encode(), headers)
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return json.loads(answer.read())

    def samples(self, expression: str) -> list[dict[str, Any]]:
        """Return Prometheus's answer to a query now."""
        query = urllib.parse.urlencode({"query": expression})
        answer = self.get("PROMETHEUS_PORT", f"/api/v1/query?{query}")
        assert answer["status"] == "success", answer
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def value(self, expression: str) -> float:
        """Return the one number that a query yields, 0 when it yields none."""
        found = self.samples(expression)
        return float(found[0]["value"][1]) if found else 0.0
