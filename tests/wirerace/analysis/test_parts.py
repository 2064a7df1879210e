"""Parts that were disturbed, samples that miss the window, a proxy that does not keep its delay."""

from typing import Any

import msgspec
import pytest

from tests.wirerace.analysis.good import (
    EXPERIMENT,
    IDLE,
    MEASURED,
    SECOND,
    STEADY,
    WINDOW,
    changed,
    judged,
    with_account,
)
from tests.wirerace.trials import at
from wirerace.experiment.faults import Fault
from wirerace.experiment.paths import NetworkPath
from wirerace.observe.histogram import NO_LATENCIES
from wirerace.record.durations import Times
from wirerace.record.parts import PartRecord
from wirerace.record.result import Raw
from wirerace.record.samples import ProxyReport
from wirerace.record.trial import ProxyQuality, Verdict


def sampled_off(server_seconds: float, machine_seconds: float) -> Raw:
    """Return the record with late samples at the window's end."""
    server, machine = MEASURED.server, MEASURED.machine
    assert server is not None
    late_server = at(WINDOW.to_ns + round(server_seconds * SECOND), server[1])
    late_machine = at(WINDOW.to_ns + round(machine_seconds * SECOND), machine[1])
    measured = msgspec.structs.replace(MEASURED, server=(server[0], late_server), machine=(machine[0], late_machine))
    return msgspec.structs.replace(STEADY, measured=measured)


@pytest.mark.parametrize(("off", "valid"), [((0.09, 0.0), True), ((3.5, 0.0), False), ((0.0, 3.5), False)])
def test_samples_that_miss_the_windows_ends_are_a_reason(off: tuple[float, float], *, valid: bool) -> None:
    found = judged(raw=sampled_off(*off))

    assert (valid, valid, []) == (found.valid, not found.reasons, found.doubts)
    assert valid or "was sampled 3.5 s off the window's ends: " in found.reasons[0]


def test_samples_that_miss_the_windows_ends_by_little_are_a_doubt() -> None:
    assert "the server was sampled 0.2 s off the window's ends" in judged(raw=sampled_off(0.2, 0)).doubts[0]


def test_samples_that_are_nearly_as_late_as_the_latest_are_named_with_it() -> None:
    """Whatever makes one late makes others late; half of it is near enough."""
    named = [judged(raw=sampled_off(3.5, machine_seconds)).reasons[0] for machine_seconds in (2.0, 1.5)]

    assert ["the server and the machine were", "the server was"] == [
        reason.partition(" sampled")[0] for reason in named
    ]


@pytest.mark.parametrize(("began_off", "ended_off", "valid"), [(0.0, 0.0, True), (-0.3, 0.3, False), (0.6, 0.0, False)])
def test_proxy_or_load_that_reports_of_another_interval_is_a_reason(
    began_off: float, ended_off: float, *, valid: bool
) -> None:
    began_ns, ended_ns = WINDOW.from_ns + round(began_off * SECOND), WINDOW.to_ns + round(ended_off * SECOND)
    proxy = ProxyReport(began_ns=began_ns, ended_ns=ended_ns, cpu_seconds=0.1, late=NO_LATENCIES)
    load = msgspec.structs.replace(IDLE, from_ns=began_ns, to_ns=ended_ns)
    measured = msgspec.structs.replace(MEASURED, proxy=proxy)
    for raw, who in (
        (msgspec.structs.replace(STEADY, measured=measured), "the proxy"),
        (with_account(processes=[load]), "the load"),
    ):
        found = judged(raw=raw)
        assert valid is found.valid
        assert valid or [f"{who} was sampled 0.6 s"] == [reason.partition(" off")[0] for reason in found.reasons]


def test_part_that_has_no_other_name_is_called_by_its_own() -> None:
    found = judged(changed("parts", {"relay": PartRecord(1, 0.0)}))

    assert ["relay died and was started again, once"] == [reason.partition(":")[0] for reason in found.reasons]


def test_server_whose_counters_are_not_whole_is_a_reason_unless_its_restart_is() -> None:
    raw = msgspec.structs.replace(STEADY, measured=msgspec.structs.replace(MEASURED, server=None))

    assert "the server's counters are not whole" in judged(raw=raw).reasons[0]
    restarted = msgspec.structs.replace(changed("parts", {"server": PartRecord(1, 0.0)}), restarts=1)
    assert ["the server died and was started again, once: clients had to come back"] == judged(restarted, raw).reasons


def test_server_that_had_no_core_is_named_even_if_that_made_its_sample_late() -> None:
    """Between the samples it ran for 2 s and waited for 6 s; 3 and 10 s were counted before the window."""
    raw = sampled_off(3.5, 0.0)
    assert raw.measured.server is not None
    before, after = raw.measured.server
    busy = (
        msgspec.structs.replace(before, cpu_seconds=3.0, waited_seconds=10.0, throttled_seconds=0.0),
        msgspec.structs.replace(after, cpu_seconds=5.0, waited_seconds=16.0, throttled_seconds=0.0),
    )
    found = judged(raw=msgspec.structs.replace(raw, measured=msgspec.structs.replace(raw.measured, server=busy)))

    assert "the server had no core 75 % of the time that it wanted one" in [
        reason.partition(":")[0] for reason in found.reasons
    ]


def test_server_that_was_throttled_is_named_even_if_that_made_its_sample_late() -> None:
    raw = sampled_off(3.5, 0.0)
    assert raw.measured.server is not None
    before, after = (msgspec.structs.replace(sample, throttled_seconds=0.0) for sample in raw.measured.server)
    late = (before, msgspec.structs.replace(after, throttled_seconds=6.75))
    found = judged(raw=msgspec.structs.replace(raw, measured=msgspec.structs.replace(raw.measured, server=late)))

    assert "the server was throttled 50 % of the time" in [reason.partition(":")[0] for reason in found.reasons]


PROXY = ProxyQuality(
    1, shares_core=False, cpu_seconds=1.0, utilisation=0.1, late_seconds=Times(100, 0, 0, 0.0005, 0.01)
)


def over_a_proxy(proxy: ProxyQuality | None) -> Verdict:
    raw = msgspec.structs.replace(STEADY, path=NetworkPath(0.02))
    return judged(changed("proxy", proxy), raw)


@pytest.mark.parametrize(
    ("proxy", "weight", "text"),
    [
        (
            {"late_seconds": Times(100, 0, 0, 0.002, 0.01)},
            "doubts",
            "the proxy forwarded 1 % 2 ms late or later",
        ),
        (
            {"late_seconds": Times(100, 0, 0, 0.006, 0.01)},
            "reasons",
            "the proxy forwarded 1 % 6 ms late or later",
        ),
        (
            {"late_seconds": Times(100, 0, 0, 0.0, 0.3)},
            "doubts",
            "the proxy forwarded something 300 ms late",
        ),
        (
            {"late_seconds": Times(100, 0, 0, 0.0, 0.6)},
            "reasons",
            "the proxy forwarded something 600 ms late",
        ),
        ({"utilisation": 0.7}, "doubts", "the proxy had work 70 % of the time"),
        ({"utilisation": 0.9}, "reasons", "the proxy had work 90 % of the time"),
    ],
)
def test_proxy_that_does_not_keep_its_delay_is_found(proxy: dict[str, Any], weight: str, text: str) -> None:
    found = over_a_proxy(msgspec.structs.replace(PROXY, **proxy))

    (line,) = [*found.reasons, *found.doubts]
    assert line in getattr(found, weight)
    assert line.startswith(text)


def test_proxy_that_forwarded_nothing_was_not_late() -> None:
    found = over_a_proxy(msgspec.structs.replace(PROXY, late_seconds=Times(0, None, None, None, None)))

    assert [] == found.findings


def test_proxy_that_keeps_its_delay_is_no_finding_and_one_that_does_not_report_is_unchecked() -> None:
    assert ([], [], []) == (over_a_proxy(PROXY).reasons, over_a_proxy(PROXY).doubts, over_a_proxy(PROXY).unchecked)
    assert ["whether the proxy kept the delay"] == over_a_proxy(None).unchecked
    assert Verdict(valid=True) == judged(changed("proxy", None)), "without a proxy there is nothing to report"


def test_server_that_stands_still_by_a_fault_of_the_experiment_is_no_reason() -> None:
    experiment = msgspec.structs.replace(
        EXPERIMENT, faults=[Fault(kind="stall", on="server", at_seconds=1.0, lasts_seconds=1.0)]
    )
    parts = {"server": PartRecord(0, 1.0), "producer": PartRecord(0, 1.0)}

    assert ["the producer was stopped by a signal"] == [
        reason.partition(",")[0] for reason in judged(changed("parts", parts), experiment=experiment).reasons
    ]
