"""Runs of `wirerace run --on kubernetes` on the tests' own cluster."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psutil

from tests.race.running import SMALL, Race
from tests.stack.cluster.asked import ApiCall
from tests.stack.cluster.cluster import NAMESPACE, Cluster
from tests.stack.compose import ROOT

PROGRAMS = ("kubectl", "helm")
RIGHTS = ("verb", "resource")
BROKER_IMAGE = "nats:2.10"  # the stack's own
VALUES = {"images": {"nats": BROKER_IMAGE}, "networkPolicy": {"enabled": False}, "dashboards": {"enabled": False}}
"""Without objects that the tests' cluster would not follow."""


def programs_path() -> str:
    """Return PATH with the programs of this environment before others: helm may be one of them."""
    return os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))


def missing_programs() -> list[str]:
    """Return which programs for clusters are missing."""
    return [name for name in PROGRAMS if shutil.which(name, path=programs_path()) is None]


def beyond_the_role(call: ApiCall) -> bool:
    """Return whether the role in docs/kubernetes.md does not give a right: no run may need it."""
    text = (ROOT / "docs" / "kubernetes.md").read_text()
    verbs, resources = (re.findall(rf"kubectl create role.*?--{name}=(\S+)", text, re.DOTALL) for name in RIGHTS)
    return call.verb not in verbs[0].split(",") or call.resource not in resources[0].split(",")


class ClusterRuns:
    """Starts runs in a cluster, in a directory of their own, and ends those that still run."""

    def __init__(self, cluster: Cluster, directory: Path) -> None:
        self.cluster = cluster
        self.values = directory / "values.json"
        self.values.write_text(json.dumps(VALUES))
        self._directory = directory
        self._races: list[Race] = []

    def start(self, *keys: str, experiment: str = SMALL, options: tuple[str, ...] | None = None) -> Race:
        """Start a run with some keys of its experiment replaced; without options with the tests' values."""
        directory = self._directory / str(len(self._races))
        directory.mkdir()
        overrides = [part for key in keys for part in ("--set", key)]
        more = ("--values", str(self.values)) if options is None else options
        self._races.append(Race(directory, experiment, "--on", "kubernetes", *more, *overrides))
        return self._races[-1]

    def close(self) -> None:
        """End them."""
        for race in self._races:
            race.close()

    def helm(self, *arguments: str) -> None:
        """Run helm as a user does."""
        subprocess.run(["helm", "--namespace", NAMESPACE, *arguments], check=True, capture_output=True)

    def left(self) -> list[str]:
        """Return what is left of runs: objects, containers besides, and processes of kubectl and helm."""
        return [*self.cluster.objects, *self.cluster.node.left, *self.processes()]

    def processes(self) -> list[str]:
        """Return the processes of kubectl and helm that runs have left."""
        found = []
        for process in psutil.process_iter(["cmdline", "environ"]):
            environment, command = process.info["environ"] or {}, process.info["cmdline"] or []
            is_ours = environment.get("KUBECONFIG") == str(self.cluster.configuration)
            if is_ours and command and Path(command[0]).name.startswith(PROGRAMS):
                found.append(" ".join(command))
        return found
