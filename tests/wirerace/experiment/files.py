"""Experiment files to be read: the shortest one, how a test writes one, and the line that refuses one."""

from pathlib import Path

import pytest

from wirerace.errors import BadInput
from wirerace.experiment.reading import read_experiment

LEAST = 'title = "Least"\ntransports = ["polling", "websocket"]\n'


def written(directory: Path, text: str) -> Path:
    path = directory / "experiment.toml"
    path.write_text(text, "utf-8")
    return path


def refusal_of(path: Path, *overrides: str) -> str:
    with pytest.raises(BadInput) as refusal:
        read_experiment(path, overrides)
    return str(refusal.value)
