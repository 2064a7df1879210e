"""The playground: producer, servers and Locust's page, to play with until it is stopped."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from wirerace.errors import BadInput
from wirerace.experiment.plans import Plan, contestants_of, plans_of, schedule_of
from wirerace.experiment.settings import Study
from wirerace.host.ports import is_free
from wirerace.runner.health import START_SECONDS, wait_until_healthy
from wirerace.runner.peer import Peer
from wirerace.runner.targets.local import Local
from wirerace.runner.targets.target import Child
from wirerace.stopping import whole
from wirerace.workload.schedule import Schedule

TICK_SECONDS = 0.2


class _Workers(msgspec.Struct):
    """The workers in the state of Locust's page."""

    worker_count: int


def play(study: Study, directory: Path, web_port: int, on_ready: Callable[[list[Peer]], None]) -> None:
    """Start everything, call `on_ready` with each part, and keep all running until an exception comes.

    Raises BadInput when the page's port is taken, TrialFailed when a part does not start or Locust ends.
    """
    if not is_free(web_port):
        raise BadInput(f"port {web_port} is taken: end what listens there, or name another with --web-port")
    target, experiment = Local(study, directory, page_port=web_port), study.first
    try:
        plans = first_plans(study)
        producer, servers = start_services(target, plans)
        producer.peer.send("PUT", "/schedule", schedule_of(experiment, experiment.seed, None), Schedule)
        page = target.start_page(plans, {server.peer.name: server.peer for server in servers}, producer.peer)
        deadline = time.monotonic() + START_SECONDS
        while not _is_ready(page.peer, experiment.load.processes):
            if time.monotonic() > deadline:
                raise page.crew.failure(f"shows no page after {START_SECONDS:g} s")
            _wait(target)
        on_ready([page.peer, producer.peer, *(server.peer for server in servers)])
        while True:
            _wait(target)
    finally:
        with whole():
            target.close()


def start_services(target: Local, plans: Sequence[Plan]) -> tuple[Child, list[Child]]:
    """Start an idle producer and a server for each plan; return them when all are healthy.

    Raises TrialFailed when one does not start.
    """
    producer = target.start_producer()
    wait_until_healthy(producer)
    servers = [target.start_server(plan, producer.peer) for plan in plans]
    for server in servers:
        wait_until_healthy(server)
    return producer, servers


def first_plans(study: Study) -> list[Plan]:
    """Return one plan for each transport: its first contestant, at the first setting."""
    plans = {plan.contestant.id: plan for plan in plans_of(study.settings[0], 1)}
    found: dict[str, Plan] = {}
    for contestant in contestants_of(study.first):
        found.setdefault(contestant.transport.name, plans[contestant.id])
    return list(found.values())


def _is_ready(page: Peer, processes: int) -> bool:
    """Return whether the page would start a test: with several processes, all workers must be connected."""
    return page.is_up("/") and (processes == 1 or page.get("/worker-count", _Workers).worker_count == processes)


def _wait(target: Local) -> None:
    target.watch()
    time.sleep(TICK_SECONDS)
