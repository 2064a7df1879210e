"""Captured: run an experiment while tcpdump captures loopback, and count again what it reports, from packets alone.

sudo .venv/bin/python -m benchmarks.captured
sudo .venv/bin/python -m benchmarks.captured experiments/fast-ticker.toml --out results/captured

Clients must stay (no visitors), without compression, TLS and HTTP/2. benchmarks/captured-proxies.toml has paths with
proxies. Exit codes: 0 all figures agree, 1 one differs, 2 nothing could be compared.
"""

import argparse
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.packet_figures import Record, Row, clients_of, rows_of
from benchmarks.packets import BadCapture, Connection, connections_in
from wirerace.transports import TRANSPORTS

DEFAULT = Path(__file__).with_suffix(".toml")
PACKETS, SAID, RUN = "lo.pcap", "tcpdump.log", "run"
BUFFER_KIB = 65_536  # tcpdump loses nothing while it waits for a core
PATIENCE_SECONDS = 15.0
EDGES = "edges: segments while counters were read, requests that left late, bytes between wire and server"


def main() -> int:
    """Capture a run, or take one that was captured, and compare; return the exit code."""
    given = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    directory = given.read or given.out or Path("results") / f"captured-{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}"
    try:
        if given.read is None:
            _make(directory)
            with capturing(directory):
                _run(given.experiment, directory / RUN)
        agree = compare(directory)
    except (BadCapture, OSError) as error:
        sys.stderr.write(f"captured: {error}\n")
        return 2
    return 0 if agree else 1


def compare(directory: Path) -> bool:
    """Print a table for each trial of a captured run; return whether all figures agree.

    Raises OSError or BadCapture when they cannot be compared.
    """
    check_whole((directory / SAID).read_text())
    result = json.loads((directory / RUN / "result.json").read_text())
    if not result["trials"]:
        raise BadCapture("no trial was completed: there is nothing to compare")
    connections = connections_in(directory / PACKETS)
    agree = True
    for trial in result["trials"]:
        lines, agrees = table_of(trial, *_counted(directory / RUN, result, trial, connections))
        agree = agree and agrees
        print("\n".join([*lines, ""]))
    print(f"{'all figures agree' if agree else 'NOT ALL FIGURES AGREE'}; {EDGES}")
    return agree


def table_of(trial: Record, rows: Sequence[Row], count: int) -> tuple[list[str], bool]:
    """Return a trial's table, and whether all of it agrees."""
    lines = [
        f"{trial['contestant']}, setting {trial['point']}, repeat {trial['repeat']}: {count} connections",
        f"  {'figure':30}{'Wirerace':>14}{'capture':>14}{'difference':>12}",
    ]
    for row in rows:
        is_count = isinstance(row.wirerace, int)
        form = ",.0f" if is_count else ",.4f"
        difference = row.wirerace - row.capture
        at_edges = f"  at the edges ({row.least:,} to {row.most:,})" if is_count and difference else ""
        remark = at_edges if row.agrees else f"  DIFFERS {row.cause}".rstrip()
        lines.append(f"  {row.figure:30}{row.wirerace:>14{form}}{row.capture:>14{form}}{difference:>+12{form}}{remark}")
    return lines, all(row.agrees for row in rows)


def check_whole(said: str) -> None:
    """Check in what tcpdump said at its end that no packet was lost.

    Raises BadCapture when some were, or when it did not say so.
    """
    dropped = [int(number) for number in re.findall(r"(\d+) packets? dropped", said)]
    if not dropped or any(dropped):
        raise BadCapture(f"tcpdump lost packets, or did not end in order: {' | '.join(said.splitlines()[-4:])}")


@contextmanager
def capturing(directory: Path) -> Iterator[None]:
    """Capture loopback to a file while the block runs.

    Raises BadCapture when there is no tcpdump, or no right to capture.
    """
    if shutil.which("tcpdump") is None:
        raise BadCapture("tcpdump is not installed")
    command = ["tcpdump", "-i", "lo", "--time-stamp-precision=nano", "-n", "-U", "-B", str(BUFFER_KIB)]
    command += ["-Z", pwd.getpwuid(os.geteuid()).pw_name] if os.geteuid() == 0 else []  # the file belongs to us
    said, packets = directory / SAID, directory / PACKETS
    with said.open("wb") as log:
        tcpdump = subprocess.Popen([*command, "-w", str(packets), "tcp"], stdout=log, stderr=log)
    try:
        _wait_until_captured(tcpdump, said, packets)
        yield
        _wait_until_captured(tcpdump, said, packets)
    finally:
        tcpdump.send_signal(signal.SIGINT)
        try:
            tcpdump.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            tcpdump.kill()  # it has not said that it lost nothing, so nothing is compared


def _wait_until_captured(tcpdump: "subprocess.Popen[bytes]", said: Path, packets: Path) -> None:
    """Send marks over loopback until one is in the file: then so is everything that was sent before it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    at = packets.stat().st_size if packets.exists() else 0
    while time.monotonic() < deadline:
        mark = secrets.token_bytes(32)
        _send(mark)
        until = time.monotonic() + 1
        while time.monotonic() < until:
            if tcpdump.poll() is not None:
                lines = said.read_text().splitlines() or [""]
                raise BadCapture(f"tcpdump ended (it needs root, or CAP_NET_RAW): {lines[-1]}")
            if packets.exists() and mark in _tail(packets, at):
                return
            time.sleep(0.05)
    raise BadCapture(f"after {PATIENCE_SECONDS:g} s tcpdump has captured nothing")


def _send(mark: bytes) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        client.sendall(mark)


def _tail(path: Path, at: int) -> bytes:
    with path.open("rb") as file:
        file.seek(at)
        return file.read()


def _make(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise BadCapture(f"{directory} is not empty: give a new directory, or --read to compare again")


def _run(experiment: Path, out: Path) -> None:
    """Run an experiment. An invalid trial is compared, too.

    Raises BadCapture when there is no result.
    """
    command = [sys.executable, "-m", "wirerace", "run", str(experiment), "--out", str(out), "--allow-invalid", "--yes"]
    code = subprocess.run(command, check=False).returncode
    if not (out / "result.json").exists():
        raise BadCapture(f"wirerace run ended with {code}, without a result")


def _counted(run: Path, result: Record, trial: Record, connections: Sequence[Connection]) -> tuple[list[Row], int]:
    at = f"-at-{trial['point']}" if len(result["points"]) > 1 else ""
    name = f"{trial['repeat']}-{trial['contestant']}{at}"
    raw = json.loads((run / "raw" / f"{name}.json").read_text())
    try:
        clients = clients_of(connections, TRANSPORTS[trial["transport"]].path, raw)
        return rows_of(trial, raw, clients), len(clients)
    except BadCapture as error:
        raise BadCapture(f"{name}: {error}") from None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.captured", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("experiment", nargs="?", type=Path, default=DEFAULT, help="its file; default: %(default)s")
    parser.add_argument("--out", type=Path, metavar="DIR", help="for the capture and the run; new or empty")
    parser.add_argument("--read", type=Path, metavar="DIR", help="compare again what an earlier --out has")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
