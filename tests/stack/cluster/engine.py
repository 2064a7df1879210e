"""The local Docker engine, on which the containers of pods run, by way of its command."""

import json
import subprocess
import threading
from collections.abc import Callable

NO_PROJECT = ("--label", "com.docker.compose.project=")
"""Images that docker compose has built name its project, and their containers would count as the stack's."""


class EngineFailed(Exception):
    """The engine refuses, in its own words."""


def docker(*arguments: str, check: bool = True) -> str:
    """Return what docker prints. Raises EngineFailed when it fails and is checked."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if done.returncode and check:
        raise EngineFailed(done.stderr.strip())
    return done.stdout


def has_image(name: str) -> bool:
    """Return whether the engine has an image."""
    return bool(docker("image", "ls", "--quiet", name))


def address_of(container: str) -> str:
    """Return a container's address in its network."""
    (found,) = json.loads(docker("inspect", container))[0]["NetworkSettings"]["Networks"].values()
    return str(found["IPAddress"])


def logs_of(container: str, lines: str) -> str:
    """Return the last lines that a container has written."""
    command = ["docker", "logs", "--tail", lines, container]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout


def labelled(label: str) -> list[str]:
    """Return the containers with a label, also those that have ended."""
    return docker("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={label}").split()


class Deaths:
    """Tells of each container with a label that ends: its name and its exit code."""

    def __init__(self, label: str, tell: Callable[[str, int], None]) -> None:
        command = ["docker", "events", "--filter", "event=die", "--filter", f"label={label}", "--format", "{{json .}}"]
        self._tell = tell
        self._running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Tell no more."""
        self._running.kill()
        self._running.wait()
        self._thread.join()

    def _read(self) -> None:
        assert self._running.stdout is not None
        with self._running.stdout as lines:
            for line in lines:
                container = json.loads(line)["Actor"]["Attributes"]
                self._tell(container["name"], int(container["exitCode"]))
