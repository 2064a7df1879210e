"""Leaving: how a worker ends on request, and how any process ends when its master or its parent has ended."""

import logging
import os
import signal
from typing import Any

import gevent
import psutil
from locust.env import Environment
from locust.runners import WorkerRunner

LOOK_SECONDS = 1.0
SILENT_LOOKS = 5
"""After this number of looks in a row without a heartbeat, which comes every second, the master counts as gone.

Looks are counted, not seconds: a worker that was itself suspended must not mistake its own sleep for silence.
"""

PARENT_EVERY_SECONDS = 1.0
LAST_SECONDS = 10  # Locust's time to end in order; then the kernel ends it

logger = logging.getLogger("wirerace")


def leave_in_order(environment: Environment, runner: WorkerRunner) -> None:
    """Make the worker end its test before it quits.

    Locust would first report to the master that the worker quits, and the ledger would come too late for the account.
    Listeners to `quitting` are called in reverse, so this one runs before Locust's own.
    """
    events: Any = environment.events

    def end_test(**_: Any) -> None:
        runner.stop()  # its listeners hand the ledger over

    events.quitting.add_listener(end_test)


def outlive_no_master(environment: Environment, runner: WorkerRunner) -> None:
    """Make the worker end when its master is gone, because nothing could stop its clients any more.

    A new master at the same address does not know the worker and does not answer it. The worker ends then, too.
    """
    gevent.spawn(_watch, environment, runner)


def outlive_no_parent(parent_pid: int) -> None:
    """Make this process end when its parent, which started it for an experiment, has ended.

    It ends as on SIGTERM. That stops Locust's page, too, which would stay if only the runner quit.
    """
    gevent.spawn(_watch_parent, parent_pid)


def _watch_parent(parent_pid: int) -> None:
    while os.getppid() == parent_pid:
        gevent.sleep(PARENT_EVERY_SECONDS)
    if hasattr(signal, "alarm"):
        signal.alarm(LAST_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def end_forked_workers() -> None:
    """End the workers that this master has forked, if any: they would search for it for five minutes."""
    for child in psutil.Process().children():
        child.terminate()


def _watch(environment: Environment, runner: WorkerRunner) -> None:
    latest, silent = runner.last_heartbeat_timestamp, 0
    while silent < SILENT_LOOKS:
        gevent.sleep(LOOK_SECONDS)
        silent = silent + 1 if latest is not None and runner.last_heartbeat_timestamp == latest else 0
        latest = runner.last_heartbeat_timestamp
    logger.error("The master is gone: no heartbeat for %g s; this worker stops its clients and ends", SILENT_LOOKS)
    environment.process_exit_code = 1
    runner.quit()
