"""A server that a command starts: somebody else's program, with all processes that it starts itself."""

import shlex
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from wirerace.errors import TrialFailed
from wirerace.runner.parts.family import Family
from wirerace.runner.parts.process import NO_VARIABLES
from wirerace.runner.parts.quota import Quota


class CommandServer(Family):
    """A command, run where wirerace was.

    Raises TrialFailed when there is no such program.
    """

    def __init__(  # noqa: PLR0913, PLR0917 -- what it is, and what it may use
        self,
        name: str,
        command: str,
        log: Path,
        cores: Collection[int] = (),
        variables: Mapping[str, str] = NO_VARIABLES,
        quota: Quota | None = None,
        scratch: Path | None = None,
    ) -> None:
        words = shlex.split(command)
        if shutil.which(words[0]) is None:
            raise TrialFailed(f"{name}: there is no program {words[0]}: install it, or correct command in its server")
        self.directory = Path.cwd()
        super().__init__(name, words, log, scratch, cores, variables, quota)
