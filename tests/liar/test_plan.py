"""The plan's own arithmetic, against the definitions of RFC 4737 spelled out."""

import pytest

from tests.liar.plan import LIES, MS, Lie, Plan, percentile, stall_of


@pytest.mark.parametrize("lie", [*LIES.values(), stall_of(5)], ids=[*LIES, "stall"])
def test_lie_counts_what_its_turns_tell(lie: Lie) -> None:
    received: list[int] = []
    duplicated = reordered = bounds = 0
    for turn in lie.turns:
        for index, number in enumerate(turn):
            duplicated += number in received
            reordered += number not in received and any(earlier > number for earlier in received)
            bounds += number not in received and index < len(turn) - 1
            received.append(number)

    lost = len(set(range(len(lie.turns))) - set(received))
    assert (lost, duplicated, reordered, bounds) == lie[1:]
    assert all(number <= turn for turn, sent in enumerate(lie.turns) for number in sent), (
        "no update is sent before it is made"
    )


def test_story_tells_the_truth_outside_the_window_and_every_lie_within() -> None:
    plan = Plan(transport="polling", updates=200, gap_ns=MS, delay_ns=MS, lies=0.15)
    stories = list(plan.stories())

    for story in stories:
        assert len(plan.seqs) == len(story.turns)
        for seq in set(plan.seqs) - set(plan.measured):
            assert [seq] == story.turns[seq - 1]
    assert set(LIES.values()) <= {lie for story in stories for lie in story.lies}
    assert len(stories) == len({str(story.turns) for story in stories}), "everybody is lied to in another way"


def test_stalled_update_is_late_by_what_is_left_of_the_stall() -> None:
    plan = Plan(transport="polling", clients=1, updates=10, gap_ns=MS, delay_ns=MS, stall_seq=8, stall_turns=4)

    assert [1, 1, 1, 1, 1, 1, 2, 3, 4, 5] == [latency_ns // MS for latency_ns in plan.latencies_ns()]
    assert [1, 5] == [percentile(plan.latencies_ns(), percent) // MS for percent in (60, 99)]
