"""Clients come evenly, and all of them in the time that was asked for."""

from unittest import mock

import pytest
from locust import User
from locust.runners import WorkerNode

from loadtests import dispatching
from loadtests.dispatching import EvenDispatcher


class Client(User):
    weight = 1


class Steady:
    """A clock on which a sleep takes its time, and a portion of clients `busy_seconds`."""

    def __init__(self, busy_seconds: float) -> None:
        self.now = 100.0
        self.busy_seconds = busy_seconds

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def came(clients: int, rate: float, workers: int = 1, busy_seconds: float = 0.0) -> list[tuple[float, int]]:
    """Return when how many clients had come, in seconds after the start."""
    clock = Steady(busy_seconds)
    dispatcher = EvenDispatcher([WorkerNode(str(number)) for number in range(workers)], [Client])
    found = []
    with mock.patch.object(dispatching, "time", clock), mock.patch.object(dispatching, "gevent", clock):
        dispatcher.new_dispatch(clients, rate)
        for users in dispatcher:
            found.append((clock.now - 100.0, sum(count["Client"] for count in users.values())))
            clock.now += clock.busy_seconds
    return found


def test_several_workers_get_a_second_s_clients_together() -> None:
    """Each portion is a message to each of them, and they have a part of it."""
    assert [2500, 5000, 7500, 10_000] == [clients for _, clients in came(10_000, 2500, workers=3)]


def test_10_000_clients_at_2500_a_second_take_four_seconds_in_portions_of_250() -> None:
    found = came(10_000, 2500)

    assert [250 * (number + 1) for number in range(40)] == [clients for _, clients in found]
    assert pytest.approx([0.1 * number for number in range(40)]) == [seconds for seconds, _ in found]


def test_portion_that_takes_long_delays_no_other() -> None:
    """Each has its own time after the start: what was late is made up for."""
    found = came(1000, 1000, busy_seconds=0.09)

    assert pytest.approx(0.9) == found[-1][0]


def test_load_that_cannot_keep_up_brings_the_same_portions_later() -> None:
    found = came(1000, 1000, busy_seconds=0.3)

    assert [100 * (number + 1) for number in range(10)] == [clients for _, clients in found]
    assert pytest.approx(2.7) == found[-1][0]


@pytest.mark.parametrize(("rate", "seconds"), [(1, 3), (0.5, 6)])
def test_few_clients_come_one_by_one(rate: float, seconds: float) -> None:
    found = came(4, rate)

    assert [1, 2, 3, 4] == [clients for _, clients in found]
    assert pytest.approx(seconds) == found[-1][0]


@pytest.mark.parametrize(("rate", "portion"), [(20, 20), (50, 50), (100, 50), (500, 50), (1000, 100)])
def test_few_clients_of_a_second_come_together_as_with_locust(rate: float, portion: int) -> None:
    """Ten messages a second to each worker for two clients each would be work for nothing."""
    assert portion == came(1000, rate)[0][1]
