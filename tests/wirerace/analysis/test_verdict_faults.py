"""The verdict where the experiment asks for a fault: what the fault does by itself is nobody's failure."""

from typing import Any

import msgspec
import pytest

from tests.wirerace.analysis.good import GOOD, MEASURED, STEADY, WINDOW, changed, judged, with_fault
from wirerace.experiment.faults import POSSIBLE, FaultKind, FaultPlace
from wirerace.experiment.paths import NetworkPath
from wirerace.observe.histogram import NO_LATENCIES
from wirerace.record.durations import Times
from wirerace.record.parts import PartRecord
from wirerace.record.samples import ProxyReport
from wirerace.record.trial import ProxyQuality, Verdict
from wirerace.workload.truth import EpochMade

DISTURBED: list[tuple[FaultKind, FaultPlace]] = [(kind, on) for kind in ("kill", "stall") for on in POSSIBLE[kind]]


def over_a_late_proxy(kind: FaultKind, on: FaultPlace) -> Verdict:
    proxy = ProxyQuality(1, shares_core=False, cpu_seconds=1.0, utilisation=0.1, late_seconds=Times(9, 0, 0, 0.3, 0.6))
    raw = msgspec.structs.replace(STEADY, path=NetworkPath(0.02))
    return judged(changed("proxy", proxy), raw, with_fault(kind, on, 1.0))


@pytest.mark.parametrize(
    ("path", "reasons"),
    [
        (NetworkPath(0.05), 1),
        (NetworkPath(jitter_seconds=0.05), 1),
        (NetworkPath(0.05, jitter_seconds=0.2), 0),
        (NetworkPath(bandwidth_bits_per_second=80_000), 0),
        (NetworkPath(bandwidth_bits_per_second=1e6), 1),
        (NetworkPath(buffer_bytes=4096), 0),
        (NetworkPath(idle_timeout_seconds=5.0), 0),
    ],
)
def test_lateness_of_a_proxy_is_compared_with_the_longest_time_that_its_path_demands(
    path: NetworkPath, reasons: int
) -> None:
    """1 % is 20 ms late. A segment of 1,448 bytes takes 145 ms at 80 kbit/s, and 12 ms at 1 Mbit/s."""
    proxy = ProxyQuality(1, shares_core=False, cpu_seconds=1.0, utilisation=0.1, late_seconds=Times(9, 0, 0, 0.02, 0.1))
    found = judged(changed("proxy", proxy), msgspec.structs.replace(STEADY, path=path))

    assert reasons == len(found.reasons)


@pytest.mark.parametrize(("kind", "on"), DISTURBED)
def test_proxy_is_blamed_for_its_lateness_unless_it_was_disturbed_on_purpose(kind: FaultKind, on: FaultPlace) -> None:
    found = over_a_late_proxy(kind, on)
    unchecked = [text for text in found.unchecked if text.startswith("whether the proxy kept the delay")]

    assert ((2, 0) if on != "proxy" else (0, 1)) == (len(found.reasons), len(unchecked))


@pytest.mark.parametrize(("kind", "on"), DISTURBED)
def test_producer_is_blamed_for_its_lateness_unless_it_was_disturbed_on_purpose(
    kind: FaultKind, on: FaultPlace
) -> None:
    found = judged(changed("producer.late_seconds_p99", 0.2), experiment=with_fault(kind, on, 1.0))
    unchecked = [text for text in found.unchecked if text.startswith("whether the producer kept its schedule")]

    assert ((1, 0) if on != "producer" else (0, 1)) == (len(found.reasons), len(unchecked))


@pytest.mark.parametrize(
    ("path", "value"),
    [("responses", {"data": 1, "empty": 0, "error": 3}), ("failed_connects", 2)],
)
def test_errors_of_clients_are_a_finding_unless_a_part_was_killed_on_purpose(path: str, value: Any) -> None:
    trial = changed(path, value)

    assert [] == judged(trial, experiment=with_fault("kill", "server")).findings
    assert 1 == len(judged(trial, experiment=with_fault("stall", "server", 1.0)).findings)


def test_connections_that_break_are_a_doubt_unless_a_part_was_killed_on_purpose() -> None:
    back = msgspec.structs.replace(GOOD.return_seconds, count=2)
    trial = msgspec.structs.replace(GOOD, breaks=2, return_seconds=back)

    assert [] == judged(trial, experiment=with_fault("kill", "server")).findings
    assert 1 == len(judged(trial, experiment=with_fault("stall", "server", 1.0)).doubts)


@pytest.mark.parametrize(("restarts", "reasons"), [(1, 0), (2, 1)])
def test_part_that_was_killed_on_purpose_once_may_be_started_again_once(restarts: int, reasons: int) -> None:
    trial = changed("parts", {"server": PartRecord(restarts, 0.0)})

    assert reasons == len(judged(trial, experiment=with_fault("kill", "server")).reasons)
    assert 1 == len(judged(trial, experiment=with_fault("kill", "proxy")).reasons)
    assert 1 == len(judged(trial, experiment=with_fault("stall", "server", 1.0)).reasons)


def test_part_that_was_killed_on_purpose_was_not_to_stand_still() -> None:
    trial = changed("parts", {"server": PartRecord(0, 1.0)})

    assert 1 == len(judged(trial, experiment=with_fault("kill", "server")).reasons)


def test_costs_of_a_server_that_was_killed_on_purpose_are_unchecked() -> None:
    raw = msgspec.structs.replace(STEADY, measured=msgspec.structs.replace(MEASURED, server=None))
    killed, other = (judged(raw=raw, experiment=with_fault("kill", on)) for on in ("server", "proxy"))

    assert ([], 1) == (killed.reasons, len(killed.unchecked))
    assert (1, []) == (len(other.reasons), other.unchecked)


def test_proxy_that_was_killed_on_purpose_may_report_of_another_interval() -> None:
    late = ProxyReport(began_ns=WINDOW.from_ns + 10**9, ended_ns=WINDOW.to_ns, cpu_seconds=0.1, late=NO_LATENCIES)
    raw = msgspec.structs.replace(STEADY, measured=msgspec.structs.replace(MEASURED, proxy=late))

    assert judged(raw=raw, experiment=with_fault("kill", "proxy")).valid
    assert not judged(raw=raw, experiment=with_fault("kill", "server")).valid
    assert not judged(raw=raw, experiment=with_fault("stall", "proxy", 1.0)).valid


def test_producer_that_was_killed_on_purpose_starts_again_and_makes_less() -> None:
    epochs = [*STEADY.truth.epochs, EpochMade("e2", [1], [WINDOW.from_ns + 5], [0])]
    raw = msgspec.structs.replace(STEADY, truth=msgspec.structs.replace(STEADY.truth, epochs=epochs))
    trial = msgspec.structs.replace(changed("updates", 90), parts={"producer": PartRecord(1, 0.0)})

    assert [] == judged(trial, raw, with_fault("kill", "producer")).reasons
    assert 2 == len(judged(trial, raw, with_fault("kill", "server")).reasons), "it died, and made less than was due"
