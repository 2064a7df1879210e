"""Fixtures of the load side's tests."""

from collections.abc import Iterator

import pytest

from tests.loadtests.script import Script, Serve


@pytest.fixture
def serve() -> Iterator[Serve]:
    scripts: list[Script] = []

    def start(*answers: bytes, piece_bytes: int = 0) -> Script:
        scripts.append(Script(*answers, piece_bytes=piece_bytes))
        return scripts[-1]

    yield start
    for script in scripts:
        script.stop()
