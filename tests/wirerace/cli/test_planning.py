"""Before a run: its plan, how long it takes, and the question before a long one."""

import io
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.wirerace.report.made_up import result_of, trial
from wirerace.cli.planning import confirm, print_plan, words_of
from wirerace.errors import BadInput
from wirerace.experiment.reading import read_experiment, study_of
from wirerace.experiment.settings import Study


def study(**keys: Any) -> Study:
    return study_of({"title": "t", "transports": ["polling", "websocket"], **keys}, Path())


THOUSAND = study(clients={"count": list(range(1, 501))})


class Terminal(io.StringIO):
    """A user in front of a terminal, with an answer."""

    def isatty(self) -> bool:
        return True


def test_plan_has_every_trial_and_the_file_with_every_default(capfd: pytest.CaptureFixture[str]) -> None:
    print_plan(study(repeats=3, clients={"count": [5, 10]}))
    printed = capfd.readouterr().out
    table, _, document = printed.partition("# The experiment, resolved:")

    assert all(
        f"{title} at clients.count = {count}" in table for title in ("Polling", "WebSocket") for count in (5, 10)
    )
    assert "12 trials, about 4 minutes" in table
    assert [5, 10] == tomllib.loads(document)["clients"]["count"]
    assert 1.0 == tomllib.loads(document)["polling"]["interval_seconds"]


@pytest.mark.long
def test_plan_of_a_large_grid_is_cut(capfd: pytest.CaptureFixture[str]) -> None:
    print_plan(THOUSAND)
    table = capfd.readouterr().out.partition("#")[0]

    assert len(table.splitlines()) < 80
    assert "… and 940 more" in table
    assert "1,000 trials, about 5.3 hours" in table


def test_words_say_what_is_left_of_a_run_that_was_interrupted() -> None:
    ran = result_of(*(trial(name, repeat) for repeat in range(1, 6) for name in ("polling", "websocket")))

    assert "12 trials, about 4 minutes" == words_of(study(repeats=6))
    assert "2 trials, about 38 s" == words_of(study(repeats=6), ran)
    assert words_of(study(valid_repeats=5)).startswith("at least 10 trials, ")


def test_words_say_that_the_stack_takes_longer(capfd: pytest.CaptureFixture[str]) -> None:
    """It restarts a container before each trial."""
    print_plan(study(), "compose")

    printed = capfd.readouterr().out
    assert all(seconds in printed for seconds in (" 25 s", " 23 s"))
    assert "2 trials, about 48 s" == words_of(study(), None, "compose")


def test_words_of_a_search_are_a_range() -> None:
    """A search like it took 65 trials and 18 minutes on the stack."""
    search = read_experiment(Path(__file__).parents[3] / "experiments" / "capacity.toml")

    assert "about 50 to 80 trials, about 13 to 24 minutes" == words_of(search, None, "compose")


def test_short_run_is_not_asked_about() -> None:
    confirm(study(), None, yes=False)


@pytest.mark.parametrize(
    "long", [THOUSAND, study(repeats=50), study(window={"measure_seconds": 1800})], ids=["grid", "repeats", "window"]
)
def test_long_run_without_a_terminal_is_refused_with_what_to_do(long: Study) -> None:
    with pytest.raises(BadInput, match=r"^this is [0-9,]+ trials, about .*: add --yes to run it, or --dry-run to see"):
        confirm(long, None, yes=False)
    confirm(long, None, yes=True)


@pytest.mark.parametrize(("answer", "runs"), [("y", True), ("yes", True), ("n", False), ("", False), ("no", False)])
def test_long_run_is_asked_about_in_a_terminal(answer: str, runs: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    said = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal(f"{answer}\n"))
    monkeypatch.setattr(sys, "stderr", said)
    if runs:
        confirm(THOUSAND, None, yes=False)
    else:
        with pytest.raises(BadInput, match="not run"):
            confirm(THOUSAND, None, yes=False)
    assert "This is 1,000 trials, about 5.3 hours. Run it? [y/N] " == said.getvalue()


@pytest.mark.long
def test_rest_of_a_long_run_may_be_short() -> None:
    ran = result_of(*(trial(name, repeat) for repeat in range(1, 50) for name in ("polling", "websocket")))

    confirm(study(repeats=50), ran, yes=False)
