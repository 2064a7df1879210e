"""What a shipped server needs: looked for where it may be installed, and named with its cure when it is not."""

import importlib.util
import os
import shutil
from pathlib import Path

from wirerace.errors import TrialFailed
from wirerace.experiment.shipped import Requirement

PLACES = ("/usr/sbin", "/usr/local/sbin")
"""Where programs of the system lie besides PATH."""


def found(name: str, needs: list[Requirement], node_modules: str) -> dict[str, str]:
    """Return where each of a server's needs is, by its name.

    Raises TrialFailed, naming what is missing and how to install it.
    """
    places = {}
    for need in needs:
        place = _place_of(need, node_modules)
        if place is None:
            raise TrialFailed(f"{name} needs {_spelled(need)}, which is not installed: {need.cure}")
        places[need.name] = place
    return places


def node_directories(node_modules: str) -> list[Path]:
    """Return where packages of Node.js are looked for: the place that was named, else NODE_PATH and where we are."""
    if node_modules:
        return [Path(node_modules).resolve()]
    named = [Path(one) for one in os.environ.get("NODE_PATH", "").split(os.pathsep) if one]
    return [*named, Path.cwd() / "node_modules", Path("/usr/share/nodejs"), Path("/usr/lib/node_modules")]


def _spelled(need: Requirement) -> str:
    if need.program:
        return f"the program {need.program}"
    if need.module:
        return f"the Python module {need.module}"
    return f"the package {need.node} of Node.js" if need.node else f"the file {Path(need.files[0]).name}"


def _place_of(need: Requirement, node_modules: str) -> str | None:
    if need.program:
        return shutil.which(need.program, path=os.pathsep.join([os.environ.get("PATH", ""), *PLACES]))
    if need.module:
        return need.module if importlib.util.find_spec(need.module) is not None else None
    if need.node:
        places = (one for one in node_directories(node_modules) if (one / need.node / "package.json").is_file())
        return next(map(str, places), None)
    return next((file for file in need.files if Path(file).is_file()), None)
