"""result.json: what an experiment found, as values; a promise to other programs."""

import os
from pathlib import Path
from typing import Any

import msgspec

from wirerace.account import AccountRecord, Window
from wirerace.errors import BadInput
from wirerace.experiment.samples import Measured
from wirerace.experiment.trial import Trial
from wirerace.schedule import Truth

SCHEMA = 2
FILE_NAME = "result.json"


class Failure(msgspec.Struct, frozen=True):
    """A trial that could not be completed."""

    transport: str
    repeat: int
    reason: str
    variant: str = ""


class Host(msgspec.Struct, frozen=True):
    """Where it ran."""

    cores: int
    kernel: str
    python: str
    packages: dict[str, str]


class Result(msgspec.Struct, kw_only=True):
    """All of result.json. `experiment` is as resolved, with every default; `warnings` say what colours the result.

    `trials` are in the order in which they ran; `discarded` are the repeats that do not count.
    """

    schema: int = SCHEMA
    wirerace: str
    experiment: dict[str, Any]
    host: Host
    started_at: str
    warnings: list[str] = []
    trials: list[Trial] = []
    discarded: list[int] = []
    failures: list[Failure] = []

    def is_valid(self, repeat: int) -> bool:
        """Tell whether every trial of a repeat that has been run was completed and is valid."""
        return all(failure.repeat != repeat for failure in self.failures) and all(
            trial.verdict is None or trial.verdict.valid for trial in self.trials if trial.repeat == repeat
        )

    @property
    def counted(self) -> list[Trial]:
        """The trials that count: those of repeats that were not discarded."""
        return [trial for trial in self.trials if trial.repeat not in self.discarded]


class _Schema(msgspec.Struct):
    schema: int


class Raw(msgspec.Struct, frozen=True):
    """What a trial's figures were computed from: raw/<repeat>-<transport>[-<variant>].json.

    `truth` reaches from the priming update to the end of the window, `measured` is what was sampled around it.
    """

    window: Window
    account: AccountRecord
    truth: Truth
    measured: Measured


def write_json(path: Path, value: object) -> None:
    """Write `value` so that a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    partial.replace(path)


def read_result(directory: Path) -> Result:
    """Return the result in a directory.

    Raises BadInput when there is none, or none that this version can read.
    """
    path = directory / FILE_NAME
    try:
        encoded = path.read_bytes()
        schema = msgspec.json.decode(encoded, type=_Schema).schema
        if schema != SCHEMA:
            raise BadInput(f"{path}: schema {schema}; this version reads {SCHEMA}")
        return msgspec.json.decode(encoded, type=Result)
    except OSError as error:
        raise BadInput(f"{path}: {os.strerror(error.errno or 0)}; give the directory of a run") from None
    except msgspec.DecodeError as error:
        raise BadInput(f"{path}: no result of Wirerace: {error}") from None
