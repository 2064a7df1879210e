"""Trials through a shared cache: nothing is lost or doubled, updates come later, and the server has little to do."""

from collections.abc import Callable

import pytest

from tests.race.running import Race
from wirerace.errors import BadInput
from wirerace.runner.network.reverse.configuration import find_installed

pytestmark = pytest.mark.processes

EXPERIMENT = """
title = "Through a shared cache"

[producer]
rate_per_second = 4.0

[clients]
count = 30

[polling]
interval_seconds = 0.5

[window]
warmup_seconds = 1
measure_seconds = 4

[paths]
cached = { proxy = "nginx", settings = "tuned", cache_seconds = 1 }
shipped = { proxy = "nginx", cache_seconds = 1, delay_seconds = 0.02 }

[[contestants]]
id = "cached"
transport = "polling"
path = "cached"

[[contestants]]
id = "latest"
transport = "polling"
path = "shipped"
options = { deliver = "latest" }
"""


def test_cache_spares_the_server_and_loses_nothing(race: Callable[..., Race]) -> None:
    try:
        find_installed("nginx")
    except BadInput as error:
        pytest.skip(str(error))
    started = race("--full", experiment=EXPERIMENT)
    started.wait()
    trials = {trial.contestant: trial for trial in started.trials("polling")}
    cached, latest = trials["cached"], trials["latest"]

    assert [(0, 0, 0, 1.0)] * 2 == [(one.lost, one.duplicated, one.reordered, one.reach) for one in (cached, latest)]
    assert latest.superseded > 0
    for trial in (cached, latest):
        assert trial.requests > 100
        assert trial.reverse_proxy is not None
        assert 0 < (trial.reverse_proxy.requests or 0) < trial.requests / 4
        quantities = {cell.quantity for cell in trial.theory}
        assert {"latency_seconds", "age_seconds", "server_requests_per_second"} <= quantities
        assert "cache_start" in {condition.name for condition in trial.conditions}
    assert "requests/s that reach the server" in started.said
    assert "requests at the server" in started.said
