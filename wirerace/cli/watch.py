"""`wirerace watch`: start the producer, the servers and the live page."""

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from wirerace.cli.run import say_what_is_played
from wirerace.errors import BadInput
from wirerace.experiment.reading import read_experiment
from wirerace.host.ports import is_free
from wirerace.runner.directory import LOGS, claimed
from wirerace.stopping import Stopped


def command(
    file: Annotated[
        Path, typer.Argument(help="The experiment that sets updates, servers and clients.", metavar="FILE")
    ] = Path("experiments/first-look.toml"),
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="Override one key, for example producer.rate_per_second=50.", metavar="KEY=VALUE"),
    ] = None,
    web_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the page.")] = 8090,
) -> None:
    """Start the producer, a server for each transport, and a page that receives from all of them. Ctrl-C ends all.

    Examples:
        wirerace watch

        wirerace watch experiments/bursty.toml --web-port 9000

        wirerace watch --set producer.rate_per_second=50 --set polling.interval_seconds=0.5

    Exit codes: 0 stopped by Ctrl-C, SIGTERM or SIGHUP; 1 a part did not start, or died too often; 2 bad input;
    5 the system refused something, such as writing to results/.
    """
    # The page's server takes a quarter of a second to import, which no other command needs.
    from wirerace.watch.processes import ProcessContest  # noqa: PLC0415
    from wirerace.watch.server import PageServer, origins_of, serving  # noqa: PLC0415

    study = read_experiment(file, overrides or ())
    say_what_is_played(study.first)
    if not is_free(web_port):
        raise BadInput(f"port {web_port} is taken: end what listens there, or name another with --web-port")
    with claimed("watch") as directory:
        try:
            with (
                closing(ProcessContest(study, directory.path, web_port, origins_of(web_port))) as contest,
                serving(PageServer(contest).application(), web_port),
            ):
                sys.stdout.write(f"{'the page':<14} {origins_of(web_port)[0]}\n")
                sys.stdout.write(f"{'logs':<14} {directory.path / LOGS}\n")
                sys.stdout.write("Open the page in a browser on this machine. Ctrl-C here ends all.\n")
                sys.stdout.flush()
                contest.keep()
        except Stopped:
            sys.stderr.write("wirerace: stopped\n")
