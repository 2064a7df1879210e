"""Other people's servers in a trial: found, started, and sampled from outside."""

import os
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.wirerace.runner.standing import Begin, knows_nothing
from wirerace.errors import TrialFailed
from wirerace.experiment.plans import Plan, plans_of
from wirerace.experiment.reading import study_of
from wirerace.experiment.servers import ForeignServer
from wirerace.experiment.shipped import Requirement
from wirerace.runner.foreign.installed import found
from wirerace.runner.foreign.publishing import publisher_command
from wirerace.runner.foreign.starting import ForeignParts, ForeignPeer
from wirerace.runner.parts.running import RunningServer
from wirerace.runner.peer import Peer
from wirerace.runner.sampling import foreign_sample
from wirerace.runner.targets.target import Child


def plan_with(server: dict[str, Any]) -> Plan:
    contestant = {"id": "theirs", "transport": "websocket", "server": server}
    (plan,) = plans_of(study_of({"title": "t", "contestants": [contestant]}, Path()).settings[0], 1)
    return plan


def start(server: dict[str, Any], logs: Path) -> Child:
    return ForeignParts(logs).start(plan_with(server), "http://127.0.0.1:1", [])[0]


def test_server_that_cannot_be_reached_fails(tmp_path: Path) -> None:
    with pytest.raises(TrialFailed, match=r"^theirs: http://127\.0\.0\.1:1/ cannot be reached: Connection refused"):
        start({"url": "http://127.0.0.1:1/", "dialect": "bare"}, tmp_path)


def test_process_that_is_not_there_fails(begin: Begin, tmp_path: Path) -> None:
    stand = begin(knows_nothing)
    with pytest.raises(TrialFailed, match=r"^theirs: there is no process 4194304: correct pid in its server"):
        start({"url": stand.url, "dialect": "bare", "pid": 4_194_304}, tmp_path)


def test_process_of_somebody_else_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: psutil.Process) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil.Process, "memory_full_info", denied)
    with pytest.raises(TrialFailed, match=r"^theirs: process .* belongs to somebody else"):
        RunningServer("theirs", os.getpid(), is_local=True)


def test_running_server_is_sampled_and_left_alone(begin: Begin, tmp_path: Path) -> None:
    stand = begin(knows_nothing)
    child = start({"url": stand.url, "dialect": "bare", "pid": os.getpid()}, tmp_path)
    sample = foreign_sample(child, 5)

    assert (5, None, None) == (sample.began_ns, sample.sent_bytes, sample.feed_updates)
    assert sample.cpu_seconds is not None
    assert sample.cpu_seconds > 0
    assert (child.part.memory().user_bytes or 0) > 0
    child.part.stop()
    assert (False, False) == (child.part.has_ended(), child.part.is_stopped())


def test_server_of_which_no_process_is_known_has_no_costs(begin: Begin, tmp_path: Path) -> None:
    child = start({"url": begin(knows_nothing).url, "dialect": "bare"}, tmp_path)

    assert (None, None) == (foreign_sample(child, 5).cpu_seconds, child.part.memory().user_bytes)
    assert not child.part.has_ended()


def test_server_that_ends_in_the_trial_fails_it(begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = ForeignParts(tmp_path)
    server = {"url": begin(knows_nothing).url, "dialect": "bare", "pid": os.getpid()}
    child, started = parts.start(plan_with(server), "", [])
    assert ([child.part], []) == (parts.running, started)
    monkeypatch.setattr(psutil.Process, "is_running", lambda _: False)

    with pytest.raises(TrialFailed, match=r"^theirs ended in the middle of the trial; see its own log"):
        parts.watch()
    parts.leave(child.part)
    parts.watch()


REQUIREMENTS: list[tuple[Requirement, str]] = [
    (Requirement(name="x", cure="apt install it", program="no-such-program"), "the program no-such-program"),
    (Requirement(name="x", cure="apt install it", module="no_such_module"), "the Python module no_such_module"),
    (Requirement(name="x", cure="apt install it", node="no-such-package"), "the package no-such-package of Node.js"),
    (Requirement(name="x", cure="apt install it", files=["/no/such.so"]), "the file such.so"),
]


@pytest.mark.parametrize(("requirement", "what"), REQUIREMENTS)
def test_what_is_not_installed_is_named_with_its_cure(requirement: Requirement, what: str) -> None:
    with pytest.raises(TrialFailed, match=f"^theirs needs {what}, which is not installed: apt install it$"):
        found("theirs", [requirement], "")


def test_what_is_installed_is_found(tmp_path: Path) -> None:
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws/package.json").write_text("{}")
    needs = [
        Requirement(name="shell", cure="", program="sh"),
        Requirement(name="modules", cure="", node="ws"),
        Requirement(name="file", cure="", files=["/no", str(tmp_path / "ws/package.json")]),
        Requirement(name="aiohttp", cure="", module="aiohttp"),
    ]

    places = found("theirs", needs, str(tmp_path))
    assert (str(tmp_path), str(tmp_path / "ws/package.json")) == (places["modules"], places["file"])


def test_publisher_gets_what_the_server_says_and_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRERACE_PUBLISH_TOKEN", "t0ken")
    place = ForeignServer(
        url="http://a/",
        publisher="mercure",
        publish_url="http://a/hub",
        topic="prices",
        token_file="/t",  # noqa: S106
    )
    command = publisher_command(ForeignPeer("theirs", place), 9, "http://p")

    assert ["-m", "services", "publisher", "--port", "9", "--producer-url", "http://p"] == command[:7]
    assert [
        "--publish-url",
        "http://a/hub",
        "--protocol",
        "mercure",
        "--topic",
        "prices",
        "--token-file",
        "/t",
    ] == command[7:]
    assert [] == publisher_command(Peer("sse", 1), 9, "http://p")
    assert [] == publisher_command(ForeignPeer("theirs", ForeignServer(url="http://a/")), 9, "http://p")


def test_contract_needs_health_and_others_an_open_port(begin: Begin) -> None:
    stand = begin(knows_nothing)
    for dialect, is_up in (("contract", False), ("bare", True)):
        place = ForeignServer(url=stand.url, dialect=dialect)  # type: ignore[arg-type]
        assert is_up == ForeignPeer("theirs", place).is_up()
