"""Checks a WebSocket server that returns every message: `python -m tests.conformance ws://127.0.0.1:8003/echo`."""

import argparse
import asyncio
import sys

from tests.conformance.cases import CASES, large_cases
from tests.conformance.running import SPLITS, Server, fault_in


async def check(server: Server, beginning: str) -> int:
    """Print a line for each case whose name begins so, and return the number of those that failed."""
    failed = 0
    chosen = {name: case for name, case in (CASES | large_cases()).items() if name.startswith(beginning)}
    for name, case in chosen.items():
        line = f"PASS {name}"
        for split in SPLITS:
            if (fault := await fault_in(server, case, split)) is not None:
                line, failed = f"FAIL {name}: {split}: {fault}", failed + 1
                break
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{len(chosen) - failed} of {len(chosen)} cases passed, each {', '.join(SPLITS)}\n")
    return failed


def main() -> int:
    """Return the exit code: 0 when all cases passed, 1 when one failed, 2 when the server cannot be asked."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("url", type=Server.at, help="ws://HOST:PORT/PATH of a server that returns every message")
    parser.add_argument("--only", default="", metavar="SECTION", help="only the cases of a section, such as 5.4")
    arguments = parser.parse_args()
    try:
        return 1 if asyncio.run(check(arguments.url, arguments.only)) else 0
    except OSError as error:
        sys.stderr.write(f"no server at {arguments.url.host}:{arguments.url.port}: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
