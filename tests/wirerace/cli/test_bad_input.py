"""Bad input gets one clear line and exit code 2, in every command. tests/test_cli.py runs a process, too."""

import sys
from pathlib import Path

import pytest

from wirerace import cli

ROOT = Path(__file__).parents[3]
FIRST_LOOK = str(ROOT / "experiments" / "first-look.toml")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["run", "nowhere.toml"], "nowhere.toml: No such file or directory; experiments/ has some to start from"),
        (["run", FIRST_LOOK, "--set", "clients.count=0"], "clients.count must be a whole number at least 1, got 0"),
        (["run", FIRST_LOOK, "--set", "clients.cuont=1"], "cuont is no key of [clients]; did you mean count?"),
        (["run", FIRST_LOOK, "--set", "nonsense"], "--set takes key=value such as clients.count=500, got 'nonsense'"),
        (["run", FIRST_LOOK, "--out", "."], "--out . holds something already: name a new directory"),
        (["show", "tests"], "tests/result.json: No such file or directory; give the directory of a run"),
        (
            ["reproduce", "cold-fusion"],
            "there is no reproduction 'cold-fusion'; there are kaazing, wrk2-stall, rfc6202, pull-interval, half",
        ),
        (["reproduce", "kaazing", "--out", "."], "--out . holds something already: name a new directory"),
        (["run"], "Missing argument 'FILE'"),
        (
            ["run", FIRST_LOOK, "--set", 'objectives=["speed < 1"]'],
            "objectives[0]: there is no figure 'speed'; did you mean superseded?",
        ),
        (
            ["run", FIRST_LOOK, "--set", 'objectives=["lost"]'],
            "objectives[0] must be a figure, one of < <= > >= ==, and",
        ),
        (
            ["run", FIRST_LOOK, "--junit", "nowhere/junit.xml"],
            "--junit nowhere/junit.xml: there is no directory nowhere",
        ),
        (["compare", "tests"], "Missing argument 'B'"),
        (["compare", "tests", "tests"], "tests/result.json: No such file or directory; give the directory of a run"),
        (
            ["compare", "a", "b", "--fail-if", "latency.p9 > 2x"],
            "there is no figure 'latency.p9'; did you mean latency.p99",
        ),
        (["compare", "a", "b", "--margin", "-1"], "--margin"),
        (["show", "tests", "--format", "xml"], "--format"),
        (["walk"], "No such command 'walk'"),
        (["run", FIRST_LOOK, "--sett", "x"], "No such option: --sett"),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(
    arguments: list[str], line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["wirerace", *arguments])

    assert 2 == cli._run()
    stderr = capsys.readouterr().err
    assert 1 == stderr.count("\n")
    assert stderr.startswith("wirerace: ")
    assert line in stderr
