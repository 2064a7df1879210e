"""The line of progress."""

import pytest

from tests.wirerace.trials import plan_of
from wirerace.report.progress import line_of
from wirerace.runner.progress import Progress


@pytest.mark.parametrize(("clients", "there"), [(20, "7/20 clients"), (None, "7 visitors")])
def test_line_says_who_is_there(clients: int | None, there: str) -> None:
    progress = Progress(1, 5, plan_of("polling"), "measuring", 7, clients, 120.0, 65.0)

    assert f"[1/5] Polling: measuring · {there} · 120 deliveries/s · 1:05 left" == line_of(progress)
