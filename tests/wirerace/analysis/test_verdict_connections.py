"""The verdict on connections that broke or were cut, and on segments that were sent again."""

import msgspec
import pytest

from tests.wirerace.analysis.good import GOOD, MEASURED, STEADY, changed, judged
from wirerace.observe.account import Traffic
from wirerace.record.samples import Resent
from wirerace.record.trial import Verdict


def returned(*, cuts: int, breaks: int, came_back: int) -> list[str]:
    """Return the verdict on connections that were cut or broke."""
    back = msgspec.structs.replace(GOOD.return_seconds, count=came_back)
    found = judged(msgspec.structs.replace(GOOD, return_seconds=back, cuts=cuts, breaks=breaks))
    assert found.valid
    return [doubt.partition(":")[0] for doubt in found.doubts]


def test_connections_that_the_load_cut_and_that_came_back_are_no_doubt() -> None:
    assert [] == returned(cuts=5, breaks=0, came_back=5)


def test_connections_that_broke_are_a_doubt_even_when_as_many_that_were_cut_never_came_back() -> None:
    never = "3 of 8 connections that broke or were cut had not come back at the end"

    assert ["connections broke 3 times"] == returned(cuts=5, breaks=3, came_back=8)
    assert ["connections broke 3 times", never] == returned(cuts=5, breaks=3, came_back=5)
    for came_back in (0, 4):
        away = f"{5 - came_back} of 5 connections that broke or were cut had not come back at the end"
        assert [away] == returned(cuts=5, breaks=0, came_back=came_back)


def sent_again(resent: Resent | None, *, own: int, namespace: int | None, opened: int = 0) -> Verdict:
    """Return the verdict for a number of opened connections and of segments that were sent again."""
    trial = changed("bytes.retransmitted", own)
    counted = msgspec.structs.replace(trial.bytes, namespace_retransmitted=namespace)
    traffic = (Traffic(connections=200), Traffic(connections=200 + opened))
    account = msgspec.structs.replace(STEADY.account, traffic=traffic)
    measured = msgspec.structs.replace(MEASURED, resent=resent)
    raw = msgspec.structs.replace(STEADY, account=account, measured=measured)
    return judged(msgspec.structs.replace(trial, bytes=counted), raw)


def test_another_process_that_sends_segments_again_says_nothing_of_the_trial() -> None:
    """Every connection of the trial was read, and none has sent anything again."""
    assert [] == sent_again(Resent(0, 3, 0), own=0, namespace=5000, opened=3).findings


@pytest.mark.parametrize(
    ("resent", "own", "opened", "others"),
    [
        (None, 0, 0, 5000),  # a server in a container, whose namespace is its own
        (None, 2, 0, 5000),
        (Resent(0, 0, 1), 0, 0, 5000),
        (Resent(2, 0, 1), 2, 0, 4998),  # a connection has closed meanwhile
        (Resent(2, 1, 0), 2, 9, 4998),  # connections were opened and have closed meanwhile
    ],
)
def test_segments_sent_again_by_an_unknown_connection_are_a_doubt_at_most(
    resent: Resent | None, own: int, opened: int, others: int
) -> None:
    found = sent_again(resent, own=own, namespace=5000, opened=opened)

    assert found.valid
    assert f"{others} segments were sent again in the server's network namespace" in found.doubts[-1]


@pytest.mark.parametrize(("namespace", "doubts"), [(2, []), (3, ["1 segment was sent again"])])
def test_one_segment_of_an_unknown_sender_sent_again_is_a_doubt(namespace: int, doubts: list[str]) -> None:
    found = sent_again(Resent(2, 0, 1), own=2, namespace=namespace)

    assert doubts == [doubt.partition(" in the server's")[0] for doubt in found.doubts if "namespace" in doubt]


@pytest.mark.parametrize(("again", "found"), [(0, []), (1, ["1 segment was sent again beside 0 of the trial"])])
def test_connections_without_a_segment_in_the_window_may_have_sent_one_again(again: int, found: list[str]) -> None:
    counted = msgspec.structs.replace(GOOD.bytes, segments_in=0, segments_out=0, retransmitted=again)

    assert found == [finding.what for finding in judged(msgspec.structs.replace(GOOD, bytes=counted)).findings]


def test_what_a_server_sent_again_is_unchecked_when_it_is_not_counted() -> None:
    assert ["segments that the server sent again"] == sent_again(None, own=0, namespace=None).unchecked
    assert [] == sent_again(None, own=0, namespace=0).findings
