"""The cost of sending: what a rate of 0 among others shows, and nothing that it does not."""

import pytest
from msgspec.structs import replace

from tests.wirerace.messaged import RELAYED, swept
from wirerace.analysis.sending import sending_of
from wirerace.record.result import Result

ONE = {"websocket": {0.0: [(0.10, 0.001)], 2.0: [(0.14, 0.003)]}}


def test_message_costs_what_the_server_takes_more_than_without_any() -> None:
    """40 ms for 200 messages."""
    (cost,) = sending_of(swept(ONE))

    assert ("websocket", {"upstream.rate_per_second": 2.0}) == (cost.contestant, cost.setting)
    assert pytest.approx(200.0) == cost.cpu_us.mean
    assert pytest.approx(0.002) == cost.later_seconds.mean


def test_repeats_are_compared_in_pairs() -> None:
    """The machine drifts from repeat to repeat, and the difference does not."""
    drifting = [(0.1, 0.001), (0.2, 0.011), (0.3, 0.021)]
    sending = [(cpu + 0.04, latency + 0.002) for cpu, latency in drifting]
    (cost,) = sending_of(swept({"sse": {0.0: drifting, 2.0: sending}}))

    assert pytest.approx([200.0] * 3) == [cost.cpu_us.mean, cost.cpu_us.low, cost.cpu_us.high]


def test_only_settings_that_differ_in_nothing_else_are_compared() -> None:
    result = swept(ONE)
    result.points[0].setting["clients.count"] = 5

    assert [] == sending_of(result)


def test_nothing_is_said_without_a_rate_of_0() -> None:
    assert [] == sending_of(swept({"websocket": {1.0: [(0.1, 0.001)], 2.0: [(0.14, 0.003)]}}))


def test_nothing_is_said_of_messages_that_are_fanned_out() -> None:
    """What a message costs cannot be told from what its deliveries cost."""
    result = swept(ONE)
    trials = [replace(trial, messages=RELAYED if trial.messages else None) for trial in result.trials]

    assert [] == sending_of(replace(result, trials=trials))


def test_cost_is_unknown_where_the_cpu_time_is() -> None:
    result = swept(ONE)
    trials = [replace(trial, server=replace(trial.server, cpu_seconds=None)) for trial in result.trials]
    (cost,) = sending_of(replace(result, trials=trials))

    assert cost.cpu_us.mean is None
    assert pytest.approx(0.002) == cost.later_seconds.mean


def test_result_without_a_sweep_has_no_cost_of_sending() -> None:
    result: Result = swept({"websocket": {2.0: [(0.14, 0.003)]}})

    assert [] == sending_of(result)
