"""What a client that left is expected to have: everything up to its last cursor, and everything older than a grace."""

import pytest
from msgspec.structs import replace

from tests.wirerace.analysis.records import MS, PLAN, WINDOW, made, part, recorded, sampled, truth_of
from tests.wirerace.trials import NOTHING_MEASURED, NOTHING_SPENT
from wirerace.analysis.expected import Expected, expected_of
from wirerace.experiment.paths import NetworkPath
from wirerace.experiment.patience import return_seconds
from wirerace.observe.account import AccountRecord
from wirerace.record.parts import PartRecord
from wirerace.record.result import Raw
from wirerace.record.samples import Measured

TRUTH = truth_of(made(11, 12, 13, 14))


def expected(left_seconds: float, measured: Measured = NOTHING_MEASURED, **account: object) -> int:
    """Return how many updates a client is expected to have that left then, and received nothing after the first."""
    left = [part("e0", 1, "e0", 1, left_seconds=left_seconds)]
    return expected_of(PLAN, Raw(WINDOW, replace(AccountRecord(partly=left), **account), TRUTH, measured))[1]


def test_client_that_leaves_after_a_break_is_expected_to_have_less_by_the_time_to_come_back() -> None:
    """Its grace is 2 s without a break: the plan's poll interval is 1 s, and 1 s is to spare."""
    back_seconds = return_seconds(NetworkPath())
    restarted = replace(NOTHING_MEASURED, parts={"load": PartRecord(0, 0.0), "server": PartRecord(1, 0.0)})
    quiet = replace(NOTHING_MEASURED, parts={"server": PartRecord(0, 0.0)})

    assert 2 == expected(15.1, quiet)
    for left_seconds, count in ((12 + 2 + back_seconds - 0.1, 0), (13 + 2 + back_seconds + 0.1, 2)):
        assert count == expected(left_seconds, restarted)
        assert count == expected(left_seconds, returning=recorded([MS]))


@pytest.mark.parametrize(("waited_seconds", "count"), [(None, 2), (0.0, 2), (0.2, 1), (1.0, 1), (1.2, 0)])
def test_client_that_leaves_a_server_that_waited_for_a_core_is_expected_to_have_less(
    waited_seconds: float | None, count: int
) -> None:
    """What the server had waited before the window says nothing of it."""
    waited = None if waited_seconds is None else 9 + waited_seconds
    before = replace(NOTHING_SPENT, waited_seconds=9.0)

    assert count == expected(15.1, sampled(before, replace(before, waited_seconds=waited)))


def test_client_that_comes_and_leaves_in_a_later_epoch_is_expected_to_have_what_lies_between() -> None:
    truth = truth_of(made(11, 12), made(13, 14, 15, epoch="e1"), made(16, epoch="e2"))
    account = AccountRecord(partly=[part("e1", 1, "e1", 2)])

    assert Expected(6, 1, 0) == expected_of(PLAN, Raw(WINDOW, account, truth, NOTHING_MEASURED))
