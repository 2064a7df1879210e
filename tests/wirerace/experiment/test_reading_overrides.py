"""Overrides: `--set` changes one key of an experiment, and is checked as the file is."""

from pathlib import Path

import pytest

from tests.refusals import lacking
from tests.wirerace.experiment.files import LEAST, refusal_of, written
from wirerace.experiment.reading import read_experiment


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("repeats=3", {"repeats": 3}),
        ("title=two words", {"title": "two words"}),
        ('title="3"', {"title": "3"}),
        ("title=a=b", {"title": "a=b"}),
        (" seed = 5 ", {"seed": 5}),
        ("title=1\nseed=2", {"title": "1\nseed=2"}),
        ('transports=["longpolling"]', {"transports": ["longpolling"]}),
    ],
)
def test_override_sets_a_key_as_toml_does(override: str, expected: dict[str, object], tmp_path: Path) -> None:
    experiment = read_experiment(written(tmp_path, LEAST), [override]).first

    assert expected == {key: getattr(experiment, key) for key in expected}


def test_override_reaches_into_a_table_with_or_without_one_in_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, LEAST + "[clients]\ncount = 5\nspawn_per_second = 6")
    experiment = read_experiment(path, ["clients.count=7", "window.warmup_seconds=0.5"]).first

    assert (7, 6.0, 0.5) == (
        experiment.clients.count,
        experiment.clients.spawn_per_second,
        experiment.window.warmup_seconds,
    )


def test_later_override_wins(tmp_path: Path) -> None:
    assert 3 == read_experiment(written(tmp_path, LEAST), ["seed=2", "seed=3"]).first.seed


@pytest.mark.parametrize("override", ["seed", "", "=3", ".seed=3", "clients.=3", "clients..count=3"])
def test_override_of_another_form_is_refused_with_an_example(override: str, tmp_path: Path) -> None:
    line = refusal_of(written(tmp_path, LEAST), override)

    assert [] == lacking(line, "--set", ["key=value", "clients.count=500", repr(override)]), line


def test_override_that_is_no_text_is_refused_before_it_is_found_in_a_result(tmp_path: Path) -> None:
    line = refusal_of(written(tmp_path, LEAST), "title=\udcff")

    assert [] == lacking(line, "--set", ["UTF-8", r"'title=\udcff'"]), line


def test_override_into_what_is_no_table_is_refused(tmp_path: Path) -> None:
    line = refusal_of(written(tmp_path, LEAST), "title.x=1")

    assert [] == lacking(line, "--set title.x=1", ["title", "no table"]), line


@pytest.mark.parametrize(
    ("override", "place", "facts"),
    [
        ("clients.count=many", "clients.count", ["whole number", "'many'"]),
        ("clients.count=" + "9" * 5000, "clients.count", ["whole number", f"'{'9' * 80}…"]),
        ("clients.count=" + "[" * 5000, "clients.count", ["whole number", f"'{'[' * 80}…"]),
        ("clients.count=2026-01-01", "clients.count", ["whole number", "datetime.date(2026, 1, 1)"]),
        ("clients.count=\x1b[2J", "clients.count", ["whole number", r"'\x1b[2J'"]),
        ("clients.count=", "clients.count", ["whole number", "''"]),
        ("clients=5", "clients", ["a table", "5"]),
        ("server.cpus=0.1", "server", ["did you mean servers.cpus?"]),
        ("client.count=5", "client", ["did you mean clients.count?"]),
        ("count=5", "count", ["did you mean clients.count?"]),
        (
            "clients.rate_per_second=5",
            "rate_per_second",
            ["[clients]", "did you mean producer.rate_per_second or upstream.rate_per_second?"],
        ),
        ("polling.hold_seconds=5", "hold_seconds", ["[polling]", "did you mean longpolling.hold_seconds?"]),
        ("clients.cuont=5", "cuont", ["[clients]", "did you mean count?"]),
        ("clients.number=5", "number", ["[clients]", "count, spawn_per_second, shape, browsers, steps, spike, ramp"]),
    ],
)
def test_override_is_checked_like_the_file(override: str, place: str, facts: list[str], tmp_path: Path) -> None:
    path = written(tmp_path, LEAST)

    line = refusal_of(path, override)
    assert line.startswith(f"{path}: ")
    assert [] == lacking(line.removeprefix(f"{path}: "), place, facts), line
