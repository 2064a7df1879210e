"""Trials through real reverse proxies: nothing is lost, each has its costs, and what cannot work is said quickly."""

from collections.abc import Callable

import pytest

from tests.race.running import Race
from wirerace.errors import BadInput
from wirerace.runner.network.reverse.configuration import find_installed

pytestmark = pytest.mark.processes

EXPERIMENT = """
title = "Through reverse proxies"

[producer]
rate_per_second = 20.0
payload_bytes = 1000

[clients]
count = 10

[polling]
interval_seconds = 0.2

[window]
warmup_seconds = 0.3
measure_seconds = 1.5

[paths]
nginx = { proxy = "nginx", compression = "gzip" }
haproxy = { proxy = "haproxy", settings = "tuned" }
caddy = { proxy = "caddy", delay_seconds = 0.01 }

[[contestants]]
id = "poll-nginx"
transport = "polling"
path = "nginx"

[[contestants]]
id = "refused"
transport = "websocket"
path = "nginx"

[[contestants]]
id = "sse-haproxy"
transport = "sse"
path = "haproxy"

[[contestants]]
id = "socket-caddy"
transport = "websocket"
path = "caddy"
"""


def test_each_proxy_carries_a_trial_and_its_costs_are_a_row_of_their_own(race: Callable[..., Race]) -> None:
    """nginx at its defaults refuses a WebSocket. That trial fails in one line, and the next one begins."""
    for name in ("nginx", "haproxy", "caddy"):
        try:
            find_installed(name)
        except BadInput as error:
            pytest.skip(str(error))
    started = race("--full", experiment=EXPERIMENT)
    started.wait()
    (polled,), (pushed,), (socketed,) = map(started.trials, ("polling", "sse", "websocket"))
    (failure,) = started.result["failures"]

    assert [(0, 1.0)] * 3 == [(one.lost, one.reach) for one in (polled, pushed, socketed)]
    assert "refused" == failure["contestant"]
    assert "nginx (default) passes no WebSocket on" in failure["reason"]
    assert 'take settings = "tuned"' in failure["reason"]
    for trial, program in ((polled, "nginx"), (pushed, "haproxy"), (socketed, "caddy")):
        cost = trial.reverse_proxy
        assert cost is not None
        assert program == cost.program
        assert (cost.utilisation or 0) > 0
        assert (cost.user_bytes or 0) > 100_000
        assert cost.application_out is None or cost.application_out > 1000  # unknown if the machine was too busy
        assert trial.parts["reverse proxy"].restarts == 0
        assert program in started.result["host"]["packages"]
    assert socketed.proxy is not None, "the link before it"
    assert 0 < (polled.bytes.application_out or 0) < 500 * polled.arrived, "compressed, each with 1,000 bytes"
    assert "reverse proxy CPU per delivery" in started.said
