"""Prometheus's own tool for rules, from the image of the stack."""

import subprocess
from pathlib import Path

IMAGE = "prom/prometheus:v3.5.3"


def promtool(directory: Path, *arguments: str) -> None:
    """Run promtool on files of a directory, and fail with its output."""
    mounted = ["--volume", f"{directory}:/rules:ro", "--volume", "/tmp", "--workdir", "/rules"]  # noqa: S108
    command = ["docker", "run", "--rm", *mounted, "--entrypoint", "/bin/promtool", IMAGE, *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
