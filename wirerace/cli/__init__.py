"""The command line: one module a command."""

import errno
import sys
from typing import Annotated

import typer

from wirerace import __version__
from wirerace.cli.commands import Commands
from wirerace.cli.encoding import degrade_output
from wirerace.cli.streams import open_streams
from wirerace.errors import BadInput, SystemFault, TrialFailed, printable
from wirerace.stopping import Stopped, stoppable
from wirerace.system import fault_of

SYSTEM = 5

# The list of commands is plain text: rich takes longer to import than everything else that it needs.
app = typer.Typer(
    name="wirerace", cls=Commands, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)


@app.callback(invoke_without_command=True)
def wirerace(
    context: typer.Context, *, version: Annotated[bool, typer.Option(help="Print the version.")] = False
) -> None:
    """Race polling, long polling, SSE, HTTP streaming and WebSocket, and account for every delivery."""
    if version:
        sys.stdout.write(f"wirerace {__version__}\n")
    elif context.invoked_subcommand is None:
        sys.stdout.write(context.get_help() + "\n")


def main() -> None:
    """Run a command and exit.

    The code is 0 for success, 1 for trials not completed, updates not delivered or a promise that a checked server
    breaks, 2 for bad input, 3 for an invalid trial, 4 for an objective that is not met, 5 if the system refused
    something, 129 for SIGHUP, 130 for Ctrl-C, 143 for SIGTERM.
    """
    degrade_output()
    out, _ = open_streams()
    try:
        with stoppable():
            code = _run()
    except Stopped as stop:
        code = _say("stopped", stop, stop.code)
    sys.stdout.flush()
    if out.lost is not None and out.lost.errno != errno.EPIPE:  # a reader that closes a pipe has read enough
        fault = fault_of(out.lost, "stdout")
        code = _say(str(fault), fault, SYSTEM)
    sys.exit(code)


def _run() -> int:
    """Run the command that the arguments name, and return its exit code."""
    try:
        return app(prog_name="wirerace", standalone_mode=False) or 0
    except typer.TyperException as error:
        line = error.format_message().rstrip(".")
        return _say(f"{line}; try --help", error, error.exit_code)
    except BadInput as error:
        return _say(str(error), error, 2)
    except TrialFailed as error:
        return _say(str(error), error, 1)
    except SystemFault as error:
        return _say(str(error), error, SYSTEM)
    except OSError as error:
        return _say(str(fault_of(error)), error, SYSTEM)


def _say(line: str, error: BaseException, code: int) -> int:
    """Write on one line what has ended the command, and what is kept; return the exit code."""
    said = "; ".join([line, *getattr(error, "__notes__", [])])
    sys.stderr.write(f"wirerace: {printable(said)}\n")
    return code
