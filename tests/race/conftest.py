"""Fixtures of the end-to-end tests."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.race.running import SMALL, Race


@pytest.fixture
def race(tmp_path: Path) -> Iterator[Callable[..., Race]]:
    """Start runs; those that still run at the end are ended."""
    races: list[Race] = []

    def start(*arguments: str, experiment: str = SMALL, **options: Any) -> Race:
        directory = tmp_path / str(len(races))
        directory.mkdir()
        races.append(Race(directory, experiment, *arguments, **options))
        return races[-1]

    yield start
    for started in races:
        started.close()
