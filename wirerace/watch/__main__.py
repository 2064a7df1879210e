"""The live page of the stack, in a container of its own: `python -m wirerace.watch`."""

import os
import signal
import sys
import threading
from collections.abc import Mapping

from wirerace.errors import BadInput
from wirerace.watch.server import PageServer, serving
from wirerace.watch.stack import StackContest

HOST, PORT = "0.0.0.0", 8090  # noqa: S104 -- of the container; compose publishes it on loopback


def main(environment: Mapping[str, str]) -> int:
    """Serve the page until SIGTERM or SIGINT; return the exit code: 0 stopped, 2 bad input."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        contest = StackContest(environment)
    except BadInput as error:
        sys.stderr.write(f"watch: {error}\n")
        return 2
    with serving(PageServer(contest).application(), PORT, HOST):
        stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
