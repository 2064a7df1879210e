"""Dispatching: clients come evenly, at the rate that was asked for."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import gevent
from locust.dispatch import UsersDispatcher
from locust.user import User

PORTIONS_PER_SECOND = 10
LEAST_PORTION = 50
"""Fewer clients at once are no burden. But each portion is a message to each worker, and work for it."""


class EvenDispatcher(UsersDispatcher):
    """Brings a tenth of a second's clients at a time, if they are many, each portion at its own time after the start.

    Locust brings all of a second at once: 2,500 clients that start, connect and ask in the same moment. The load
    answers nothing meanwhile, and connect times are those of a queue. A portion that takes longer than its time delays
    all that follow it.
    """

    _due = 0.0

    def new_dispatch(
        self, target_user_count: int, spawn_rate: float, user_classes: list[type[User]] | None = None
    ) -> None:
        """Begin to bring clients, or to let them go, until there are as many as wanted."""
        super().new_dispatch(target_user_count, spawn_rate, user_classes)
        most = self._user_count_per_dispatch_iteration  # those of a second
        if len(self._worker_nodes) == 1:  # several share a second's clients, and each portion would be work for all
            portion = max(LEAST_PORTION, int(spawn_rate / PORTIONS_PER_SECOND))
            self._user_count_per_dispatch_iteration = min(most, portion)
        self._wait_between_dispatch = self._user_count_per_dispatch_iteration / spawn_rate
        self._due = time.monotonic()

    @contextmanager
    def _wait_between_dispatch_iteration_context(self) -> Iterator[None]:
        yield
        if self._current_user_count != self._target_user_count:
            self._due += self._wait_between_dispatch
            gevent.sleep(max(0.0, self._due - time.monotonic()))
