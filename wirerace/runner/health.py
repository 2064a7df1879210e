"""Health: waiting until a service that was just started answers."""

import time

from wirerace.runner.progress import TICK_SECONDS
from wirerace.runner.targets.target import Child

START_SECONDS = 60.0  # for a process to become healthy; on a busy machine, starting Python takes many seconds


def wait_until_healthy(child: Child) -> None:
    """Return when a service that was just started answers /health with 200.

    Raises TrialFailed, with its last log lines, when it ends before that or takes too long.
    """
    deadline = time.monotonic() + START_SECONDS
    while not child.peer.is_up():
        if child.part.has_ended():
            raise child.part.failure("ended as soon as it was started")
        if time.monotonic() > deadline:
            raise child.part.failure(f"is not healthy after {START_SECONDS:g} s")
        time.sleep(TICK_SECONDS)
