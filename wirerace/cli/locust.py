"""`wirerace locust`: start the producer, the servers and Locust's page."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from wirerace.cli.run import say_what_is_played
from wirerace.experiment.model import Experiment
from wirerace.experiment.reading import read_experiment
from wirerace.runner.directory import LOGS, claimed
from wirerace.runner.peer import Peer
from wirerace.runner.playground import play
from wirerace.stopping import Stopped


def command(
    file: Annotated[
        Path,
        typer.Argument(
            help="The experiment from which updates, servers and the page's fields are taken.", metavar="FILE"
        ),
    ] = Path("experiments/first-look.toml"),
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="Override one key, for example producer.rate_per_second=50.", metavar="KEY=VALUE"),
    ] = None,
    web_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of Locust's page.")] = 8089,
) -> None:
    """Start the producer, a server for each transport, and Locust's page. Ctrl-C ends all of them.

    **Examples:**

        wirerace locust

        wirerace locust experiments/bursty.toml --web-port 9000

        wirerace locust --set load.processes=2 --set producer.rate_per_second=50

    Exit codes: 0 stopped by Ctrl-C, SIGTERM or SIGHUP; 1 a part did not start, or Locust has ended; 2 bad input;
    5 the system refused something, such as writing to results/.
    """
    study = read_experiment(file, overrides or ())
    experiment = study.first
    say_what_is_played(experiment)
    with claimed("locust") as directory:
        try:
            play(study, directory.path, web_port, lambda peers: _announce(peers, directory.path, experiment))
        except Stopped:
            sys.stderr.write("wirerace: stopped\n")


def _announce(peers: list[Peer], directory: Path, experiment: Experiment) -> None:
    shape = experiment.clients.shape
    for peer in peers:
        sys.stdout.write(f"{peer.name:<14} {peer.url}\n")
    sys.stdout.write(f"{'logs':<14} {directory / LOGS}\n")
    picked = "a shape" if shape == "steady" else f"the shape of {shape}"
    sys.stdout.write(f"Pick classes, options and {picked} on Locust's page and press Start. Ctrl-C here ends all.\n")
    sys.stdout.flush()
