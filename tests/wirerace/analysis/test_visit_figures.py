"""The figures of visits, each from a trial made by hand."""

import pytest
from msgspec.structs import replace

from tests.wirerace.results import RESULT, TRIAL
from tests.wirerace.visited import TRIAL_OF_VISITS, VISITS, swept
from wirerace.analysis.aggregate import OF_VISITORS_TOO, figures_of, primary_of, summarised
from wirerace.analysis.figures import BY_ID, FIGURES, PRIMARY
from wirerace.analysis.visit_figures import VISIT_FIGURES

EXPECTED = {
    "visit.first_update": 0.005,
    "visit.started": 0.001,
    "visit.tcp_connected": 0.002,
    "visit.tls_established": None,
    "visit.request_sent": 0.003,
    "visit.answered": 0.004,
    "visit.first_update_p99": 0.01,
    "visit.first_age": 0.05,
    "visit.whole": 0.006,
    "visit.requests": 3.5,
    "visit.connections": 1.25,
    "visit.segments": 20.0,
    "visit.payload_bytes": 500.0,
    "visit.bytes": 1100.0,
    "visit.ip_bytes": 2000.0,
    "visit.server_cpu": 1600.0,  # 0.2 s less one hundredth of 4 s, in 100 visits
    "visits.due": 100,
    "visits.gave_up": 2,
    "visits.client_ports": 600,
    "visits.server_sockets": 40,
}


@pytest.mark.parametrize("figure", VISIT_FIGURES, ids=lambda figure: figure.id)
def test_figure_of_visits(figure: object) -> None:
    found = {one.id: one.of(TRIAL_OF_VISITS) for one in VISIT_FIGURES if one is figure}

    assert {name: pytest.approx(EXPECTED[name]) for name in found} == found


def test_handshake_has_a_time_with_tls_and_results_of_older_versions_have_none() -> None:
    stages = VISITS.stages_seconds
    secure = replace(VISITS, stages_seconds=stages | {"tls_established": stages["request_sent"]})
    older = replace(VISITS, stages_seconds={name: of for name, of in stages.items() if name != "tls_established"})
    found = [BY_ID["visit.tls_established"].of(replace(TRIAL_OF_VISITS, visits=visits)) for visits in (secure, older)]

    assert [0.003, None] == found


def test_every_figure_is_expected() -> None:
    assert EXPECTED.keys() == {figure.id for figure in VISIT_FIGURES}
    assert len(FIGURES) + len(VISIT_FIGURES) == len(BY_ID)


def test_trial_without_visitors_has_no_figure_of_visits() -> None:
    assert {None} == {figure.of(TRIAL) for figure in VISIT_FIGURES}


def test_what_is_not_known_is_no_figure() -> None:
    unknown = replace(
        TRIAL_OF_VISITS,
        visits=replace(VISITS, resting=None, requests=None, connections=None, due=0),
        server=replace(TRIAL_OF_VISITS.server, cpu_seconds=None),
    )
    names = ["visit.server_cpu", "visit.requests", "visit.segments", "visits.client_ports"]

    assert [None] * len(names) == [BY_ID[name].of(unknown) for name in names]


def test_figures_of_visitors_come_first_and_those_of_staying_clients_are_left_out() -> None:
    result = swept({"polling": {1: [1.0], 2: [2.0]}, "sse": {1: [1.0], 2: [2.0]}}).at(0)
    shown = [figure.id for figure in figures_of(result)]

    of_visits = [figure.id for figure in VISIT_FIGURES if not figure.if_any]
    assert of_visits == shown[: len(of_visits)]
    assert {"age.mean", "server.memory_per_client", "bytes.per_delivery"}.isdisjoint(shown)
    assert OF_VISITORS_TOO <= {figure.id for figure in FIGURES}


def test_primary_figures_are_those_of_visitors() -> None:
    result = swept({"polling": {1: [1.0], 2: [2.0]}, "sse": {1: [1.0], 2: [2.0]}}).at(0)
    summary = summarised(result)

    names = {figure.id for figure in primary_of(result)}
    assert {"visit.first_update", "visit.segments", "visit.ip_bytes", "visit.server_cpu"} == names
    assert names == {name for name, declared in summary.declared.items() if declared.primary}
    assert 4 == summary.primary_comparisons
    assert PRIMARY == primary_of(RESULT)
