"""The command line: one module a command."""

import sys

import typer

from wirerace.cli import run, show
from wirerace.errors import BadInput, TrialFailed, WireraceError

app = typer.Typer(
    name="wirerace",
    help="Races polling, long polling and WebSocket against each other and accounts for every delivery.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command("run")(run.command)
app.command("show")(show.command)


def main() -> None:
    """Run a command and exit: 0 all well, 1 not completed or not whole, 2 bad input, 130 Ctrl-C, 143 SIGTERM."""
    try:
        app()
    except BadInput as error:
        fail(error, 2)
    except TrialFailed as error:
        fail(error, 1)


def fail(error: WireraceError, code: int) -> None:
    """Say what is wrong, on one line, and exit."""
    sys.stderr.write(f"wirerace: {error}\n")
    sys.exit(code)
