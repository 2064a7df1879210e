"""The verdict on messages: late ones, lost ones, and a server whose account of them cannot be true."""

from typing import Any

import pytest
from msgspec.structs import replace

from tests.wirerace.analysis.good import EXPERIMENT, GOOD, STEADY, changed, judged
from tests.wirerace.messaged import MESSAGES, RELAYED
from wirerace.record.durations import Times
from wirerace.record.parts import PartRecord
from wirerace.record.trial import Verdict
from wirerace.workload.upstream import Upstream

SENDING = replace(EXPERIMENT, upstream=Upstream(rate_per_second=1.0))


def verdict_on(**changes: Any) -> Verdict:
    return judged(replace(GOOD, messages=replace(MESSAGES, **changes)), STEADY, SENDING)


def test_messages_that_went_well_are_valid_without_a_doubt() -> None:
    assert Verdict(valid=True) == replace(verdict_on(), findings=[])


def test_no_message_is_a_reason() -> None:
    assert ["no message was due in the window: every figure of messages rests on them"] == verdict_on(due=0).reasons


@pytest.mark.parametrize(("p99", "weight"), [(0.009, ""), (0.02, "doubt"), (0.2, "reason")])
def test_load_that_wakes_late_for_messages_is_found(p99: float, weight: str) -> None:
    found = verdict_on(late_seconds=Times(100, p99, p99, p99, p99))

    assert [weight] * bool(weight) == [finding.weight for finding in found.findings]


@pytest.mark.parametrize(("lost", "weight"), [(1, "doubt"), (51, "reason")])
def test_lost_messages_are_found(lost: int, weight: str) -> None:
    found = verdict_on(lost=lost, received=100 - lost)

    assert [(weight, f"{lost} % of the messages that were due did not reach the server")] == [
        (finding.weight, finding.what) for finding in found.findings
    ]


@pytest.mark.parametrize("name", ["unfounded", "invented", "impossible"])
def test_false_account_of_messages_makes_a_trial_invalid(name: str) -> None:
    found = verdict_on(**{name: 2})

    assert not found.valid
    assert found.reasons[0].startswith("2 messages were")


@pytest.mark.parametrize("name", ["unacknowledged", "stray", "foreign"])
def test_odd_answers_are_a_doubt(name: str) -> None:
    found = verdict_on(**{name: 2})

    assert (True, 1) == (found.valid, len(found.doubts))


def test_acknowledgements_may_be_lost_with_a_part_that_was_restarted() -> None:
    """The restart is a finding by itself."""
    trial = replace(changed("parts", {"server": PartRecord(1, 0.0)}), messages=replace(MESSAGES, unacknowledged=2))

    assert [] == judged(trial, STEADY, SENDING).doubts


def test_missing_record_is_said() -> None:
    unchecked = verdict_on(recorded=False).unchecked

    assert ["the server's record of messages: only acknowledgements are known"] == unchecked


def test_updates_from_messages_are_no_part_of_the_schedule() -> None:
    """The schedule is kept if what is left is what was due."""
    trial = replace(GOOD, updates=GOOD.updates + 7, messages=replace(RELAYED, updates=7))

    assert judged(trial, STEADY, replace(SENDING, upstream=Upstream(rate_per_second=1.0, fan_out=True))).valid
