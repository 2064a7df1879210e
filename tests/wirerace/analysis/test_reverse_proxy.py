"""A reverse proxy's costs: CPU time, memory, bytes on both of its sides; and what the verdict says of it."""

import pytest
from msgspec.structs import replace

from tests.wirerace.analysis.good import GOOD, STEADY, changed, judged, with_fault
from tests.wirerace.analysis.records import PLAN, WINDOW, counters, memory, sampled, truth_of
from wirerace.analysis.capacity.mark import mark_of
from wirerace.analysis.figures import BY_ID
from wirerace.analysis.measure import figures
from wirerace.analysis.reverse_figures import REVERSE_FIGURES
from wirerace.experiment.objective import Objective, objectives_in
from wirerace.experiment.paths import NetworkPath
from wirerace.observe.account import AccountRecord, Traffic
from wirerace.record.parts import PartRecord
from wirerace.record.result import Raw
from wirerace.record.reverse import Behind, ReverseCost, ReverseRecord, ReverseSample
from wirerace.record.samples import Measured
from wirerace.record.trial import Trial, Verdict

PATH = NetworkPath(proxy="nginx")
BEHIND = Behind(1_000, 50_000, 100, 200, opened=2, closed=0)


def sample(at_ns: int, cpu_seconds: float | None) -> ReverseSample:
    return ReverseSample(began_ns=at_ns, ended_ns=at_ns, cpu_seconds=cpu_seconds)


SAMPLES = (sample(WINDOW.from_ns, 1.0), sample(WINDOW.to_ns, 3.0))
RECORD = ReverseRecord(
    program="nginx",
    settings="default",
    version="1.22.1",
    core=1,
    shares_core=True,
    samples=SAMPLES,
    idle_bytes=1_000_000,
    full_bytes=1_600_000,
    connections=200,
    behind=BEHIND,
)
SERVER = (counters(0.0, 0, 0, 0, 0), counters(1.0, 0, 1_000, 50_000, 0))


def trial_with(record: ReverseRecord | None, **changes: object) -> Trial:
    """Return the trial of a record whose clients received 1,000 deliveries."""
    account = AccountRecord(
        arrived=1_000, traffic=(Traffic(), Traffic(700, 20_000, 30, 40, retransmitted=0, connections=1))
    )
    measured = replace(sampled(*SERVER), reverse_proxy=record, **changes)
    return figures(PLAN, Raw(WINDOW, account, truth_of(), measured, PATH))


def cost_of(record: ReverseRecord) -> ReverseCost:
    cost = trial_with(record).reverse_proxy
    assert cost is not None
    return cost


def test_cost_is_what_it_spent_in_the_window_and_its_growth_for_each_client() -> None:
    cost = cost_of(RECORD)

    assert ("nginx", "default", "1.22.1", 1, True) == (
        cost.program, cost.settings, cost.version, cost.core, cost.shares_core,
    )  # fmt: skip
    assert pytest.approx((2.0, 2_000, 0.2)) == (cost.cpu_seconds, cost.cpu_us_per_delivery, cost.utilisation)
    assert pytest.approx((1_000_000, 1_600_000, 3_000)) == (
        cost.user_bytes_idle, cost.user_bytes, cost.bytes_per_client,
    )  # fmt: skip


def test_bytes_are_the_clients_and_those_behind_it_the_servers() -> None:
    trial = trial_with(RECORD)
    cost = trial.reverse_proxy
    assert cost is not None

    assert (700, 20_000) == (trial.bytes.application_in, trial.bytes.application_out)
    assert (1_000, 50_000) == (cost.application_in, cost.application_out)
    assert (1_000 + 52 * 100 + 8 * 2, 50_000 + 52 * 200 + 8 * 2) == (cost.ip_in, cost.ip_out)
    assert pytest.approx(20.7) == BY_ID["bytes.per_delivery"].of(trial)
    assert pytest.approx(51.0) == BY_ID["reverse_proxy.bytes_per_delivery"].of(trial)


def test_bytes_without_a_proxy_are_the_servers() -> None:
    trial = trial_with(None)

    assert (1_000, 50_000) == (trial.bytes.application_in, trial.bytes.application_out)
    assert trial.reverse_proxy is None
    assert {None} == {figure.of(trial) for figure in REVERSE_FIGURES}


def test_bytes_of_the_ip_layer_are_unknown_where_connections_came_and_went() -> None:
    """nginx at its defaults opens one for each request: no listing has seen them."""
    cost = cost_of(replace(RECORD, behind=Behind(0, 0, 0, 0, opened=0, closed=0)))

    assert (None, None, 50_000) == (cost.ip_in, cost.ip_out, cost.application_out)


@pytest.mark.parametrize(
    "samples",
    [None, (sample(WINDOW.from_ns, 3.0), sample(WINDOW.to_ns, 1.0)), (SAMPLES[0], sample(WINDOW.to_ns, None))],
)
def test_cpu_time_is_unknown_when_a_process_of_it_was_lost(samples: tuple[ReverseSample, ReverseSample] | None) -> None:
    cost = cost_of(replace(RECORD, samples=samples))

    assert (None, None, None) == (cost.cpu_seconds, cost.utilisation, cost.cpu_us_per_delivery)


def test_samples_that_miss_the_window_say_how_busy_it_was_and_not_what_it_spent_in_it() -> None:
    late = sample(WINDOW.to_ns + 10 * 10**9, 5.0)
    cost = cost_of(replace(RECORD, samples=(SAMPLES[0], late)))

    assert cost.cpu_seconds is None
    assert pytest.approx(0.2) == cost.utilisation


@pytest.mark.parametrize(("connections", "ends"), [(200, 4), (0, 2), (100, 3), (None, 2)])
def test_kernel_objects_are_those_of_one_socket(connections: int | None, ends: int) -> None:
    """A client's connection has two ends, and each that was open behind the proxy has two more."""
    idle, full = (replace(memory(0), slab_bytes=size) for size in (0, 4_000 * 200 * ends))
    trial = trial_with(replace(RECORD, connections=connections), idle=idle, full=full)

    assert pytest.approx(4_000) == trial.server.slab_bytes_per_client


def measured_with(record: ReverseRecord | None) -> Measured:
    return replace(STEADY.measured, reverse_proxy=record)


def proxied(utilisation: float | None = 0.5) -> Trial:
    return replace(GOOD, reverse_proxy=replace(cost_of(RECORD), utilisation=utilisation))


RAW = replace(STEADY, path=PATH, measured=measured_with(RECORD))


@pytest.mark.parametrize(
    ("utilisation", "found"),
    [(0.5, []), (0.9, [("doubt", "nginx was busy 90 % of a core")]), (None, [("unchecked", "what nginx spent")])],
)
def test_proxy_at_its_limit_is_a_doubt(utilisation: float | None, found: list[tuple[str, str]]) -> None:
    findings = judged(proxied(utilisation), RAW).findings

    assert found == [(one.weight, one.what) for one in findings]
    assert {"reverse_proxy"} >= {one.part for one in findings}


def test_proxy_that_died_is_a_reason_unless_it_was_killed() -> None:
    trial = replace(proxied(), parts={"reverse proxy": PartRecord(1, 0.0)})
    (reason,) = judged(trial, RAW).findings

    assert ("reason", "the reverse proxy died and was started again, once") == (reason.weight, reason.what)
    assert [] == [one for one in judged(trial, RAW, with_fault("kill", "proxy")).findings if one.weight == "reason"]


def test_stall_of_the_proxy_that_was_asked_for_is_no_reason() -> None:
    trial = replace(proxied(), parts={"reverse proxy": PartRecord(0, 0.5)})

    assert ["reason"] == [one.weight for one in judged(trial, RAW).findings]
    assert [] == judged(trial, RAW, with_fault("stall", "proxy", 0.5)).findings


def test_capacity_names_a_proxy_at_its_limit() -> None:
    late = replace(changed("latency_seconds.p99", 0.5), verdict=Verdict(True), updates=100)
    trial = replace(late, reverse_proxy=proxied(0.95).reverse_proxy)
    objectives: list[Objective] = list(objectives_in(["latency.p99 < 0.2"]))

    assert ("missed", "reverse proxy", "nginx was busy 95 % of a core") == mark_of(trial, objectives, 1.0)[:3]
    assert "none" == mark_of(late, objectives, 1.0).by
