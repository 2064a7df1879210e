"""Servers in place of somebody else's, stopped when a test is over."""

from collections.abc import Iterator

import pytest

from tests.wirerace.runner.standing import Begin, Handler, Stand


@pytest.fixture
def begin() -> Iterator[Begin]:
    stands: list[Stand] = []

    def start(handle: Handler) -> Stand:
        stands.append(Stand(handle))
        return stands[-1]

    yield start
    for stand in stands:
        stand.stop()
