"""Runs `wirerace check` in this process."""

import sys
from collections.abc import Callable

import pytest

from wirerace import cli


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Return a function that runs the command in this process, and returns exit code, stdout and stderr."""

    def check(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["wirerace", "check", *arguments])
        code = cli._run()
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return check
