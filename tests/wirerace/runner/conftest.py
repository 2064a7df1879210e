"""Servers in place of somebody else's, stopped when a test is over."""

from collections.abc import Iterator
from ssl import SSLContext

import pytest

from tests.wirerace.runner.standing import Begin, Handler, Stand


@pytest.fixture
def begin() -> Iterator[Begin]:
    stands: list[Stand] = []

    def start(handle: Handler, tls: SSLContext | None = None) -> Stand:
        stands.append(Stand(handle, tls))
        return stands[-1]

    yield start
    for stand in stands:
        stand.stop()
