"""What a trial says of a value, for each part that can be at its limit."""

from typing import Any

import pytest
from msgspec.structs import replace

from tests.wirerace.analysis.good import GOOD, changed, judged
from wirerace.analysis.capacity.mark import BLAMED, Mark, mark_of, mark_of_failure, spent_of
from wirerace.analysis.validity.parts import NAMES
from wirerace.analysis.validity.verdict import CHECKS
from wirerace.experiment.objective import Objective, objectives_in
from wirerace.record.parts import PartRecord
from wirerace.record.result import Failure
from wirerace.record.trial import Finding, Trial, Verdict


def objectives(*texts: str) -> list[Objective]:
    return list(objectives_in(list(texts), "capacity.objectives"))


MET, MISSED = objectives("latency.p99 < 0.2"), objectives("latency.p99 < 0.001")
P99 = 0.0105


def with_verdict(trial: Trial = GOOD) -> Trial:
    return replace(trial, verdict=judged(trial))


def mark(trial: Trial, wanted: list[Objective] = MISSED, cpus: float = 1.0) -> Mark:
    return mark_of(with_verdict(trial), wanted, cpus)


def saying(part: str, what: str = "it was seen", **changes: Any) -> Trial:
    """Return a trial with one reason, about this part."""
    return replace(GOOD, verdict=Verdict(valid=False, findings=[Finding("reason", what, part=part)]), **changes)


def test_trial_that_keeps_to_all_objectives_is_met() -> None:
    assert Mark("met", None, "", P99) == mark(GOOD, objectives("latency.p99 < 0.2", "latency.mean < 0.2"))


def test_one_objective_that_is_missed_is_enough_and_the_value_is_the_first_ones() -> None:
    found = mark(GOOD, objectives("latency.p99 < 0.2", "latency.mean < 0.001"))

    assert ("missed", "none", P99) == (found.says, found.by, found.value)
    assert "latency.mean < 0.001" in found.why


@pytest.mark.parametrize(
    ("path", "value", "cpus", "why"),
    [
        ("server.throttled_seconds", 5.0, 0.2, "the server's quota was used up 50 % of the time"),
        ("server.cpu_seconds", 9.0, 1.0, "the server was busy 90 % of the time that it may use"),
        ("server.cpu_seconds", 1.8, 0.2, "the server was busy 90 % of the time that it may use"),
        ("parts", {"server": PartRecord(1, 0.0)}, 1.0, "the server died and was started again, once"),
    ],
)
def test_objective_that_is_missed_with_a_server_at_its_limit_is_the_servers(
    path: str, value: Any, cpus: float, why: str
) -> None:
    assert Mark("missed", "server", why, P99) == mark(changed(path, value), cpus=cpus)


@pytest.mark.parametrize(
    ("path", "value"), [("server.throttled_seconds", 5.0), ("server.cpu_seconds", 9.0), ("late_polls", 60)]
)
def test_objective_that_is_met_with_a_server_at_its_limit_is_met(path: str, value: Any) -> None:
    assert "met" == mark(changed(path, value), MET).says


@pytest.mark.parametrize("seconds", [0.5, 1.0, 7.9, None])
def test_objective_that_is_missed_with_an_idle_server_is_nobodys(seconds: float | None) -> None:
    """Also if the server's time is unknown: nothing is blamed without evidence."""
    found = mark_of(changed("server.cpu_seconds", seconds), MISSED, 1.0)
    assert ("void", "trial") == (found.says, found.by), "a trial that was not judged does not count"
    found = mark(changed("server.cpu_seconds", seconds))

    assert ("missed", "none", "latency.p99 < 0.001 is missed") == (found.says, found.by, found.why)


@pytest.mark.parametrize(
    ("path", "value", "by"),
    [
        ("load.busiest_utilisation", 0.9, "load"),
        ("parts", {"load": PartRecord(1, 0.0)}, "load"),
        ("parts", {"browser": PartRecord(1, 0.0)}, "load"),
        ("load.waited_seconds", 9.0, "machine"),
        ("server.waited_seconds", 3.0, "machine"),
        ("machine.stolen_cores", 0.5, "machine"),
        ("machine.memory_stalled_fraction", 0.2, "machine"),
        ("machine.clock_stepped_seconds", -0.001, "machine"),
        ("parts", {"wirerace": PartRecord(0, 3.0)}, "machine"),
        ("parts", {"proxy": PartRecord(1, 0.0)}, "machine"),
        ("producer.late_seconds_p99", 0.2, "producer"),
        ("producer.late_seconds_max", 0.6, "producer"),
        ("parts", {"producer": PartRecord(1, 0.0)}, "producer"),
        ("updates", 99, "producer"),
    ],
)
@pytest.mark.parametrize("wanted", [MET, MISSED], ids=["met", "missed"])
def test_trial_in_which_another_part_was_at_its_limit_does_not_count(
    path: str, value: Any, by: str, wanted: list[Objective]
) -> None:
    """Whatever its figures: with a busy load or machine they are not the server's."""
    found = mark(changed(path, value), wanted)

    assert ("void", by, P99) == (found.says, found.by, found.value)
    assert found.why


def test_every_part_that_a_finding_may_name_is_known() -> None:
    """A part that is in none of the lists would be taken for the server's."""
    checks = {check.__module__.rpartition(".")[2] for check in CHECKS} | {"theory"}
    of_server = {"server", "parts", "network", "measured", "trend", "clients", "messages", "theory", "visits"}

    assert checks | set(NAMES) == set(BLAMED) | of_server
    assert not set(BLAMED) & of_server


@pytest.mark.parametrize("part", sorted(BLAMED))
def test_blamed_part_makes_a_trial_void_with_what_was_seen(part: str) -> None:
    assert Mark("void", BLAMED[part], "it was seen", P99) == mark_of(saying(part), MET, 1.0)


@pytest.mark.parametrize("changes", [{"lost": 1}, {"duplicated": 1}, {"reordered": 1}])
def test_updates_that_are_not_whole_miss_every_objective(changes: dict[str, int]) -> None:
    found = mark(replace(GOOD, **changes), MET)

    assert ("missed", "server") == (found.says, found.by)
    assert found.why


def test_clients_that_were_turned_away_are_a_miss_by_the_server() -> None:
    found = mark(changed("failed_connects", 3), MET)

    assert ("missed", "server", "clients failed to connect 3 times") == (found.says, found.by, found.why)


@pytest.mark.parametrize("wanted", ["latency.p99 < 0.2", "latency.p99 > 0"])
def test_figure_that_is_unknown_is_missed_and_nobodys(wanted: str) -> None:
    found = mark(changed("latency_seconds.p99", None), objectives(wanted))

    assert ("missed", "none", None) == (found.says, found.by, found.value)
    assert "latency.p99 is not known" in found.why


@pytest.mark.parametrize("updates", [0, 2])
def test_trial_with_hardly_an_update_does_not_count(updates: int) -> None:
    found = mark_of(replace(GOOD, updates=updates, verdict=Verdict(valid=False)), MET, 1.0)

    assert ("void", "trial") == (found.says, found.by)


@pytest.mark.parametrize("weight", ["doubt", "unchecked"])
def test_doubt_about_the_load_does_not_make_a_trial_void(weight: Any) -> None:
    doubtful = Verdict(valid=True, findings=[Finding(weight, "it was busy", part="load")])

    assert "met" == mark_of(replace(GOOD, verdict=doubtful), MET, 1.0).says


@pytest.mark.parametrize("part", ["", "network", "trend", "theory"])
def test_reason_that_follows_from_an_overload_is_no_evidence_of_one(part: str) -> None:
    """Results of older versions name no part."""
    assert ("missed", "none") == mark_of(saying(part), MISSED, 1.0)[:2]


def test_server_that_is_busy_below_its_limit_is_not_spent() -> None:
    assert "" == spent_of(changed("server.cpu_seconds", 1.5), 0.2)
    assert "" != spent_of(changed("server.cpu_seconds", 1.7), 0.2)


@pytest.mark.parametrize(("part", "says", "by"), [
    ("server", "missed", "server"), ("load", "void", "load"), ("", "void", "trial"), ("producer", "void", "trial"),
])  # fmt: skip
def test_failure_counts_only_if_the_server_was_at_its_limit(part: str, says: str, by: str) -> None:
    assert (says, by, "it broke", None) == mark_of_failure(Failure("a", 1, "it broke", 0, part))
