"""result.json: what an experiment found, as values; a promise to other programs."""

import contextlib
import os
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from wirerace.decoding import convert, decode_json
from wirerace.errors import BadInput, shown
from wirerace.experiment.model import VARIANT_NAME, Link
from wirerace.files import read_file
from wirerace.observe.account import AccountRecord, Outcome, Window
from wirerace.record.checkup import Checkup
from wirerace.record.samples import Measured
from wirerace.record.trial import Trial
from wirerace.system import blamed_on
from wirerace.transports import TRANSPORTS
from wirerace.workload.schedule import Source, Truth

SCHEMA = 3
READABLE = (2, SCHEMA)
"""Schema 2 had labels as keys of the summary's figures; the trials are as they are now."""
FILE_NAME = "result.json"


class Failure(msgspec.Struct, frozen=True):
    """A trial that could not be completed."""

    transport: str
    repeat: int
    reason: str
    variant: str = ""


class Interval(msgspec.Struct, frozen=True):
    """A mean over repeats and the ends of its confidence interval, None with fewer than three; or the sum of counts."""

    mean: float | None
    low: float | None
    high: float | None


class Compared(msgspec.Struct, frozen=True):
    """A figure of `one` against `other`, repeat by repeat: mean ratio, None where one is not above 0, and difference.

    Both have intervals from pairs: what a repeat's schedule or the hour did to both cancels. Each interval holds with
    its `confidence`; those of `primary` figures are wider, so that all of them together hold with the summary's.
    """

    figure: str
    one: str
    other: str
    ratio: Interval | None
    difference: Interval
    primary: bool = False
    confidence: float = 0.95


class Declared(msgspec.Struct, frozen=True):
    """What a figure is: its unit, which direction is better, and what to call it."""

    unit: str
    better: Literal["less", "more"]
    label: str
    about: str
    primary: bool


class Summary(msgspec.Struct, frozen=True):
    """Figures over repeats, by contestant and by id, and every contestant compared with the first.

    `declared` says what each figure is; `primary_comparisons` counts those that share the risk of an error;
    `invalid_trials` counts trials that are in the figures and are not to be believed.
    """

    repeats: int
    confidence: float
    figures: dict[str, dict[str, Interval]]
    compared: list[Compared]
    declared: dict[str, Declared] = {}
    primary_comparisons: int = 0
    invalid_trials: int = 0


class Host(msgspec.Struct, frozen=True):
    """Where it ran, and the commit of the code, which is None outside a checkout."""

    cores: int
    kernel: str
    python: str
    packages: dict[str, str]
    cpu_model: str | None = None
    revision: str | None = None


class ExperimentFile(msgspec.Struct, frozen=True):
    """The file that an experiment was read from: its name, and the SHA-256 of what it holds, in hexadecimal."""

    name: str
    sha256: str


class Result(msgspec.Struct, kw_only=True):
    """All of result.json. `experiment` is as resolved, with every default; `warnings` say what colours the result.

    `experiment_file` is what it was read from, None of one that is built in or came through a pipe.
    `checkup` is the machine at rest, before the first trial; `trials` are in the order in which they ran, `discarded`
    the repeats that do not count.
    """

    schema: int = SCHEMA
    wirerace: str
    experiment: dict[str, Any]
    experiment_file: ExperimentFile | None = None
    host: Host
    checkup: Checkup | None = None
    started_at: str
    warnings: list[str] = []
    trials: list[Trial] = []
    discarded: list[int] = []
    summary: Summary | None = None
    failures: list[Failure] = []

    def is_valid(self, repeat: int) -> bool:
        """Tell whether every trial of a repeat that has been run was completed and is valid."""
        return all(failure.repeat != repeat for failure in self.failures) and all(
            trial.is_valid for trial in self.trials if trial.repeat == repeat
        )

    @property
    def is_enough(self) -> bool:
        """Tell whether there are as many valid repeats as were asked for."""
        wanted = self.experiment.get("valid_repeats")
        return wanted is None or len({trial.repeat for trial in self.counted}) >= wanted

    @property
    def counted(self) -> list[Trial]:
        """The trials that count: those of repeats that were not discarded."""
        return [trial for trial in self.trials if trial.repeat not in self.discarded]


class _Schema(msgspec.Struct):
    schema: int


class _Clients(msgspec.Struct):
    count: int
    shape: str = "steady"


class _WindowOptions(msgspec.Struct):
    measure_seconds: float


class _Outline(msgspec.Struct, kw_only=True):
    """What a report says of an experiment; the rest may be of another version."""

    title: str
    transports: list[str] = []
    variants: dict[str, Any] = {}
    valid_repeats: int | None = None
    producer: Source
    clients: _Clients
    window: _WindowOptions


class Raw(msgspec.Struct, frozen=True):
    """What a trial's figures were computed from: raw/<repeat>-<transport>[-<variant>].json.

    `truth` reaches from the priming update to the end of the window, `measured` is what was sampled around it, `link`
    the way between clients and server.
    """

    window: Window
    account: AccountRecord
    truth: Truth
    measured: Measured
    link: Link = Link()


def write_json(path: Path, value: object) -> None:
    """Write `value` so that a reader sees the old file or the new one, never a part, and the old one stays on failure.

    Raises SystemFault when it cannot be written.
    """
    encoded = msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
    partial = path.with_name(path.name + ".part")
    with blamed_on(path):
        try:
            with partial.open("wb") as file:
                file.write(encoded)
                file.flush()
                os.fsync(file.fileno())  # some file systems find out only now that there is no space
            partial.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            raise


def read_result(place: Path) -> Result:
    """Return a result, given its file, or the directory that it is in.

    Raises BadInput when there is none, or none that this version can read.
    """
    path = place if place.is_file() or place.name == FILE_NAME else place / FILE_NAME
    encoded = read_file(path, f"give the directory of a run, or its {FILE_NAME}")
    try:
        schema = decode_json(encoded, _Schema).schema
        if schema in READABLE:
            result = decode_json(encoded, Result)
            if schema != SCHEMA:  # what it has of labels is computed again from the trials
                result = msgspec.structs.replace(result, schema=SCHEMA, summary=None)
            convert(result.experiment, _Outline, "experiment")
            _check_trials(result)
            return result
    except BadInput as error:
        raise BadInput(f"{path}: no result of Wirerace: {error}") from None
    raise BadInput(f"{path}: schema {shown(schema)}; this version reads {' and '.join(map(str, READABLE))}")


def _check_trials(result: Result) -> None:
    """Check what types do not tell of trials, and everything that reads them relies on."""
    outcomes = get_args(Outcome)
    for number, trial in enumerate(result.trials):
        if trial.transport not in TRANSPORTS:
            raise BadInput(f"trials[{number}].transport: there is no {shown(trial.transport)}")
        if trial.variant and not VARIANT_NAME.fullmatch(trial.variant):
            raise BadInput(f"trials[{number}].variant: {shown(trial.variant)} is no name of a variant")
        if missing := [outcome for outcome in outcomes if outcome not in trial.responses]:
            raise BadInput(f"trials[{number}].responses: {missing[0]} is missing")
