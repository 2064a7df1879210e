"""The record of a reproduction: reproduction.json, which lies beside result.json."""

from pathlib import Path

import msgspec

from wirerace.decoding import Misfit, decode_json
from wirerace.errors import BadInput
from wirerace.files import read_file
from wirerace.reproductions.check import Check

RECORD_NAME = "reproduction.json"


class ReproductionRecord(msgspec.Struct, frozen=True):
    """All of reproduction.json.

    `valid` says whether its trials are valid. `passed` says whether every check was passed; it is None when a trial
    could not be completed.
    """

    wirerace: str
    name: str
    source: str
    setup: str
    words: str
    valid: bool
    passed: bool | None
    checks: list[Check]

    @property
    def outcome(self) -> str:
        """The outcome in a few words."""
        if self.passed is None:
            return "FAIL: a trial was not completed, or updates were lost, duplicated or reordered"
        failed = [check for check in self.checks if check.passed is False]
        outcome = f"FAIL: {len(failed)} of the checks" if failed else "PASS"
        return outcome if self.valid else f"{outcome}, but on trials that are INVALID"


def read_record(path: Path) -> ReproductionRecord:
    """Return what was reproduced, and the outcome.

    Raises BadInput when the file is not there, or is no reproduction.
    """
    encoded = read_file(path, "give the path that wirerace reproduce printed")
    try:
        return decode_json(encoded, ReproductionRecord)
    except Misfit as misfit:
        raise BadInput(f"{path}: no reproduction of Wirerace: {misfit}") from None


def record_beside(directory: Path) -> ReproductionRecord | None:
    """Return the record in the directory of a run, None if that is no reproduction.

    Raises BadInput when it is damaged.
    """
    path = directory / RECORD_NAME
    return read_record(path) if path.exists() else None
