"""Configurations: written from the template of a program and its settings, and checked by the program itself."""

import re
import shutil
import subprocess
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from wirerace.errors import BadInput, TrialFailed
from wirerace.experiment.paths import COMPRESSIONS, ReverseProxy
from wirerace.experiment.plans import contestants_of
from wirerace.experiment.settings import Study
from wirerace.runner.network.reverse.program import Program, Route
from wirerace.system import blamed_on

TEMPLATES = Path(__file__).parent
PLACES = "/usr/local/sbin:/usr/sbin:/sbin"
"""Where Debian puts nginx and HAProxy; a user's PATH does not name them."""
ANSWER_SECONDS = 20.0
_VERSION = re.compile(r"[0-9]+\.[0-9]+[0-9.]*")


class Installed(NamedTuple):
    """A program on this machine: where it is, and its version."""

    program: Program
    executable: str
    version: str


def program_of(name: ReverseProxy) -> Program:
    """Return the reverse proxy of a name, which is that of its module."""
    program: Program = import_module(f"wirerace.runner.network.reverse.{name}").PROGRAM
    return program


def find_installed(name: ReverseProxy) -> Installed:
    """Return a program with its version.

    Raises BadInput, with Debian's package, when it is not installed.
    """
    program = program_of(name)
    executable = shutil.which(name) or shutil.which(name, path=PLACES)
    if executable is None:
        raise BadInput(f'proxy = "{name}" needs {name} on this machine: apt install {program.package}')
    return Installed(program, executable, version_in("".join(_said([executable, *program.version])[1])))


def version_in(said: str) -> str:
    """Return the version in what a program says of itself."""
    found = _VERSION.search(said)
    return found[0].rstrip(".") if found else "unknown"


def installed_for(study: Study) -> list[Installed]:
    """Return the reverse proxies that an experiment needs.

    Raises BadInput, with what to install, when a program or a module of it is missing.
    """
    paths = [one.path for setting in study.settings for one in contestants_of(setting.experiment)]
    for path in paths:
        if path.has_reverse_proxy:
            program_of(path.proxy).values(Route(0, (), 1, path, Path()))
    return [find_installed(name) for name in COMPRESSIONS if name in {path.proxy for path in paths} - {"none"}]


def write_configuration(program: Program, route: Route, file: Path) -> None:
    """Write the configuration of a route."""
    with blamed_on(file):
        file.write_text(configuration_of(program, route), "utf-8")


def configuration_of(program: Program, route: Route) -> str:
    """Return the configuration of a route, from the template of the program and its settings."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 -- most runs need no template

    templates = Environment(  # noqa: S701 -- these are no pages
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
    template = templates.get_template(f"{program.name}-{route.path.settings}.{program.ending}")
    return template.render(
        port=route.port,
        host=route.host,
        servers=route.servers,
        clients=max(1, route.clients),
        directory=route.directory,
        compression=route.path.compression,
        cache_seconds=round(route.path.cache_seconds),
        http=route.path.http,
        certificate=route.certificate,
        **program.values(route),
    )


def arguments_of(arguments: tuple[str, ...], file: Path, directory: Path) -> list[str]:
    """Return a program's arguments with its configuration, and the directory in which it may write."""
    return [argument.format(file=file, directory=directory) for argument in arguments]


def check_configuration(installed: Installed, file: Path, directory: Path) -> None:
    """Raise TrialFailed, with the last line that the program says, when it refuses a configuration."""
    program = installed.program
    code, lines = _said([installed.executable, *arguments_of(program.check, file, directory)], directory)
    if code:
        last = next((line for line in reversed(lines) if line.strip()), "(nothing)").strip()
        raise TrialFailed(f"{program.name} refuses its configuration {file}: {last}")


def _said(command: list[str], directory: Path | None = None) -> tuple[int, list[str]]:
    """Return how a command ended, and what it said."""
    home = {} if directory is None else {"HOME": str(directory), "XDG_DATA_HOME": str(directory)}
    try:
        done = subprocess.run(  # noqa: S603 -- the command is our own
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=ANSWER_SECONDS,
            check=False,
            env=home or None,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return 1, [str(error)]
    return done.returncode, done.stdout.decode(errors="replace").splitlines()
