"""Other ways to deliver, end to end: conditional polls, batches, compression, the latest only. One run has them all."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.race.running import SMALL, Race

pytestmark = pytest.mark.processes

WAYS = {
    "conditional": 'transport = "polling", options = {conditional = true, interval_seconds = 0.02}',
    "batched": 'transport = "websocket", options = {batch_seconds = 0.2}',
    "shared": 'transport = "websocket", options = {deflate = "shared"}',
    "own": 'transport = "websocket", options = {deflate = "per-client", deflate_window_bits = 10}',
}
LATEST = {
    f"latest-{name}": f'transport = "{name}", options = {{deliver = "latest"}}'
    for name in ("polling", "longpolling", "sse", "websocket")
}
CONTESTANTS = ", ".join(f'{{id = "{name}", {rest}}}' for name, rest in (WAYS | LATEST).items())
KEYS = (
    f"contestants=[{CONTESTANTS}]",
    'transports=["polling", "websocket"]',
    "longpolling.repoll_delay_seconds=0.2",
    "window.measure_seconds=1",
)


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    race = Race(tmp_path_factory.mktemp("ways"), SMALL, *(part for key in KEYS for part in ("--set", key)))
    assert race.wait() == 0, race.said
    return {trial["contestant"]: trial for trial in race.result["trials"]}


def mean(trial: dict[str, Any]) -> float:
    return float(trial["latency_seconds"]["mean"])


@pytest.mark.parametrize("name", ["polling", "websocket", *WAYS])
def test_every_way_brings_every_update_once_and_in_order(trials: dict[str, dict[str, Any]], name: str) -> None:
    trial = trials[name]
    assert (1.0, 0, 0) == (trial["reach"], trial["duplicated"], trial["reordered"])
    # A machine that is too busy samples the server too late, and then nothing is predicted.
    assert trial["theory"] or trial["server"]["cpu_seconds"] is None


def test_batch_is_later_and_takes_fewer_segments(trials: dict[str, dict[str, Any]]) -> None:
    batched, plain = trials["batched"], trials["websocket"]
    assert mean(plain) < mean(batched) < mean(plain) + 0.25, "batches of 20 updates a second wait 0.12 s in the mean"
    assert batched["bytes"]["segments_out"] < plain["bytes"]["segments_out"]


def test_conditional_polls_are_answered_without_an_update(trials: dict[str, dict[str, Any]]) -> None:
    assert trials["conditional"]["responses"]["empty"] > 0, "two of three polls at that interval"
    assert trials["conditional"]["responses"]["error"] == 0


def test_compressed_updates_take_fewer_bytes(trials: dict[str, dict[str, Any]]) -> None:
    own, shared, plain = (trials[which]["bytes"] for which in ("own", "shared", "websocket"))
    assert own["ip_out"] < shared["ip_out"] < plain["ip_out"], (
        "letters compress by a fifth, and by far more beside earlier ones"
    )
    if None in [one["payload"] for one in (own, shared, plain)]:
        return  # the machine was too busy: a server was sampled too late
    assert own["application_out"] < shared["application_out"] < plain["application_out"]
    assert shared["payload"] == plain["payload"]


@pytest.mark.parametrize("name", LATEST)
def test_client_of_the_latest_only_loses_nothing_and_skips_what_was_superseded(
    trials: dict[str, dict[str, Any]], name: str
) -> None:
    trial, made = trials[name], trials["polling"]["updates"] * 20
    assert (1.0, 0) == (trial["reach"], trial["lost"])
    assert made == trial["expected"] + trial["superseded"]
    if name in {"latest-polling", "latest-longpolling"}:
        assert trial["superseded"] > made / 3, "20 updates a second, five requests"
        assert mean(trial) < mean(trials["polling"])
    else:
        assert trial["superseded"] < made / 3, "clients that read are behind on a busy machine only"


def test_client_of_all_updates_skips_none(trials: dict[str, dict[str, Any]]) -> None:
    polling = trials["polling"]
    assert (0, polling["updates"] * 20) == (polling["superseded"], polling["expected"])


@pytest.mark.faults
def test_streams_that_are_cut_resume_without_a_loss(race: Callable[..., Race]) -> None:
    keys = ('transports=["sse", "stream"]', 'faults=[{kind = "cut", on = "clients", at_seconds = 0.7}]')
    started = race(*(part for key in keys for part in ("--set", key)))
    assert started.wait() == 0, started.said
    for trial in started.result["trials"]:
        assert (1.0, 20, 20) == (trial["reach"], trial["cuts"], trial["return_seconds"]["count"])
        assert (0, 0) == (trial["duplicated"], trial["reordered"])
