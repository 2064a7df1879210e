"""Other people's servers in real runs: nchan, a server of one's own, and those that fail."""

import os
import shlex
import shutil
import sys
from pathlib import Path

import msgspec
import pytest

from tests.race.running import Race
from wirerace.errors import TrialFailed
from wirerace.experiment.shipped import folder_of, shipped_servers
from wirerace.record.result import Result
from wirerace.record.trial import Trial
from wirerace.runner.foreign.installed import found
from wirerace.runner.network.certificates import RunCertificate

pytestmark = pytest.mark.processes

SMALL = """
title = "Theirs"

[producer]
rate_per_second = 20.0

[clients]
count = 10

[polling]
interval_seconds = 0.2

[window]
warmup_seconds = 0.3
measure_seconds = 1.5
"""
CONTESTANT = """
[[contestants]]
id = "{0}"
transport = "{1}"
server = {2}
"""


def race(directory: Path, code: int, *contestants: tuple[str, str, str]) -> Result:
    run = Race(directory, SMALL + "".join(CONTESTANT.format(*one) for one in contestants))
    assert code == run.wait(), run.stderr_file.read_text()
    return msgspec.convert(run.result, Result)


def check(trial: Trial) -> None:
    """Everything came, and what a foreign server does not count is null."""
    assert (1.0, 0) == (trial.reach, trial.lost), trial.contestant
    assert trial.updates > 0
    assert (None, None) == (trial.bytes.payload, trial.bytes.application_out)
    assert (trial.bytes.ip_out or 0) > 0
    assert (trial.server.idle_utilisation or 0.0) > 0  # on a busy machine, samples may miss the window
    assert (trial.server.user_bytes or 0) > 0
    assert trial.publisher is not None
    assert (0, True) == (trial.publisher.lost, trial.publisher.published > 0)


def test_nchan_delivers_everything_pushed_and_held(tmp_path: Path) -> None:
    nchan = shipped_servers()["nchan"]
    try:
        found("nchan", nchan.needs, "")
    except TrialFailed as missing:
        pytest.skip(str(missing))
    names = ("longpolling", "sse")
    result = race(tmp_path, 0, *((f"nchan-{name}", name, '{ start = "nchan" }') for name in names))

    assert len(names) == len(result.trials)
    for trial in result.trials:
        check(trial)


def test_server_of_ones_own_is_started_and_what_fails_fails_alone(tmp_path: Path) -> None:
    server = f"{shlex.quote(sys.executable)} {shlex.quote(str(folder_of('aiohttp') / 'server.py'))} {{port}}"
    keys = 'url = "http://127.0.0.1:{port}/sse", publisher = "post", publish_url = "http://127.0.0.1:{port}/publish"'
    own = f'{{ {keys}, dialect = "bare", command = "{server}" }}'
    ends = f'{{ {keys}, dialect = "bare", command = "{sys.executable} -c \'print(7 // 0, {{port}})\'" }}'
    away = '{ url = "http://127.0.0.1:1/", dialect = "bare" }'
    absent = '{ start = "ws", node_modules = "/no/such" }'
    no_program = f'{{ {keys}, dialect = "bare", command = "no-such-program {{port}}" }}'
    result = race(
        tmp_path,
        1,
        ("own", "sse", own),
        ("ends", "sse", ends),
        ("away", "sse", away),
        ("absent", "websocket", absent),
        ("no-program", "sse", no_program),
    )

    (trial,) = result.trials
    check(trial)
    reasons = {failure.contestant: failure.reason for failure in result.failures}
    assert {"ends", "away", "absent", "no-program"} == reasons.keys()
    assert "ended as soon as it was started" in reasons["ends"]
    assert reasons["ends"].endswith("ZeroDivisionError: integer division or modulo by zero")
    assert reasons["away"].startswith("away: http://127.0.0.1:1/ cannot be reached: Connection refused")
    assert reasons["no-program"].startswith("no-program: there is no program no-such-program: install it")
    assert reasons["absent"].startswith("absent needs the p")


SLOW = """
import asyncio, importlib.util, sys
from aiohttp import web

spec = importlib.util.spec_from_file_location("server", sys.argv[2])
server = importlib.util.module_from_spec(spec)
spec.loader.exec_module(server)
publish = server.publish
async def slowly(request):
    await asyncio.sleep(0.15)
    return await publish(request)
server.publish = slowly
server.main(int(sys.argv[1]))
"""


def test_update_that_is_published_after_the_window_is_not_lost(tmp_path: Path) -> None:
    """20 updates a second, of which the server takes 6: most wait in the publisher's queue when the window ends."""
    (tmp_path / "slow.py").write_text(SLOW)
    command = f"{sys.executable} {tmp_path}/slow.py {{port}} {folder_of('aiohttp') / 'server.py'}"
    keys = 'url = "http://127.0.0.1:{port}/sse", publisher = "post", publish_url = "http://127.0.0.1:{port}/publish"'
    result = race(tmp_path, 0, ("slow", "sse", f'{{ {keys}, dialect = "bare", command = "{command}" }}'))
    (trial,) = result.trials

    assert (1.0, 0) == (trial.reach, trial.lost)
    assert trial.publisher is not None
    assert trial.publisher.published < trial.updates


def test_server_of_tls_is_measured_over_https_and_through_a_link(tmp_path: Path) -> None:
    """Ours stands in for somebody else's, once as it keeps the contract, and once as if it had no cursors."""
    made = RunCertificate()
    (tmp_path / "authority.pem").write_text(made.authority)
    flags = "--tls-port {port} --port {publish_port} --producer-url {producer} " + shlex.join(made.flags)
    server = """{{ url = "{}://127.0.0.1:{{port}}/{}", authority_file = "{}", dialect = "{}", command = "{}" }}"""

    def at(scheme: str, path: str, dialect: str) -> str:
        name = {"ws": "websocket", "poll": "polling"}.get(path, path)
        command = f"{shlex.quote(sys.executable)} -m services {name} {flags}"
        return server.format(scheme, path, tmp_path / "authority.pem", dialect, command)

    run = Race(
        tmp_path,
        SMALL
        + CONTESTANT.format("contract", "polling", at("https", "poll", "contract"))
        + CONTESTANT.format("bare", "sse", at("https", "sse", "bare"))
        + CONTESTANT.format("far", "websocket", at("wss", "ws", "bare"))
        + 'path = "far"\n[paths.far]\ndelay_seconds = 0.01\n',
    )
    code = run.wait()
    made.remove()
    assert 0 == code, run.stderr_file.read_text()
    trials = {trial.contestant: trial for trial in msgspec.convert(run.result, Result).trials}

    assert {"contract", "bare", "far"} == trials.keys()
    for trial in trials.values():
        assert (1.0, 0, None) == (trial.reach, trial.lost, trial.bytes.tls)
        assert trial.handshakes is not None
        assert trial.handshakes.count >= 10
        assert (trial.bytes.ip_out or 0) > 0


def test_server_at_an_address_of_ipv6_is_measured_through_a_link_and_a_reverse_proxy(tmp_path: Path) -> None:
    if shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        pytest.skip("nginx is not installed: apt install nginx")
    command = f"{shlex.quote(sys.executable)} -m services sse --host ::1 --port {{port}} --producer-url {{producer}}"
    server = f'{{ url = "http://[::1]:{{port}}/sse", command = "{command}" }}'
    far = 'path = "far"\n[paths.far]\ndelay_seconds = 0.01\nproxy = "nginx"\nsettings = "tuned"\n'
    run = Race(tmp_path, SMALL + CONTESTANT.format("six", "sse", server) + far)
    assert 0 == run.wait(), run.stderr_file.read_text()
    (trial,) = msgspec.convert(run.result, Result).trials

    assert (1.0, 0) == (trial.reach, trial.lost)
    assert (trial.latency_seconds.mean or 0.0) > 0.01
