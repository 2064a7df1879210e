"""One user of a test's class, in a real Locust environment, against a server that sends what the test wants."""

from collections.abc import Callable

import gevent
from locust import constant
from locust.env import Environment

from loadtests.connection import Address
from loadtests.stamped import StampedUser
from tests.loadtests.swarm import PATIENCE_SECONDS

StandUp = Callable[..., "Stand"]
AGAIN_SECONDS = 3600


class Once(StampedUser):
    """Does its task once."""

    abstract = True
    wait_time = constant(AGAIN_SECONDS)


class Stand:
    """A user at work. Its rows are those of Locust's table."""

    def __init__(self, user: type[StampedUser], address: Address, *, stop_timeout: float = 0) -> None:
        self.environment = Environment(user_classes=[user], host=f"http://{address}", stop_timeout=stop_timeout)
        self.runner = self.environment.create_local_runner()
        self.runner.start(1, spawn_rate=1)

    def wait_for(self, condition: Callable[[], object]) -> None:
        with gevent.Timeout(PATIENCE_SECONDS):
            while not condition():
                gevent.sleep(0.005)

    def count(self, kind: str, name: str) -> int:
        entry = self.environment.stats.entries.get((name, kind))
        return entry.num_requests if entry else 0

    def rows(self) -> dict[str, tuple[int, int]]:
        """Return requests and failures of each row."""
        entries = self.environment.stats.entries.values()
        return {f"{one.method} {one.name}": (one.num_requests, one.num_failures) for one in entries}

    def failures(self) -> list[str]:
        return [
            f"{one.method} {one.name}: {one.parse_error(one.error)}" for one in self.environment.stats.errors.values()
        ]
