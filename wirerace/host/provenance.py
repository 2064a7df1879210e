"""Where a result comes from: the machine, the code's revision, and the experiment's file."""

import hashlib
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

from wirerace.errors import printable
from wirerace.host.limits import cpu_model
from wirerace.record.result import ExperimentFile, Host

PACKAGES = ("aiohttp", "gevent", "httptools", "locust", "msgspec", "uvloop")
ROOT = Path(__file__).parents[2]
GIT_SECONDS = 10.0


def host() -> Host:
    """Return this machine and its software."""
    return Host(
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        packages={name: importlib.metadata.version(name) for name in PACKAGES},
        cpu_model=cpu_model(),
        revision=revision_of(ROOT),
    )


def revision_of(root: Path) -> str | None:
    """Return the commit that is checked out at `root`, with `-dirty` when files have been changed since.

    None outside a checkout. The revision of another repository around an installed package does not count.
    """
    top = _git(root, "rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != root.resolve():
        return None
    return _git(root, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")


def experiment_file(path: Path) -> ExperimentFile | None:
    """Return the name of an experiment's file and its hash; None for something else, such as a pipe."""
    try:
        content = path.read_bytes() if path.is_file() else None
    except OSError:
        return None
    return None if content is None else ExperimentFile(printable(path.name), hashlib.sha256(content).hexdigest())


def _git(root: Path, *arguments: str) -> str | None:
    """Return git's output, None when git is missing or fails."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(  # noqa: S603 -- the command is our own
            command, capture_output=True, text=True, timeout=GIT_SECONDS, check=False, env=own, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
