"""How many inputs there were, in all processes: printed at the end of a long run."""

from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.fuzzing import INPUTS, counts


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def pytest_sessionfinish(session: pytest.Session) -> None:
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:  # a process of pytest-xdist, whose controller has no counts of its own
        output["fuzzed"] = counts


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    for name, count in getattr(node, "workeroutput", {}).get("fuzzed", {}).items():
        counts[name] += count


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if INPUTS:
        terminalreporter.write_line(f"fuzzed: {counts['inputs']:,} inputs, {counts['refused']:,} of them refused")
