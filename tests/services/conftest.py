"""Fixtures of the services' tests."""

import pytest

from services import record
from tests.services.records import PART_UPDATES


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "PART_UPDATES", PART_UPDATES)
