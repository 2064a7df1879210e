"""A foreign server in a container: its engine knows what it takes."""

import docker
from docker.errors import DockerException

from wirerace.errors import TrialFailed
from wirerace.runner.parts.container import Container


class ContainedServer(Container):
    """Somebody else's container, which is left alone. All of its control group is the server."""

    def own_cpu_seconds(self) -> float | None:
        """Return the CPU time of its control group: there are no metrics of its service alone."""
        return self.cpu_seconds()


def contained(name: str, container: str) -> ContainedServer:
    """Return the container of a contestant's server.

    Raises TrialFailed when there is none of this name, or no engine.
    """
    try:
        return ContainedServer(name, docker.from_env().containers.get(container))
    except (DockerException, OSError) as error:
        raise TrialFailed(
            f"{name}: the engine has no container {container}: {str(error).strip()[:200]}; correct container in its "
            "server, or take it out"
        ) from None
