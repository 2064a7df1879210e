"""The command line: one module a command."""

import sys
from typing import Annotated, NoReturn

import typer

from wirerace import __version__
from wirerace.cli import doctor, locust, reproduce, run, show
from wirerace.errors import BadInput, TrialFailed

app = typer.Typer(
    name="wirerace",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


@app.callback(invoke_without_command=True)
def wirerace(
    context: typer.Context, *, version: Annotated[bool, typer.Option(help="Print the version.")] = False
) -> None:
    """Race polling, long polling and WebSocket against each other and account for every delivery."""
    if version:
        sys.stdout.write(f"wirerace {__version__}\n")
    elif context.invoked_subcommand is None:
        sys.stdout.write(context.get_help() + "\n")


app.command("run")(run.command)
app.command("reproduce")(reproduce.command)
app.command("locust")(locust.command)
app.command("show")(show.command)
app.command("doctor")(doctor.command)


def main() -> None:
    """Run a command and exit: 0 well, 1 not completed or not whole, 2 bad input, 3 invalid, 130 Ctrl-C, 143 SIGTERM."""
    try:
        code = app(prog_name="wirerace", standalone_mode=False)
    except typer.TyperException as error:
        line = error.format_message().rstrip(".")
        fail(f"{line}; try --help", error.exit_code)
    except BadInput as error:
        fail(str(error), 2)
    except TrialFailed as error:
        fail(str(error), 1)
    else:
        sys.exit(code)


def fail(line: str, code: int) -> NoReturn:
    """Say what is wrong, on one line, and exit."""
    sys.stderr.write(f"wirerace: {line}\n")
    sys.exit(code)
