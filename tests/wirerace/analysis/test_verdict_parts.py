"""Each finding names the part that it is about, and a quota is not taken for other work of the machine."""

from typing import Any

import msgspec
import pytest

from tests.wirerace.analysis.good import GOOD, changed, judged, with_account
from wirerace.record.parts import PartRecord, ReplicaCost


@pytest.mark.parametrize(
    ("path", "value", "part"),
    [
        ("load.busiest_utilisation", 0.9, "load"),
        ("load.busiest_utilisation", 0.7, "load"),
        ("load.busiest_utilisation", None, "load"),
        ("load.waited_seconds", 9.0, "machine"),
        ("upper_bounds", 5_000, "arrivals"),
        ("server.throttled_seconds", 0.5, "server"),
        ("server.waited_seconds", 3.0, "machine"),
        ("server.waited_seconds", None, "server"),
        ("parts", {"server": PartRecord(1, 0.0)}, "server"),
        ("parts", {"producer": PartRecord(0, 0.05)}, "producer"),
        ("parts", {"proxy": PartRecord(0, 0.05)}, "proxy"),
        ("parts", {"wirerace": PartRecord(0, 3.0)}, "wirerace"),
        ("machine.stolen_cores", 0.5, "machine"),
        ("machine.clock_stepped_seconds", -0.001, "clock"),
        ("producer.late_seconds_p99", 0.2, "producer"),
        ("late_polls", 60, "clients"),
        ("failed_connects", 1, "clients"),
        ("bytes.retransmitted", 200, "network"),
        ("delivered", 9_000, "measured"),
    ],
)
def test_finding_names_the_part_that_it_is_about(path: str, value: Any, part: str) -> None:
    assert [part] == [finding.part for finding in judged(changed(path, value)).findings]


def test_server_that_waits_for_its_quota_is_throttled_and_not_starved() -> None:
    """The kernel counts the time without a quota as waiting for a core, too."""
    server = msgspec.structs.replace(GOOD.server, cpu_seconds=2.0, waited_seconds=8.0, throttled_seconds=7.9)
    (finding,) = judged(msgspec.structs.replace(GOOD, server=server)).findings

    assert ("reason", "server", "the server was throttled 79 % of the time") == (
        finding.weight, finding.part, finding.what,
    )  # fmt: skip


def test_server_that_waits_for_its_quota_and_for_others_is_both() -> None:
    server = msgspec.structs.replace(GOOD.server, cpu_seconds=1.0, waited_seconds=8.0, throttled_seconds=4.0)
    found = judged(msgspec.structs.replace(GOOD, server=server)).findings

    assert ["machine", "server"] == sorted(finding.part for finding in found)
    assert any("no core 80 % of the time" in finding.what for finding in found), "4 s of 5 s without the quota's"


def test_replicas_each_have_their_window_and_may_have_waited_for_each_other() -> None:
    replicas = [ReplicaCost(0.1, 5)] * 4
    server = msgspec.structs.replace(GOOD.server, cpu_seconds=1.0, waited_seconds=3.0, replicas=replicas)
    (finding,) = judged(msgspec.structs.replace(GOOD, server=server)).findings
    assert "the server (4 replicas: where they share a core, they wait for each other) had no core 75 %" in finding.what

    limited = msgspec.structs.replace(server, waited_seconds=2.0, throttled_seconds=2.0)
    (found,) = judged(msgspec.structs.replace(GOOD, server=limited)).findings
    assert "the server was throttled 5 % of the time" == found.what, "2 s of four windows of 10 s"


@pytest.mark.parametrize("throttled", [None, 9.0])
def test_waiting_is_never_less_than_nothing(throttled: float | None) -> None:
    server = msgspec.structs.replace(GOOD.server, cpu_seconds=1.0, waited_seconds=0.1, throttled_seconds=throttled)
    found = judged(msgspec.structs.replace(GOOD, server=server)).findings

    assert ["server"] == [finding.part for finding in found]


def test_load_that_did_not_sample_itself_is_about_the_load() -> None:
    (finding,) = judged(raw=with_account(processes=[])).findings

    assert "load" == finding.part
