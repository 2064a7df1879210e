"""The checks of idle-timeout, on counts made by hand."""

from typing import Any

import pytest

from tests.wirerace.reproductions.outcomes import failed, outcome
from wirerace.record.trial import Returning
from wirerace.reproductions.check import Check
from wirerace.reproductions.idle_timeout import CUT, KEPT, TIMEOUT_SECONDS, UPDATE_SECONDS, checks

CLIENT_SECONDS = 50 * 12.0
ONCE = round(CLIENT_SECONDS / UPDATE_SECONDS)


def found(**changes: dict[str, Any]) -> list[Check]:
    outcomes = {}
    for name in (*CUT, *KEPT):
        counts: dict[str, Any] = {
            "breaks": ONCE if name in CUT else 0,
            "client_seconds": CLIENT_SECONDS,
            "lost": 0,
            "return_seconds": Returning(1, 0.1, 0.2, 0.2),
        }
        own = changes.get(name.replace("-", "_"), {})
        outcomes[name] = outcome(name.partition("-")[0], **(counts | own))
    return checks(outcomes)


def test_quiet_connections_that_are_cut_off_once_and_lose_nothing_are_what_is_expected() -> None:
    assert [] == failed(found())


def test_gap_between_updates_is_longer_than_the_timeout_once() -> None:
    assert TIMEOUT_SECONDS < UPDATE_SECONDS < 2 * TIMEOUT_SECONDS


@pytest.mark.parametrize(
    "changes",
    [
        {"longpolling": {"breaks": 0}},
        {"websocket": {"breaks": 2 * ONCE}},
        {"websocket_ping": {"breaks": 1}},
        {"sse": {"breaks": 1}},
        {"sse": {"lost": 1}},
        {"websocket": {"return_seconds": Returning(1, 2.0, 2.0, 2.0)}},
    ],
)
def test_what_does_not_agree_fails(changes: dict[str, dict[str, Any]]) -> None:
    assert 1 == len(failed(found(**changes)))
