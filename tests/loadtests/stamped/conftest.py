"""Fixtures of the tests of users for any server."""

from collections.abc import Iterator

import pytest

from loadtests.connection import Address
from loadtests.stamped import StampedUser
from tests.loadtests.stamped.stand import Stand, StandUp


@pytest.fixture
def stand(caplog: pytest.LogCaptureFixture) -> Iterator[StandUp]:
    stands: list[Stand] = []

    def start(user: type[StampedUser], address: Address, *, stop_timeout: float = 0) -> Stand:
        stands.append(Stand(user, address, stop_timeout=stop_timeout))
        return stands[-1]

    yield start
    for started in stands:
        started.runner.quit()
    assert "Traceback" not in caplog.text
