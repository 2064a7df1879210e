"""`wirerace workers`: make load on this host for a run on another one."""

import sys
from typing import Annotated

import typer

from wirerace.addresses import is_host, spelled
from wirerace.errors import BadInput, shown
from wirerace.experiment.model import LoadOptions
from wirerace.host.cores import usable_cores
from wirerace.runner.joining import join
from wirerace.stopping import Stopped


def command(
    place: Annotated[
        str,
        typer.Argument(help="The run's load.address, and its load.first_port if not 5557.", metavar="HOST[:PORT]"),
    ],
    processes: Annotated[
        int | None, typer.Option(min=1, max=64, help="Load processes of this host. Default: one for each core.")
    ] = None,
) -> None:
    """Make load on this host for a run on another one, trial after trial. Ctrl-C ends it.

    **Examples:**

        wirerace workers 10.0.0.1

        wirerace workers 10.0.0.1:6000 --processes 2

    Exit codes: 0 stopped by Ctrl-C, SIGTERM or SIGHUP; 1 load processes cannot run here; 2 bad input; 5 the system
    refused something.
    """
    host, port = place_in(place)
    count = processes or len(usable_cores())
    processes_of = f"{count} load {'process' if count == 1 else 'processes'}"
    sys.stdout.write(f"{processes_of} for runs at {spelled(host, port)}. Ctrl-C here ends them.\n")
    sys.stdout.flush()
    try:
        join(host, port, count)
    except Stopped:
        sys.stderr.write("wirerace: stopped\n")


def place_in(text: str) -> tuple[str, int]:
    """Return the host and the port in a text such as `10.0.0.1:5557`; the port may be left out.

    Raises BadInput when it is no such text.
    """
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]") or (":" in host.strip("[]") and not host.endswith("]")):
        host, port = text, str(LoadOptions().first_port)
    host = host.strip("[]")
    if not is_host(host) or not port.isdecimal() or not 0 < int(port) < 65536:
        raise BadInput(f"HOST[:PORT] is an address such as 10.0.0.1 or 10.0.0.1:5557, got {shown(text)}")
    return host, int(port)
