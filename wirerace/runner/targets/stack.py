"""The stack as docker compose runs it: which parts are up, and how to bring up the missing ones."""

import json
import os
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException
from docker.models.containers import Container as DockerContainer

from wirerace.errors import BadInput, TrialFailed
from wirerace.runner.outside import Outside, finished, last_line
from wirerace.runner.parts.container import Container, PassingContainer, asking
from wirerace.runner.parts.process import NO_VARIABLES

ROOT = Path(__file__).parents[3]
COMPOSE = Outside(
    ("docker", "compose"),
    missing="there is no docker command: install Docker with Compose v2",
    seconds=900.0,  # the images may have to be built
    hangs="does the engine hang?",
)
WORKER = "locust-worker"
SERVICE = "com.docker.compose.service"
PROJECT = "com.docker.compose.project"
NUMBER = "com.docker.compose.container-number"


class Stack:
    """The project that docker-compose.yml describes.

    Raises BadInput, with the cure, when there is no engine, no Compose, or a part does not come up.
    """

    def __init__(self) -> None:
        try:
            self._client = docker.from_env()
            self._client.ping()
        except DockerException:
            raise BadInput("no Docker engine answers: start it, or leave out --on compose") from None
        if run_compose("version").returncode:
            raise BadInput("docker compose is not there: Compose v2 is needed, docs.docker.com/compose/install")
        found = run_compose("config", "--format", "json")
        if found.returncode:
            raise BadInput(f"docker-compose.yml: {last_line(found.stderr)}")
        self._project = _project_of(found.stdout)

    def containers(self, service: str) -> list[Container]:
        """Return the running containers of a part."""
        return [Container(service, one) for one in self._found(service, {"status": "running"})]

    def passing(self, service: str) -> list[PassingContainer]:
        """Return the containers of a part that exists for a trial only, in order, including those that have ended."""
        found = sorted(self._found(service, {}), key=lambda one: int(one.labels[NUMBER]))
        return [PassingContainer(service, one) for one in found]

    @staticmethod
    def host(service: str) -> str:
        """Return the name of a part in the networks that it shares with others."""
        return service

    def cores(self) -> int:
        """Return the cores of the machine that its engine runs on."""
        with asking("the stack"):
            return int(self._client.info().get("NCPU") or os.cpu_count() or 1)

    def up(self, *services: str, workers: int) -> None:
        """Bring parts up, with a number of workers, and wait until all are healthy.

        Raises BadInput, with the last log line of a part that does not come up.
        """
        scale = ["--scale", f"{WORKER}={workers}"] if WORKER in services else []
        token = {"CONTROL_TOKEN": secrets.token_urlsafe(18)}  # for a load that this brings up
        done = run_compose("up", "--detach", "--wait", "--no-recreate", *scale, *services, variables=token)
        if done.returncode:
            raise BadInput(f"docker compose up: {last_line(done.stderr)}{self._said_by_unhealthy()}")

    def build(self, service: str) -> None:
        """Build the image of a part that exists for a trial only, as far as it is not what is here already.

        Raises BadInput when that does not work.
        """
        done = run_compose("--profile", "path", "build", "--quiet", service)
        if done.returncode:
            raise BadInput(f"docker compose --profile path build {service}: {last_line(done.stderr)}")

    def make(self, service: str, variables: Mapping[str, str], count: int = 1) -> list[PassingContainer]:
        """Make the containers of a part that exists for a trial only, with variables of docker-compose.yml.

        Raises TrialFailed when that does not work.
        """
        options = ("--detach", "--no-deps", "--force-recreate", "--scale", f"{service}={count}")
        done = run_compose("--profile", "path", "up", *options, service, orders=variables)
        found = self.passing(service)
        if done.returncode or len(found) != count:
            raise TrialFailed(f"docker compose up {service}: {last_line(done.stderr)}")
        return found

    def remove(self, *services: str) -> None:
        """Stop parts and remove them.

        Raises TrialFailed when that does not work.
        """
        if services and (done := run_compose("rm", "--stop", "--force", *services)).returncode:
            raise TrialFailed(f"docker compose rm: {last_line(done.stderr)}")

    def _found(self, service: str, filters: Mapping[str, str]) -> list[DockerContainer]:
        labels = [f"{PROJECT}={self._project}", f"{SERVICE}={service}"]
        with asking(service):
            found: list[DockerContainer] = self._client.containers.list(all=True, filters={"label": labels, **filters})
        return found

    def _said_by_unhealthy(self) -> str:
        """Return the last lines of the first part that is unhealthy or has ended; empty when there is none."""
        found = self._client.containers.list(all=True, filters={"label": f"{PROJECT}={self._project}"})
        for container in found:
            state = container.attrs["State"]
            health = state.get("Health", {}).get("Status")
            if health == "unhealthy" or (container.status == "exited" and state["ExitCode"]):  # a demo ends with 0
                return f"; {Container(str(container.labels[SERVICE]), container).failure('is down')}"
        return "; see docker compose ps"


def run_compose(
    *arguments: str, variables: Mapping[str, str] = NO_VARIABLES, orders: Mapping[str, str] = NO_VARIABLES
) -> "subprocess.CompletedProcess[str]":
    """Run docker compose to its end. If this process is interrupted, end docker compose in order.

    `variables` are for what the environment does not say; `orders` hold whatever it says.

    Raises BadInput when there is no docker command, or when it hangs, SystemFault when it cannot be started.
    """
    return finished(COMPOSE, arguments, directory=ROOT, environment={**variables, **os.environ, **orders})


def _project_of(config: str) -> str:
    found: dict[str, Any] = json.loads(config)
    return str(found["name"])
