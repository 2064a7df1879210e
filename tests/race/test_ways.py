"""Other ways to deliver, end to end: event streams, lines, conditional polls, batches, compression, the latest only."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.race.running import Race

pytestmark = pytest.mark.processes

CONTESTANTS = (
    'contestants=[{id = "conditional", transport = "polling", '
    "options = {conditional = true, interval_seconds = 0.02}}, "
    '{id = "batched", transport = "websocket", options = {batch_seconds = 0.2}}, '
    '{id = "shared", transport = "websocket", options = {deflate = "shared"}}, '
    '{id = "own", transport = "websocket", options = {deflate = "per-client", deflate_window_bits = 10}}]'
)


@pytest.fixture
def trials(race: Callable[..., Race]) -> dict[str, dict[str, Any]]:
    keys = (CONTESTANTS, 'transports=["sse", "stream", "websocket"]')
    started = race(*(part for key in keys for part in ("--set", key)))
    assert started.wait() == 0, started.said
    return {trial["contestant"]: trial for trial in started.result["trials"]}


def test_every_way_brings_every_update_once_and_in_order_and_costs_what_it_must(
    trials: dict[str, dict[str, Any]],
) -> None:
    for name, trial in trials.items():
        assert (1.0, 0, 0) == (trial["reach"], trial["duplicated"], trial["reordered"]), name
        # A machine that is too busy samples the server too late, and then nothing is predicted.
        assert trial["theory"] or trial["server"]["cpu_seconds"] is None, name

    def mean(name: str) -> float:
        return float(trials[name]["latency_seconds"]["mean"])

    assert 0.08 < mean("batched") - mean("websocket") < 0.2, "batches of 20 updates a second wait 0.12 s in the mean"
    for name in ("sse", "stream", "websocket"):
        assert (0, 20) == (trials[name]["responses"]["data"], trials[name]["connects"])
    assert trials["conditional"]["responses"]["empty"] > 0, "two of three polls at that interval"
    assert trials["conditional"]["responses"]["error"] == 0
    for name in ("application_out", "ip_out"):
        own, shared, plain = (trials[which]["bytes"][name] for which in ("own", "shared", "websocket"))
        assert own < shared < plain, "letters compress by a fifth, and by far more beside earlier ones"
    assert trials["shared"]["bytes"]["payload"] == trials["websocket"]["bytes"]["payload"]
    assert trials["batched"]["bytes"]["segments_out"] < trials["websocket"]["bytes"]["segments_out"]


def test_clients_of_the_latest_only_lose_nothing_and_skip_what_was_superseded(race: Callable[..., Race]) -> None:
    transports = ("polling", "longpolling", "sse", "websocket")
    contestants = ", ".join(
        f'{{id = "latest-{name}", transport = "{name}", options = {{deliver = "latest"}}}}' for name in transports
    )
    keys = (f"contestants=[{contestants}]", 'transports=["polling"]', "longpolling.repoll_delay_seconds=0.2")
    started = race(*(part for key in keys for part in ("--set", key)))
    assert started.wait() == 0, started.said
    trials = {trial["contestant"]: trial for trial in started.result["trials"]}
    made = trials["polling"]["updates"] * 20
    for trial in trials.values():
        assert (1.0, 0) == (trial["reach"], trial["lost"])
        assert made == trial["expected"] + trial["superseded"]
    for name in ("latest-polling", "latest-longpolling"):
        assert trials[name]["superseded"] > made / 3, "20 updates a second, five requests"
        assert trials[name]["latency_seconds"]["mean"] < trials["polling"]["latency_seconds"]["mean"]
    assert trials["polling"]["superseded"] == 0
    for name in ("latest-sse", "latest-websocket"):
        assert trials[name]["superseded"] < made / 3, "clients that read are behind on a busy machine only"


@pytest.mark.faults
def test_streams_that_are_cut_resume_without_a_loss(race: Callable[..., Race]) -> None:
    keys = ('transports=["sse", "stream"]', 'faults=[{kind = "cut", on = "clients", at_seconds = 0.7}]')
    started = race(*(part for key in keys for part in ("--set", key)))
    assert started.wait() == 0, started.said
    for trial in started.result["trials"]:
        assert (1.0, 20, 20) == (trial["reach"], trial["cuts"], trial["return_seconds"]["count"])
        assert (0, 0) == (trial["duplicated"], trial["reordered"])
