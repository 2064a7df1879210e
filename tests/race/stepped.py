"""Runs a command of Wirerace whose wall clock is set in the first window, by the seconds in the first argument.

It sets only its own view of the clock, because tests must not set the machine's clock.
"""

import sys
import time

from wirerace import clock

STEP_NS = int(sys.argv.pop(1)) * clock.NS_PER_SECOND
has_begun: list[bool] = []
clock.now_ns = lambda: time.time_ns() + (STEP_NS if has_begun else 0)

from wirerace.cli import main  # noqa: E402 -- what it imports takes the clock from there
from wirerace.runner.progress import Reporter  # noqa: E402

report = Reporter.report


def report_and_step(self: Reporter, phase: str, state: object) -> None:
    report(self, phase, state)  # type: ignore[arg-type]
    if phase == "measuring":
        has_begun.append(True)


Reporter.report = report_and_step  # type: ignore[method-assign]
main()
