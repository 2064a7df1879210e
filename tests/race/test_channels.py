"""Channels, end to end: clients that spread over them get each its own updates, and all of them."""

import pytest

from tests.race.running import SMALL, Race
from wirerace.transports import TRANSPORTS

pytestmark = pytest.mark.processes

CHANNELS, CLIENTS = 5, 20


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Race:
    keys = (f"producer.channels={CHANNELS}", f"clients.count={CLIENTS}", "window.measure_seconds=1")
    race = Race(tmp_path_factory.mktemp("race"), SMALL, *(part for key in keys for part in ("--set", key)))
    assert race.wait() == 0, race.said
    return race


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_client_gets_the_updates_of_its_channel(finished: Race, transport: str) -> None:
    """The producer's own record is the truth: each update once for each client of its channel, and for no other."""
    trial, raw = finished.trial(transport), finished.raw(transport)
    made = {key for key, ts in raw.truth.made_at.items() if raw.window.has(ts)}
    updates = raw.account.updates
    received = {(sequence, seq): spread.clients for sequence, seqs in updates.items() for seq, spread in seqs.items()}
    names = [str(number) for number in range(1, CHANNELS + 1)]

    assert names == sorted({one.channel for one in raw.truth.epochs})
    assert dict.fromkeys(made, CLIENTS // CHANNELS) == received
    assert dict.fromkeys(names, CLIENTS // CHANNELS) == raw.account.subscribed_to
    assert (1.0, 0, 0, 0) == (trial.reach, trial.lost, trial.duplicated, trial.reordered)
    assert len(made) == trial.updates
    assert len(made) * CLIENTS // CHANNELS == trial.expected == trial.delivered


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_prediction_is_about_the_updates_of_a_channel(finished: Race, transport: str) -> None:
    trial = finished.trial(transport)
    cells = {cell.quantity: cell for cell in trial.theory}
    assert {"latency_seconds", "age_seconds", "responses_per_client_second"} <= cells.keys()
    per_client = trial.arrived / trial.client_seconds
    assert pytest.approx(20.0, rel=0.3) == per_client, "20 a second in each channel, not in all together"

    answers, updates, empty = [
        cells[name].given if name in cells else None
        for name in ("responses_per_client_second", "updates_per_response", "empty_fraction")
    ]
    assert answers is not None
    predicted = answers * (1 - (empty or 0.0)) * (1.0 if updates is None else updates)
    assert pytest.approx(per_client, rel=0.15) == predicted
