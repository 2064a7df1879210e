"""Loss of packets: our own proxy ends TCP, so only the kernel can lose packets, by netem in a network namespace."""

import os
import platform
import shutil
from pathlib import Path

MODULES = Path("/lib/modules")
LOADED = Path("/sys/module")
LISTS = ("modules.builtin", "modules.dep")


def why_no_loss(modules: Path = MODULES, release: str | None = None, path: str | None = None) -> str:
    """Return why no target can lose packets, and what to do instead; the first that this machine lacks is named."""
    if not _has_netem(modules / (release or platform.release())):
        return "needs netem, which this kernel does not have (module sch_netem): leave loss out"
    if shutil.which("tc", path=path) is None:
        return "needs the program tc: leave loss out"
    if not hasattr(os, "geteuid") or os.geteuid():
        return "needs root, to make a network namespace with netem: leave loss out"
    return "is not available yet: leave loss out, or set netem yourself and measure a server that runs elsewhere"


def _has_netem(directory: Path) -> bool:
    """Return whether a kernel has the module, built in or to be loaded."""
    for name in LISTS:
        try:
            if "/sch_netem.ko" in (directory / name).read_text(errors="replace"):
                return True
        except OSError:
            continue
    return (LOADED / "sch_netem").exists()
