"""Programs of others that a run calls, each to its end: docker compose, kubectl and helm."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from wirerace.errors import BadInput
from wirerace.stopping import whole
from wirerace.system import fault_of

END_SECONDS = 20.0  # for a program to end when it is interrupted


class Outside(NamedTuple):
    """A program that a run calls: its words, what to do when it is missing, and how long it may take.

    `hangs` asks what may be wrong when it takes longer.
    """

    words: tuple[str, ...]
    missing: str
    seconds: float
    hangs: str

    @property
    def name(self) -> str:
        """Its words, as people type them."""
        return " ".join(self.words)


def finished(
    program: Outside,
    arguments: Sequence[str],
    *,
    said: str | None = None,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end; it reads what was `said`. If this process is interrupted, end it in order.

    Raises BadInput when it is missing, or when it hangs, SystemFault when it cannot be started.
    """
    command = [*program.words, *arguments]
    try:
        with whole():  # otherwise nothing would end the new process
            running = subprocess.Popen(  # noqa: S603 -- the command is our own
                command,
                cwd=directory,
                stdin=subprocess.DEVNULL if said is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=None if environment is None else dict(environment),
                start_new_session=True,  # Ctrl-C must reach only this process, which undoes the program's work
            )
        with running:
            try:
                answered = running.communicate(said, timeout=program.seconds)
            except BaseException:
                with whole():
                    end(running)
                raise
    except FileNotFoundError:
        raise BadInput(program.missing) from None
    except OSError as error:
        raise fault_of(error, program.name) from None
    except subprocess.TimeoutExpired:
        what = f"{program.name} {arguments[0]}"
        raise BadInput(f"{what} has not ended after {program.seconds:g} s: {program.hangs}") from None
    return subprocess.CompletedProcess(command, running.returncode, *answered)


def tied(command: Sequence[str]) -> list[str]:
    """Return a command that ends when this process has ended, as far as the kernel can be asked for that."""
    asks = shutil.which("setpriv")
    return [*(() if asks is None else (asks, "--pdeathsig", "TERM", "--")), *command]


def end(running: "subprocess.Popen[str]", seconds: float = END_SECONDS) -> None:
    """End a program and its children, because two of it at once would undo each other's work.

    It uses SIGTERM, because a process that a shell has started in the background ignores SIGINT.
    """
    with suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGTERM)
        try:
            running.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()


def last_line(text: str) -> str:
    """Return the last line that a program wrote."""
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it failed"
