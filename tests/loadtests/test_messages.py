"""Clients that send, against a server that lies about messages: the ledger must have exactly what the server did."""

from collections.abc import Callable, Iterator
from importlib import import_module

import msgspec
import pytest
from msgspec.structs import replace

from tests.loadtests.messaged import Lie, MessageServer
from tests.loadtests.swarm import ALWAYS as WHOLE
from tests.loadtests.swarm import Swarm
from tests.wirerace.trials import NOTHING_MEASURED, plan_of
from wirerace.analysis.messages import messages_of
from wirerace.clock import now_ns, to_ns
from wirerace.experiment.model import Experiment
from wirerace.observe.account import AccountRecord, Window
from wirerace.observe.upstream import SentMessage
from wirerace.record.messages import Messages
from wirerace.record.result import Raw
from wirerace.transports import TRANSPORTS
from wirerace.workload.order import LoadOrder
from wirerace.workload.truth import Truth
from wirerace.workload.upstream import Upstream

pytestmark = pytest.mark.long

LIE_AT = 5
UPSTREAM = Upstream(rate_per_second=100.0)
OWN = Upstream(rate_per_second=100.0, connection="own")
WINDOW_SECONDS, BEFORE_SECONDS = 0.3, 0.1
PATIENT = {"silent", "other"}
"""Lies after which some messages wait for ever."""
POSTING = [name for name in TRANSPORTS if not TRANSPORTS[name].two_way]


class Outcome:
    """What came of a client's messages, one of which was lied about."""

    def __init__(self, server: MessageServer, account: AccountRecord, transport: str) -> None:
        experiment = Experiment("t", [transport], upstream=UPSTREAM)
        raw = Raw(WHOLE, account, Truth(0, complete=True, epochs=[]), NOTHING_MEASURED)
        found = messages_of(plan_of(transport, experiment=experiment), replace(raw, received=server.record()))
        assert found is not None
        self.server = server
        self.account = account
        self.messages: Messages = found
        (self.sent,) = account.messages.values()


class Stage:
    """Makes servers and loads, and ends them."""

    def __init__(self) -> None:
        self._ends: list[Callable[[], None]] = []

    def serve(self, lie_to: Callable[[int], Lie]) -> MessageServer:
        """Return a new server."""
        server = MessageServer(lie_to)
        self._ends.append(server.stop)
        return server

    def start(self, transport: str, server: MessageServer, *flags: str, window: Window | None = WHOLE) -> Swarm:
        """Start one client of a server."""
        user = getattr(import_module(f"loadtests.{transport}"), TRANSPORTS[transport].user_class)
        swarm = Swarm(user, server.address, *flags, window=window)
        self._ends.append(swarm.close)
        return swarm

    def lie(self, transport: str, lie: Lie, upstream: Upstream = UPSTREAM, **options: object) -> Outcome:
        """Send for the length of a window that begins when the client is there, and wait for what is still to come."""
        server = self.serve(lambda n: lie if n == LIE_AT else "honest")
        order = LoadOrder(transport=transport, options=options, url=f"http://{server.address}", upstream=upstream)
        swarm = self.start(transport, server, f"--contestant={msgspec.json.encode(order).decode()}", window=None)
        swarm.wait_for(lambda: swarm.load.state().subscribed == 1)
        from_ns = now_ns() + to_ns(BEFORE_SECONDS)
        window = Window(from_ns, from_ns + to_ns(WINDOW_SECONDS))
        swarm.load.set_window(window)
        swarm.wait_for(lambda: now_ns() > window.to_ns)
        if lie not in PATIENT:
            swarm.wait_for(lambda: not swarm.load.sending.unanswered)
        return Outcome(server, swarm.load.finish(), transport)

    def end(self) -> None:
        """End everything."""
        for end in reversed(self._ends):
            end()


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.end()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_honest_server_has_every_message_once_and_in_order(stage: Stage, transport: str) -> None:
    found = stage.lie(transport, "honest")
    messages, sent = found.messages, found.sent

    assert messages.due == len(sent) > LIE_AT
    assert list(range(1, len(sent) + 1)) == [one.n for one in sent] == list(found.server.came)
    assert (messages.due, messages.due, 0) == (messages.received, messages.acknowledged, messages.lost)
    assert [0] * 7 == [
        messages.duplicated, messages.unfounded, messages.invented, messages.impossible, messages.stray,
        messages.foreign, messages.refused,
    ]  # fmt: skip
    assert messages.recorded
    assert all(one.due_ns <= one.left_ns <= one.received_ns <= one.acknowledged_ns for one in sent)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_acknowledged_message_that_no_record_has_is_unfounded(stage: Stage, transport: str) -> None:
    messages = stage.lie(transport, "unrecorded").messages

    assert (1, 0) == (messages.unfounded, messages.lost)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_message_that_was_lost_with_its_connection_is_sent_again(stage: Stage, transport: str) -> None:
    found = stage.lie(transport, "unread")

    assert found.server.came[LIE_AT] >= 2
    assert (0, 0) == (found.messages.lost, found.messages.unfounded)
    assert found.messages.due == found.messages.acknowledged


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_message_whose_acknowledgement_was_lost_counts_once_and_its_repeat_is_seen(
    stage: Stage, transport: str
) -> None:
    found = stage.lie(transport, "unanswered")

    assert found.server.repeated == found.messages.duplicated == sum(found.server.came.values()) - len(found.sent)
    assert found.messages.duplicated >= 1
    assert found.messages.due == found.messages.received == found.messages.acknowledged


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("lie", ["past", "future"])
def test_stamp_outside_of_sending_and_acknowledgement_is_impossible(stage: Stage, transport: str, lie: Lie) -> None:
    assert 1 == stage.lie(transport, lie).messages.impossible


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_answer_to_another_message_is_stray(stage: Stage, transport: str) -> None:
    """A request is sent again when its answer is for another message; a frame waits."""
    found = stage.lie(transport, "other")

    assert 1 == found.messages.stray
    assert (transport in POSTING) == (found.server.came[LIE_AT] >= 2)


def test_second_acknowledgement_is_stray(stage: Stage) -> None:
    assert 1 == stage.lie("websocket", "twice").messages.stray


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_message_that_is_refused_for_good_is_lost_and_not_sent_again(stage: Stage, transport: str) -> None:
    found = stage.lie(transport, "refused")

    assert 1 == found.server.came[LIE_AT]
    assert (1, 1) == (found.messages.refused, found.messages.lost)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_message_that_is_refused_for_now_is_sent_again(stage: Stage, transport: str) -> None:
    found = stage.lie(transport, "later")

    assert 2 == found.server.came[LIE_AT]
    assert (0, 0) == (found.messages.refused, found.messages.lost)


@pytest.mark.parametrize("transport", POSTING)
def test_messages_behind_one_that_is_never_answered_are_due_and_lost(stage: Stage, transport: str) -> None:
    """The server has the one, and no other message can leave."""
    found = stage.lie(transport, "silent")
    messages = found.messages

    assert LIE_AT == messages.received
    assert LIE_AT - 1 == messages.acknowledged
    assert messages.due - LIE_AT == messages.lost == messages.unsent


def test_frames_do_not_wait_for_one_that_is_never_answered(stage: Stage) -> None:
    found = stage.lie("websocket", "honest")

    assert 0 == found.messages.connections
    assert 1 == found.server.connections


def test_poller_sends_on_its_connection_between_two_polls(stage: Stage) -> None:
    """It polls once, to subscribe: a message that is due while a poll is under way needs a second connection."""
    found = stage.lie("polling", "honest", interval_seconds=3600)

    assert (0, 1) == (found.messages.connections, found.server.connections)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_connection_of_their_own_is_opened_once(stage: Stage, transport: str) -> None:
    found = stage.lie(transport, "honest", OWN)

    assert (1, 2) == (found.messages.connections, found.server.connections)


def test_poller_without_a_kept_connection_opens_one_for_each_message(stage: Stage) -> None:
    found = stage.lie("polling", "honest", keep_alive=False)

    assert found.messages.acknowledged <= found.messages.connections <= found.messages.due


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_clients_send_at_once_where_no_experiment_sets_a_window(stage: Stage, transport: str) -> None:
    """On Locust's page, the fields say what they send."""
    server = stage.serve(lambda _: "honest")
    swarm = stage.start(transport, server, "--upstream-rate-per-second=100", "--upstream-fan-out=true")
    swarm.wait_for(lambda: len(server.came) > LIE_AT)

    path = b"POST /send?" if transport in POSTING else b"GET /ws?"
    assert any(head.startswith(path) and b"fan_out=true" in head for head in server.heads)
    swarm.load.statistics.flush()
    assert (("/send", "POST") in swarm.environment.stats.entries) == (transport in POSTING)


def test_cut_client_sends_again_what_was_not_acknowledged(stage: Stage) -> None:
    """The server has stopped answering when its client's connection is cut."""
    server = stage.serve(lambda _: "mute")
    swarm = stage.start("websocket", server, "--upstream-rate-per-second=100")
    swarm.wait_for(lambda: len(server.came) > LIE_AT and swarm.load.sending.unanswered > 3)
    first = server.connections
    server.lie_to = lambda _: "honest"
    swarm.wait_for(lambda: swarm.load.cut(0.0) == 1)
    swarm.wait_for(lambda: server.connections > first and server.came[LIE_AT + 1] >= 2)
    swarm.wait_for(lambda: LIE_AT + 1 not in {one.n for one in waiting_of(swarm)})


def waiting_of(swarm: Swarm) -> list[SentMessage]:
    """Return the messages of the only client that have no answer."""
    (sent,) = swarm.account.totals.messages.values()
    return [one for one in sent if not one.is_answered]
