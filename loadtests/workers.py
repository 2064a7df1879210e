"""The load of all processes as one: a master asks its workers, waits for every answer, and merges the answers."""

import itertools
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from gevent.event import AsyncResult
from locust import runners
from locust.env import Environment
from locust.rpc import Message
from locust.runners import STATE_MISSING, MasterRunner, WorkerRunner

from loadtests.alone import Alone
from loadtests.keeping import HostPlace, meetings_of
from loadtests.load import LOADS
from loadtests.options import has_other_clocks
from wirerace.errors import TrialFailed
from wirerace.observe.account import AccountRecord, LoadState, Window, merge
from wirerace.observe.outages import OutageOrder
from wirerace.workload.population import Share

HELLO, ASK, ANSWER, ACCOUNT = "wirerace_hello", "wirerace_ask", "wirerace_answer", "wirerace_account"
TEST = "wirerace_test"
"""The key of a test's number, among the options that a master sends its workers."""
MEMBERS = "wirerace_members"
"""The key of the ids of the workers of a test, among the same options."""
ANSWER_SECONDS = 20.0
"""Until a question fails. A worker that is busy answers late; one that has gone is noticed by its heartbeats."""
FINISH_SECONDS = 30.0  # for an account: that of 750,000 updates takes a worker most of a second on a free core
LOOK_SECONDS = 0.5
SILENT_BEATS = 10
"""After this number of heartbeats that did not come, one a second, a worker counts as gone. Locust's 3 are too few for
a worker that is busy with letting thousands of clients come, or that waits for a core.
"""

Value = TypeVar("Value")

logger = logging.getLogger("wirerace")


class Workers:
    """The loads of a master's workers.

    A worker that leaves in order hands its account over. The ledgers of a worker that vanishes are lost, and numbers
    without them would be too small. So every question fails while a worker is missing.
    """

    def __init__(self, environment: Environment, runner: MasterRunner) -> None:
        runners.HEARTBEAT_LIVENESS = SILENT_BEATS
        self._environment = environment
        self._runner = runner
        self._test = 0
        self._numbers = itertools.count()
        self._answers: dict[tuple[int, str], AsyncResult] = {}
        self._known: set[str] = set()  # a worker may be connected for some time before it answers questions
        self._members: set[str] = set()
        self._accounts: dict[str, AccountRecord] = {}
        runner.register_message(HELLO, self._take_hello)
        runner.register_message(ANSWER, self._take_answer)
        runner.register_message(ACCOUNT, self._take_account)
        events: Any = environment.events
        events.test_start.add_listener(self._begin)
        events.test_stop.add_listener(self._end)

    def _begin(self, **_: Any) -> None:
        """Note which workers there are, and give the test a number, which they get with their options."""
        self._test += 1
        self._environment.process_exit_code = None  # it belongs to the last test
        vars(self._environment.parsed_options)[TEST] = self._test
        self._accounts.clear()
        self._members = self._known & self._present()
        vars(self._environment.parsed_options)[MEMBERS] = sorted(self._present())

    def _end(self, **_: Any) -> None:
        """Report the accounts: those handed over, and the answers of the other workers."""
        try:
            self._accounts |= self._answers_of(self._left() & self._present(), "finish", AccountRecord)
            self._refuse_if_any_is_gone()
        except TrialFailed as error:
            logger.error("The ledger is not whole: %s", error)  # noqa: TRY400 -- the line says it all
            self._environment.process_exit_code = 1
        report(merge(list(self._accounts.values())))

    def count(self) -> int:
        """Return how many workers are ready."""
        return len(self._known & self._present())

    def state(self) -> LoadState:
        """Return the state of all together."""
        states = self._ask("state", LoadState).values()
        return LoadState(*(sum(column) for column in zip(*map(msgspec.structs.astuple, states), strict=True)))

    def set_window(self, window: Window) -> None:
        """Set the window of all workers, and give each its share of the visitors."""
        self._refuse_if_any_is_gone()
        workers = sorted(self._left())
        for number, worker in enumerate(workers):
            self._answers_of({worker}, "set_window", type(None), window, Share(number, len(workers)))
        if has_other_clocks(vars(self._environment.parsed_options)):
            self._introduce_hosts()

    def _introduce_hosts(self) -> None:
        """Let a worker of each host meet one of the next host: their clocks and the producer's make a triangle."""
        places = self._answers_of(self._left(), "places", list[HostPlace])
        for worker, other in meetings_of(places):
            self._answers_of({worker}, "meet", type(None), [other])

    def cut(self, jitter_seconds: float) -> int:
        """Cut all connections of all workers."""
        return sum(self._ask("cut", int, jitter_seconds).values())

    def note_outages(self, order: OutageOrder) -> None:
        """Let all workers note what faults do to clients."""
        self._ask("note_outages", type(None), order)

    def finish(self) -> AccountRecord:
        """Close all ledgers of all workers and return the account of all."""
        return merge([*self._ask("finish", AccountRecord).values(), *self._accounts.values()])

    def _present(self) -> set[str]:
        return {client.id for client in self._runner.clients.all if client.state != STATE_MISSING}

    def _ask(self, question: str, of_type: type[Value], *arguments: object) -> dict[str, Value]:
        """Return the answer of each worker that has not handed its account over yet."""
        self._refuse_if_any_is_gone()
        return self._answers_of(self._left(), question, of_type, *arguments)

    def _left(self) -> set[str]:
        return self._members - self._accounts.keys()

    def _refuse_if_any_is_gone(self) -> None:
        if gone := self._left() - self._present():
            raise TrialFailed(f"{len(gone)} of {len(self._members)} Locust workers are gone with their ledgers")

    def _answers_of(self, asked: set[str], question: str, of_type: type[Value], *arguments: object) -> dict[str, Value]:
        number = next(self._numbers)
        for worker in asked:
            self._answers[number, worker] = AsyncResult()
            data = {"number": number, "question": question, "arguments": msgspec.json.encode(arguments)}
            self._runner.send_message(ASK, data, worker)
        until = time.monotonic() + (FINISH_SECONDS if question == "finish" else ANSWER_SECONDS)
        try:
            found = {worker: self._awaited(number, worker, until) for worker in asked}
        finally:
            for worker in asked:
                del self._answers[number, worker]
        if refusals := [answer["error"] for answer in found.values() if "error" in answer]:
            raise TrialFailed(f"a Locust worker refuses: {refusals[0]}")
        return {worker: msgspec.json.decode(answer["value"], type=of_type) for worker, answer in found.items()}

    def _awaited(self, number: int, worker: str, until: float) -> Any:
        """Return a worker's answer as soon as it is there."""
        waiting = self._answers[number, worker]
        while not waiting.ready():
            waiting.wait(timeout=LOOK_SECONDS)
            if worker not in self._present():
                raise TrialFailed("a Locust worker has gone with its ledger before it answered")
            if time.monotonic() > until:
                raise TrialFailed("a Locust worker does not answer in time: it may be gone")
        return waiting.get()

    def _take_hello(self, msg: Message, **_: Any) -> None:
        if msg.node_id not in self._present():  # it has met the master before this one, at the same address
            return
        self._known.add(msg.node_id)
        self._members.add(msg.node_id)

    def _take_answer(self, msg: Message, **_: Any) -> None:
        waiting = self._answers.get((msg.data["number"], msg.node_id))
        if waiting is not None:
            waiting.set(msg.data)

    def _take_account(self, msg: Message, **_: Any) -> None:
        # A worker of an earlier master may send the account of a test with the same number.
        if msg.node_id in self._members and msg.data["test"] == self._test:
            self._accounts[msg.node_id] = msgspec.json.decode(msg.data["account"], type=AccountRecord)


def answer_master(environment: Environment, runner: WorkerRunner) -> None:
    """Answer the master's questions to this worker."""
    alone = Alone(environment)
    questions: dict[str, Callable[[bytes], object]] = {
        "state": lambda _: alone.state(),
        "set_window": lambda arguments: alone.set_window(*msgspec.json.decode(arguments, type=tuple[Window, Share])),
        "places": lambda _: alone.places(),
        "meet": lambda arguments: alone.meet(*msgspec.json.decode(arguments, type=tuple[list[HostPlace]])),
        "cut": lambda arguments: alone.cut(*msgspec.json.decode(arguments, type=tuple[float])),
        "note_outages": lambda arguments: alone.note_outages(*msgspec.json.decode(arguments, type=tuple[OutageOrder])),
        "finish": lambda _: alone.finish(),
    }

    def answer(msg: Message, **_: Any) -> None:
        data = {"number": msg.data["number"]}
        try:
            data["value"] = msgspec.json.encode(questions[msg.data["question"]](msg.data["arguments"]))
        except TrialFailed as error:
            data["error"] = str(error)
        runner.send_message(ANSWER, data)

    runner.register_message(ASK, answer)
    runner.send_message(HELLO)


def follow_tests(environment: Environment, runner: WorkerRunner, begin: Callable[[], None]) -> None:
    """Let a load begin when clients of another test come than the load is of.

    Locust lets a test begin in a worker that is not at work. One that stood still while its test ended, and the next
    one began, joins that in the middle, and is at work: it would get the new test's clients with the old one's options.
    Its old ledgers are of no use, because the master has counted it as gone.
    """
    start_clients = runner.start_worker

    def start_worker(user_classes_count: dict[str, int], **options: Any) -> None:
        load = LOADS.get(environment)
        if load is not None and load.test != current_test(environment):
            logger.warning("This worker missed the end of its test: its clients are stopped, and the new test begins")
            runner.stop_users(dict(runner.user_classes_count))
            load.stop()
            load.finish()
            begin()
        start_clients(user_classes_count, **options)

    runner.start_worker = start_worker  # type: ignore[method-assign]  # Locust calls it when clients are to come


def current_test(environment: Environment) -> int:
    """Return the number that the master has given the present test; 0 without a master."""
    return int(getattr(environment.parsed_options, TEST, 0))


def place_of(runner: WorkerRunner, options: Mapping[str, Any]) -> tuple[int, int]:
    """Return this worker's place among the workers of its test, from 0, and how many these are.

    One that has joined while the test runs counts by itself.
    """
    members: list[str] = options.get(MEMBERS, [])
    return (members.index(runner.client_id), len(members)) if runner.client_id in members else (0, 1)


def hand_over(environment: Environment, runner: WorkerRunner, account: AccountRecord) -> None:
    """Send the master this worker's account: its test is over."""
    runner.send_message(ACCOUNT, {"test": current_test(environment), "account": msgspec.json.encode(account)})


def report(account: AccountRecord) -> None:
    """Log the ledger of a test that has ended."""
    logger.info(
        "Ledger: %d clients received %d updates; missing %d, received again %d",
        account.clients,
        account.received,
        account.missing,
        account.repeated,
    )
