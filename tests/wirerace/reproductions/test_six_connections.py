"""Six connections to a host: what passes, and what is a browser or a server of another kind."""

import pytest

from wirerace.reproductions.six_connections import LONG_ENOUGH, REPRODUCTION, Played, checks_of, receiving
from wirerace.runner.browsers.order import TabState

AS_PUBLISHED = (Played(6, 6, 0), Played(7, 6, 40), Played(7, 6, 40))


def failed(shared: Played, apart: Played, push: Played) -> list[str]:
    return [check.what for check in checks_of(shared, apart, push) if not check.passed]


def test_six_of_seven_tabs_pass() -> None:
    assert [] == failed(*AS_PUBLISHED)


@pytest.mark.parametrize(
    ("place", "other", "what"),
    [
        (0, Played(7, 6, 40), ["SSE: tabs that receive, of seven", "SSE: updates that the seventh has"]),
        (0, Played(6, 5, 0), ["SSE: the same, when one of the six has been closed"]),
        (1, Played(6, 6, 0), ["SSE in seven browsers: tabs that receive"]),
        (2, Played(6, 6, 0), ["WebSocket: tabs that receive, of seven"]),
    ],
    ids=["no limit", "seventh never gets in", "profiles share connections", "WebSockets count"],
)
def test_any_other_number_fails(place: int, other: Played, what: list[str]) -> None:
    played = list(AS_PUBLISHED)
    played[place] = other

    assert what == failed(*played)


def test_tab_receives_from_its_first_update_on_or_from_a_number_of_them() -> None:
    states = [
        TabState(opened=True, received=received, epoch="e", seq=9, trouble="") for received in (0, 1, LONG_ENOUGH)
    ]

    assert (2, 1) == (receiving(states), receiving(states, LONG_ENOUGH))


def test_it_has_no_trials_and_the_least_number_of_tabs_that_shows_it() -> None:
    assert REPRODUCTION.scene is not None
    assert [] == REPRODUCTION.checks({})
    assert 7 == REPRODUCTION.experiment.clients.browsers
