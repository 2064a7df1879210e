"""Locustfiles with users for any server, as people run them: a Locust process of its own, and its CSV files."""

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.loadtests.stamped.foreign import ForeignServer

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 120
SOME_TIME = """
from locust import constant, task
from loadtests.stamped import StampedUser


class Listener(StampedUser):
    @task
    def listen(self):
        with self.websocket("/ticker") as socket:
            socket.send("x")
            for message in socket:
                self.report("message", message, since_ns=socket.connected_ns)


class Wrong(StampedUser):
    wait_time = constant(0.1)
    fixed_count = 1

    @task
    def follow(self):
        with self.events("/latest") as events:
            list(events)
"""


def started(locustfile: Path, server: ForeignServer, statistics: Path, *arguments: str) -> subprocess.Popen[str]:
    host = f"http://127.0.0.1:{server.port}"
    command = [sys.executable, "-m", "locust", "-f", str(locustfile), "--host", host, "--headless"]
    command += ["--users", "6", "--spawn-rate", "6", "--csv", str(statistics), *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def rows_in(statistics: Path, kind: str) -> list[dict[str, str]]:
    with Path(f"{statistics}_{kind}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_example_is_run_by_locust(tmp_path: Path) -> None:
    """It is ended when the server has been asked everything: no clock decides."""
    statistics = tmp_path / "example"
    with ForeignServer() as server:
        locust = started(ROOT / "examples/locustfile.py", server, statistics, "--run-time", f"{PATIENCE_SECONDS}s")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not all(server.asked[path] > 1 for path in ("/ticker", "/headlines", "/latest", "/report")):
            assert time.monotonic() < deadline, server.asked
            assert locust.poll() is None
            time.sleep(0.05)
        locust.send_signal(signal.SIGTERM)
        said, _ = locust.communicate(timeout=PATIENCE_SECONDS)

    assert "Traceback" not in said, said
    assert {'{"subscribe": "EURUSD"}', '{"days":7}'} == set(server.said)
    rows = {f"{row['Type']} {row['Name']}": row for row in rows_in(statistics, "stats")}
    assert rows.keys() == {
        "connect /ticker", "message subscribed", "message price", "connect /headlines", "message headline",
        "GET /latest", "message headline, polled", "connect /report", "message line", " Aggregated",
    }  # fmt: skip
    assert all(int(row["Request Count"]) for row in rows.values())
    assert [] == rows_in(statistics, "failures")
    assert 0 < float(rows["message price"]["Average Response Time"]) < 60_000


def test_workers_report_to_their_master(tmp_path: Path) -> None:
    statistics, locustfile = tmp_path / "statistics", tmp_path / "own_locustfile.py"
    locustfile.write_text(SOME_TIME)
    with ForeignServer() as server:
        locust = started(locustfile, server, statistics, "--processes", "2", "--run-time", "4s", "--stop-timeout", "60")
        said, _ = locust.communicate(timeout=PATIENCE_SECONDS)

    assert "Traceback" not in said, said
    rows = {f"{row['Type']} {row['Name']}": row for row in rows_in(statistics, "stats")}
    assert "5" == rows["connect /ticker"]["Request Count"]
    assert 0 < int(rows["message message"]["Request Count"])
    assert int(rows["connect /latest"]["Failure Count"]) == int(rows["connect /latest"]["Request Count"]) > 0
    (failure,) = rows_in(statistics, "failures")
    assert "BadAnswer('200 with a body of text/plain, not text/event-stream')" == failure["Error"]
