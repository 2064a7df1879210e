"""Publishing in a trial: the process that publishes updates to a foreign server."""

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from wirerace.options import variable_of
from wirerace.runner.foreign.starting import ForeignPeer
from wirerace.runner.parts.process import NO_VARIABLES, Process
from wirerace.runner.parts.quota import Quota
from wirerace.runner.peer import Peer

TOKEN = variable_of("publish_token")


class PublisherProcess(Process):
    """The publisher. It has the token from the environment of this process, which no command line may have."""

    def __init__(  # noqa: PLR0913, PLR0917 -- what it is, and what it may use
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        cores: Collection[int] = (),
        variables: Mapping[str, str] = NO_VARIABLES,
        quota: Quota | None = None,
    ) -> None:
        token = os.environ.get(TOKEN, "")
        super().__init__(name, command, log, cores, {**variables, **({TOKEN: token} if token else {})}, quota)


def publisher_command(server: Peer, port: int, producer_url: str) -> list[str]:
    """Return what starts the publisher of a server; empty if it follows the feed itself."""
    if not isinstance(server, ForeignPeer) or server.place.publisher == "none":
        return []
    place = server.place
    command = ["-m", "services", "publisher", "--port", str(port), "--producer-url", producer_url]
    command += ["--publish-url", place.publish_url, "--protocol", place.publisher]
    command += ["--topic", place.topic] if place.topic else []
    return [*command, *(["--token-file", str(Path(place.token_file).resolve())] if place.token_file else [])]
