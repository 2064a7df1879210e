"""Leaving: how a worker ends when it is told to, and any process when its master or its parent is gone."""

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
"""So many looks in a row without a heartbeat, which comes every second, mean that the master is gone.

Looks, not seconds: a worker that was itself suspended must not take its own sleep for the master's silence.
"""

PARENT_EVERY_SECONDS = 1.0
LAST_SECONDS = 10  # for Locust to end in order; the kernel ends it then

logger = logging.getLogger("wirerace")


def leave_in_order(environment: Environment, runner: WorkerRunner) -> None:
    """Have the worker end its test before it ends itself.

    Locust tells the master first that the worker quits, and the ledger would come too late to be in the account.
    Listeners to `quitting` are called in reverse, so this one comes before Locust's own.
    """
    events: Any = environment.events

    def end_test(**_: Any) -> None:
        runner.stop()  # whose listeners hand the ledger over

    events.quitting.add_listener(end_test)


def outlive_no_master(environment: Environment, runner: WorkerRunner) -> None:
    """Have the worker end when its master is gone: nobody could stop its clients any more.

    A new master at the same address does not know the worker and does not answer it, which is the same silence.
    """
    gevent.spawn(_watch, environment, runner)


def outlive_no_parent(parent_pid: int) -> None:
    """Have this process end when its parent, which started it for an experiment, is gone.

    As SIGTERM ends it: that stops Locust's page, too, which stays when only the runner quits.
    """
    gevent.spawn(_watch_parent, parent_pid)


def _watch_parent(parent_pid: int) -> None:
    while os.getppid() == parent_pid:
        gevent.sleep(PARENT_EVERY_SECONDS)
    if hasattr(signal, "alarm"):
        signal.alarm(LAST_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def end_forked_workers() -> None:
    """End the workers that this master has forked, if any: they would look for it for five minutes."""
    for child in psutil.Process().children():
        child.terminate()


def _watch(environment: Environment, runner: WorkerRunner) -> None:
    heard, silent = runner.last_heartbeat_timestamp, 0
    while silent < SILENT_LOOKS:
        gevent.sleep(LOOK_SECONDS)
        silent = silent + 1 if heard is not None and runner.last_heartbeat_timestamp == heard else 0
        heard = runner.last_heartbeat_timestamp
    logger.error("The master is gone: no heartbeat for %g s; this worker stops its clients and ends", SILENT_LOOKS)
    environment.process_exit_code = 1
    runner.quit()
