"""Starts a modest load on Locust's page: `python -m loadtests.demo http://locust:8089 60`."""

import argparse
import json
import sys
import time
import urllib.parse
import urllib.request

from locust.argument_parser import LocustArgumentParser

from loadtests.options import add_options
from wirerace.transports import TRANSPORTS

PATIENCE_SECONDS = 30.0
CLIENTS_PER_SECOND = 20
open_directly = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
"""Asks without a proxy: the page is a part of the stack, and `http_proxy` does not apply to it."""


def form_of(clients: int) -> dict[str, object]:
    """Return the page's form with every field at its default. The page would keep a missing field's last value."""
    parser = LocustArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, add_help=False)
    add_options(parser)
    defaults = vars(parser.parse_args([]))
    fields = {name: defaults[name] for name in parser.args_included_in_web_ui}
    classes = [transport.user_class for transport in TRANSPORTS.values()]
    given = {"user_count": clients, "spawn_rate": CLIENTS_PER_SECOND, "user_classes": classes, "shape_class": "Default"}
    return fields | given


def start(page: str, clients: int) -> bool:
    """Press Start for that number of clients of all classes. Return whether the page accepts; if not, write why."""
    form = urllib.parse.urlencode(form_of(clients), doseq=True).encode()
    with open_directly(f"{page}/swarm", form, timeout=PATIENCE_SECONDS) as answer:
        report = json.load(answer)
    if not report["success"]:
        sys.stderr.write(f"demo: {report['message']}\n")
    return bool(report["success"])


def workers_of(page: str) -> int:
    """Return how many workers the page's master has; 0 while the page does not answer."""
    try:
        with open_directly(f"{page}/stats/requests", timeout=PATIENCE_SECONDS) as answer:
            return int(json.load(answer)["worker_count"])
    except OSError:
        return 0


def main(page: str, clients: int) -> int:
    """Wait for a worker and start the load; return the exit code."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not workers_of(page):
        if time.monotonic() > deadline:
            sys.stderr.write(f"demo: {page} has no worker after {PATIENCE_SECONDS:g} s\n")
            return 1
        time.sleep(0.5)
    return not start(page, clients)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
