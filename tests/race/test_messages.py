"""Channels and messages, end to end, on every transport: clients that are spread over channels, and send.

Each client gets the updates of its channel, all of them. What it sends reaches the server once, and with fan-out every
client of its channel. One run has messages that stay at the server, and one has fan-out; both have channels.
"""

from collections import Counter
from collections.abc import Callable

import pytest

from tests.race.running import SMALL, Race, is_sampled
from wirerace.transports import TRANSPORTS

pytestmark = pytest.mark.processes

CLIENTS, CHANNELS = 20, 5
CHAT = ("upstream.rate_per_second=3", "upstream.fan_out=true", f"producer.channels={CHANNELS}")
SENT = ("upstream.rate_per_second=3", "upstream.payload_bytes=40", f"producer.channels={CHANNELS}")


def with_keys(*keys: str) -> list[str]:
    return [part for key in keys for part in ("--set", key)]


@pytest.fixture(scope="module")
def chatted(tmp_path_factory: pytest.TempPathFactory) -> Race:
    race = Race(tmp_path_factory.mktemp("chat"), SMALL, *with_keys(*CHAT, "window.measure_seconds=1"))
    assert race.wait() == 0, race.said
    return race


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Race:
    race = Race(tmp_path_factory.mktemp("sent"), SMALL, *with_keys(*SENT, "window.measure_seconds=1"))
    assert race.wait() == 0, race.said
    return race


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_client_gets_the_updates_of_its_channel(sent: Race, transport: str) -> None:
    """The producer's own record is the truth: each update once for each client of its channel, and for no other."""
    trial, raw = sent.trial(transport), sent.raw(transport)
    made = {key for key, ts in raw.truth.made_at.items() if raw.window.has(ts)}
    received = {key: spread.clients for key, spread in raw.account.spread_of.items()}
    names = [str(number) for number in range(1, CHANNELS + 1)]

    assert names == sorted({one.channel for one in raw.truth.epochs})
    assert dict.fromkeys(made, CLIENTS // CHANNELS) == received
    assert dict.fromkeys(names, CLIENTS // CHANNELS) == raw.account.subscribed_to
    assert (1.0, 0, 0, 0) == (trial.reach, trial.lost, trial.duplicated, trial.reordered)
    assert len(made) == trial.updates
    assert len(made) * CLIENTS // CHANNELS == trial.expected == trial.delivered


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_prediction_is_about_the_updates_of_a_channel(sent: Race, transport: str) -> None:
    trial = sent.trial(transport)
    if not is_sampled(trial):
        return
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


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_message_is_in_the_servers_record_once_and_in_order(sent: Race, transport: str) -> None:
    trial, raw = sent.trial(transport), sent.raw(transport)
    messages, received = trial.messages, raw.received
    assert messages is not None
    assert received is not None
    ours = {(client, one.n, one.due_ns) for client, of_client in raw.account.messages.items() for one in of_client}
    theirs = [(client, one.n, one.ts) for client, found in received.messages.items() for one in found]

    assert ours == set(theirs)
    assert len(ours) == len(theirs) == messages.due == messages.received == messages.acknowledged
    assert CLIENTS // 2 < len(received.messages) <= CLIENTS
    for found in received.messages.values():
        assert [one.n for one in found] == sorted(one.n for one in found)
    assert [0] * 6 == [
        messages.lost, messages.duplicated, messages.unfounded, messages.invented, messages.impossible, messages.stray,
    ]  # fmt: skip
    assert (trial.reach, trial.lost, trial.duplicated) == (1.0, 0, 0)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_connections_are_those_that_the_transport_needs(sent: Race, transport: str) -> None:
    """A poller sends between its polls, and a WebSocket on itself; a held request and a stream need a second one."""
    messages = sent.trial(transport).messages
    assert messages is not None

    if transport == "websocket":
        assert 0 == messages.connections
    elif transport == "polling":  # but for messages that are due while a poll is under way
        assert messages.connections < CLIENTS
    else:
        assert len(sent.raw(transport).account.messages) <= messages.connections <= CLIENTS


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_message_reaches_every_client_of_its_senders_channel(chatted: Race, transport: str) -> None:
    """The producer's record says what became of each message, and the clients' ledger who has it."""
    trial, raw = chatted.trial(transport), chatted.raw(transport)
    messages = trial.messages
    assert messages is not None
    made = {
        (sent.client, sent.n): (epoch.sequence, seq, ts)
        for epoch in raw.truth.epochs
        for seq, ts in zip(epoch.seq, epoch.ts, strict=True)
        if (sent := epoch.messages.get(seq)) is not None
    }
    ours = {(client, one.n) for client, of_client in raw.account.messages.items() for one in of_client}
    of_window = Counter(raw.window.has(ts) for key, (_, _, ts) in made.items() if key in ours)

    assert ours <= made.keys()
    assert (messages.due, messages.due, 0) == (messages.relayed, messages.received, messages.lost)
    spread_of = raw.account.spread_of
    for sequence, seq, ts in made.values():
        if raw.window.has(ts):
            assert CLIENTS // CHANNELS == spread_of[sequence, seq].clients
    assert of_window[True] > 10
    assert (trial.reach, trial.lost, trial.duplicated, trial.reordered) == (1.0, 0, 0, 0)
    assert messages.relayed_seconds.count == messages.updates * CLIENTS // CHANNELS


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_latency_from_client_to_clients_counts_from_the_intended_sending(chatted: Race, transport: str) -> None:
    """It is the latency of each delivery, and the time from the intended sending to the update, to the nanosecond."""
    raw = chatted.raw(transport)
    spread_of, summed_ns = raw.account.spread_of, 0
    for epoch in raw.truth.epochs:
        for seq, ts in zip(epoch.seq, epoch.ts, strict=True):
            if seq in epoch.messages and raw.window.has(ts):
                spread = spread_of[epoch.sequence, seq]
                summed_ns += spread.sum_ns + spread.clients * (ts - epoch.messages[seq].ts)

    assert summed_ns == raw.account.relayed.sum_ns > 0


@pytest.mark.faults
@pytest.mark.parametrize("on", ["server", "producer"])
def test_killed_part_loses_no_message_and_makes_none_twice(race: Callable[..., Race], on: str) -> None:
    """A client repeats what was not acknowledged, and the producer knows each key again from its record."""
    fault = f'\n[[faults]]\nkind = "kill"\non = "{on}"\nat_seconds = 1.0\n'
    long = SMALL.replace("measure_seconds = 2.0", "measure_seconds = 6.0") + fault
    started = race(*with_keys(*CHAT), experiment=long)
    assert started.wait() == 0, started.said

    for transport in TRANSPORTS:
        trial = started.trial(transport)
        assert trial.messages is not None
        assert (0, 0) == (trial.messages.lost, trial.messages.invented), transport
        assert trial.messages.due == trial.messages.relayed == trial.messages.acknowledged, transport
        assert (0, 0) == (trial.lost, trial.duplicated), transport
