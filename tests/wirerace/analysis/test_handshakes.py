"""TLS in a trial: its handshakes, its bytes, and the gaps of clients that open a connection for each request."""

import pytest
from msgspec.structs import replace

from tests.wirerace.analysis.records import MS, WINDOW, recorded, sampled, trial_of, truth_of
from tests.wirerace.trials import NOTHING_MEASURED, NOTHING_SPENT, plan_with
from wirerace.analysis.measure import figures
from wirerace.experiment.paths import NetworkPath
from wirerace.observe.account import AccountRecord, Traffic
from wirerace.record.durations import Handshakes
from wirerace.record.result import Raw
from wirerace.transports.polling import PollingOptions


def test_bytes_of_tls_are_what_tcp_carried_beyond_the_application_and_heartbeats() -> None:
    """A reverse proxy would end TLS, and the server would count what comes behind it."""
    server = (NOTHING_SPENT, replace(NOTHING_SPENT, received_bytes=300, sent_bytes=900, heartbeat_bytes=50))
    traffic = (Traffic(100, 200), Traffic(100 + 344, 200 + 1050, 0, 0, 0, 1))

    def found(path: NetworkPath) -> int | None:
        raw = Raw(WINDOW, AccountRecord(traffic=traffic), truth_of(), sampled(*server), path=path)
        return figures(plan_with("polling", PollingOptions()), raw).bytes.tls

    assert 144 == found(NetworkPath(tls=True))
    assert (None, None) == (found(NetworkPath()), found(NetworkPath(tls=True, proxy="nginx")))


@pytest.mark.long
def test_repoll_gap_with_tls_has_the_opening_of_its_connection_in_it_already() -> None:
    account = AccountRecord(repolling=recorded([81 * MS]))
    plan = plan_with("polling", PollingOptions(keep_alive=False))
    path = NetworkPath(0.02, tls=True)
    found = figures(plan, Raw(WINDOW, account, truth_of(), NOTHING_MEASURED, path=path)).repoll_seconds

    assert pytest.approx(0.081 + 0.04, rel=1e-3) == found.mean


def test_handshakes_are_counted_and_timed_and_unknown_without_any() -> None:
    account = AccountRecord(handshaking=recorded([2 * MS, 4 * MS]), resumed_handshakes=1)
    found = trial_of(account, truth_of()).handshakes

    assert isinstance(found, Handshakes)
    assert (2, 1) == (found.count, found.resumed)
    assert pytest.approx(0.003) == found.mean
    assert trial_of(AccountRecord(), truth_of()).handshakes is None
