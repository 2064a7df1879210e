"""Clients that come, go and are cut off inside the window: the ledger holds for them as well."""

import json
from collections.abc import Callable
from typing import Any

from tests.race.running import Race

STEPS = "clients.steps.stages=[{clients = 5, seconds = 1}, {clients = 20, seconds = 1}, {clients = 8, seconds = 1}]"


def account_of(race: Race, transport: str) -> dict[str, Any]:
    account: dict[str, Any] = json.loads((race.out / "raw" / f"1-{transport}.json").read_text())["account"]
    return account


def test_clients_that_come_and_go_are_expected_to_get_what_was_made_meanwhile(race: Callable[..., Race]) -> None:
    keys = ("clients.shape=steps", STEPS, "window.measure_seconds=3", "load.processes=2", 'transports=["polling"]')
    started = race(*(part for key in keys for part in ("--set", key)))
    assert started.wait() == 0, started.stderr
    for trial in started.result["trials"]:
        account = account_of(started, trial["transport"])
        assert (trial["reach"], trial["duplicated"], trial["reordered"]) == (1.0, 0, 0)
        assert 5 * trial["updates"] < trial["expected"] < 20 * trial["updates"]
        assert account["subscribed"] <= 5, "Locust stops whom it likes"
        assert 20 == account["subscribed"] + len(account["partly"]) == account["clients"]
        assert 5 * 3.0 < trial["client_seconds"] < 20 * 3.0
        assert 20 == trial["clients"]


def test_nothing_is_lost_across_a_storm(race: Callable[..., Race]) -> None:
    started = race("--set", "clients.shape=storm", "--set", "clients.storm.at_seconds=1")
    assert started.wait() == 0, started.stderr
    for trial in started.result["trials"]:
        back = trial["return_seconds"]
        assert (trial["reach"], trial["lost"], trial["duplicated"], trial["reordered"]) == (1.0, 0, 0, 0)
        assert (20, 20, 40) == (trial["cuts"], back["count"], trial["connects"])
        assert 0 < back["mean"] <= back["p99"] <= back["max"] * 1.001
        assert account_of(started, trial["transport"])["subscribed"] == 20, "who is cut off stays subscribed"


def test_storm_with_jitter_spreads_the_returns(race: Callable[..., Race]) -> None:
    keys = ("clients.shape=storm", "clients.storm={at_seconds = 0.5, jitter_seconds = 1}", 'transports=["websocket"]')
    started = race(*(part for key in keys for part in ("--set", key)))
    assert started.wait() == 0, started.stderr
    (trial,) = started.result["trials"]
    assert (1.0, 20) == (trial["reach"], trial["cuts"])
    assert 0.25 < trial["return_seconds"]["mean"] < 0.85


def test_variants_race_beside_the_plain_setting(race: Callable[..., Race]) -> None:
    keys = ("variants.closed.polling.keep_alive=false", 'transports=["polling"]', "window.measure_seconds=1")
    started = race(*(part for key in keys for part in ("--set", key)))
    assert started.wait() == 0, started.stderr
    kept, closed = sorted(started.result["trials"], key=lambda trial: trial["variant"])
    assert ("", "closed") == (kept["variant"], closed["variant"])
    assert 20 == kept["connects"] < closed["connects"]
    assert {"1-polling.json", "1-polling-closed.json"} <= {path.name for path in (started.out / "raw").iterdir()}
    assert "Polling (closed)" in started.stderr
