"""The stack as docker compose runs it: which parts are up, and how to bring up the missing ones."""

import json
import os
import secrets
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException
from docker.models.containers import Container as DockerContainer

from wirerace.errors import BadInput, TrialFailed
from wirerace.runner.parts.container import Container, PassingContainer, asking
from wirerace.runner.parts.process import NO_VARIABLES
from wirerace.stopping import whole
from wirerace.system import fault_of

ROOT = Path(__file__).parents[3]
COMPOSE = ("docker", "compose")
WORKER = "locust-worker"
COMPOSE_SECONDS = 900.0  # the images may have to be built
END_SECONDS = 20.0  # for compose to end when it is interrupted
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
            raise BadInput(f"docker-compose.yml: {_last_line(found.stderr)}")
        self._project = _project_of(found.stdout)

    def containers(self, service: str) -> list[Container]:
        """Return the running containers of a part."""
        return [Container(service, one) for one in self._found(service, {"status": "running"})]

    def passing(self, service: str) -> list[PassingContainer]:
        """Return the containers of a part that exists for a trial only, in order, including those that have ended."""
        found = sorted(self._found(service, {}), key=lambda one: int(one.labels[NUMBER]))
        return [PassingContainer(service, one) for one in found]

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
            raise BadInput(f"docker compose up: {_last_line(done.stderr)}{self._said_by_unhealthy()}")

    def build(self, service: str) -> None:
        """Build the image of a part that exists for a trial only, as far as it is not what is here already.

        Raises BadInput when that does not work.
        """
        done = run_compose("--profile", "path", "build", "--quiet", service)
        if done.returncode:
            raise BadInput(f"docker compose --profile path build {service}: {_last_line(done.stderr)}")

    def make(self, service: str, variables: Mapping[str, str], count: int = 1) -> list[PassingContainer]:
        """Make the containers of a part that exists for a trial only, with variables of docker-compose.yml.

        Raises TrialFailed when that does not work.
        """
        options = ("--detach", "--no-deps", "--force-recreate", "--scale", f"{service}={count}")
        done = run_compose("--profile", "path", "up", *options, service, orders=variables)
        found = self.passing(service)
        if done.returncode or len(found) != count:
            raise TrialFailed(f"docker compose up {service}: {_last_line(done.stderr)}")
        return found

    def remove(self, *services: str) -> None:
        """Stop parts and remove them.

        Raises TrialFailed when that does not work.
        """
        if services and (done := run_compose("rm", "--stop", "--force", *services)).returncode:
            raise TrialFailed(f"docker compose rm: {_last_line(done.stderr)}")

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
    command = [*COMPOSE, *arguments]
    try:
        with whole():  # otherwise nothing would end the new process
            running = subprocess.Popen(  # noqa: S603 -- the command is our own
                command,
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**variables, **os.environ, **orders},
                start_new_session=True,  # Ctrl-C must reach only this process, which undoes the work of compose
            )
        with running:
            try:
                said = running.communicate(timeout=COMPOSE_SECONDS)
            except BaseException:
                with whole():
                    _end(running)
                raise
    except FileNotFoundError:
        raise BadInput("there is no docker command: install Docker with Compose v2") from None
    except OSError as error:
        raise fault_of(error, "docker compose") from None
    except subprocess.TimeoutExpired:
        what = f"docker compose {arguments[0]}"
        raise BadInput(f"{what} has not ended after {COMPOSE_SECONDS:g} s: does the engine hang?") from None
    return subprocess.CompletedProcess(command, running.returncode, *said)


def _end(running: "subprocess.Popen[str]") -> None:
    """End docker compose and its children, because two of it at once would undo each other's work.

    It uses SIGTERM, because a process that a shell has started in the background ignores SIGINT.
    """
    with suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGTERM)
        try:
            running.communicate(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()


def _project_of(config: str) -> str:
    found: dict[str, Any] = json.loads(config)
    return str(found["name"])


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it failed"
