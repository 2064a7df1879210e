"""The verdict on processes that died, were throttled or waited, and on ledgers that were closed too early."""

import msgspec
import pytest

from tests.wirerace.analysis.good import EXPERIMENT, GOOD, IDLE, SECOND, STEADY, WINDOW, changed, judged, with_account
from wirerace.analysis.validity import cores
from wirerace.experiment.faults import Fault
from wirerace.observe.account import ProcessUse
from wirerace.record.parts import PartRecord
from wirerace.workload.truth import EpochMade


def test_load_process_that_was_throttled_most_decides() -> None:
    load = msgspec.structs.replace(GOOD.load, processes=2)
    throttled = msgspec.structs.replace(IDLE, throttled_seconds=0.5)
    raw = with_account(processes=[IDLE, throttled], closed_ns=2 * STEADY.account.closed_ns)

    assert ["the load was throttled 5 % of the time"] == [
        reason.partition(":")[0] for reason in judged(msgspec.structs.replace(GOOD, load=load), raw).reasons
    ]


def test_throttling_is_unchecked_when_one_load_process_does_not_know() -> None:
    raw = with_account(processes=[msgspec.structs.replace(IDLE, throttled_seconds=None)])

    assert ["throttling of the load"] == judged(raw=raw).unchecked


@pytest.mark.parametrize(("processes", "missing"), [([], "2 of 2"), ([IDLE], "1 of 2")])
def test_load_process_that_could_not_sample_itself_is_a_reason(processes: list[ProcessUse], missing: str) -> None:
    load = msgspec.structs.replace(GOOD.load, processes=2)
    raw = with_account(processes=processes, closed_ns=2 * STEADY.account.closed_ns)
    (reason,) = judged(msgspec.structs.replace(GOOD, load=load), raw).reasons

    assert reason.startswith(f"{missing} load processes sampled themselves too late")


def test_producer_that_died_is_a_reason_whatever_it_made_afterwards() -> None:
    epochs = [*STEADY.truth.epochs, EpochMade("e2", [1], [WINDOW.from_ns + 5], [0])]
    raw = msgspec.structs.replace(STEADY, truth=msgspec.structs.replace(STEADY.truth, epochs=epochs))

    assert ["the producer died and was started again"] == [
        reason.partition(":")[0] for reason in judged(raw=raw).reasons
    ]


def test_waiting_that_is_nothing_of_the_window_is_none() -> None:
    server = msgspec.structs.replace(GOOD.server, cpu_seconds=0.001, waited_seconds=0.019)

    assert judged(msgspec.structs.replace(GOOD, server=server)).valid


def test_producer_whose_restart_was_seen_is_one_reason() -> None:
    epochs = [*STEADY.truth.epochs, EpochMade("e2", [1], [WINDOW.from_ns + 5], [0])]
    raw = msgspec.structs.replace(STEADY, truth=msgspec.structs.replace(STEADY.truth, epochs=epochs))

    assert 1 == len(judged(changed("parts", {"producer": PartRecord(1, 0.0)}), raw).reasons)


def test_ledgers_that_were_closed_at_the_windows_end_have_everything() -> None:
    assert judged(raw=with_account(closed_ns=[WINDOW.to_ns])).valid


def test_ledgers_that_were_closed_before_the_windows_end_are_a_reason() -> None:
    """Another process ended the load half a second into the window."""
    (reason,) = judged(raw=with_account(closed_ns=[WINDOW.from_ns + SECOND // 2])).reasons

    assert reason.startswith("1 of 1 load processes closed their ledgers 9.5 s before the window's end")


def test_ledgers_that_were_never_closed_are_a_reason() -> None:
    (reason,) = judged(raw=with_account(closed_ns=[])).reasons

    assert reason.startswith("1 of 1 load processes did not close their ledgers")


def test_polls_that_are_late_because_the_server_was_made_to_stand_still_are_excused() -> None:
    late = changed("late_polls", 145)
    stalled = msgspec.structs.replace(
        EXPERIMENT, faults=[Fault(kind="stall", on="server", at_seconds=1.0, lasts_seconds=1.4)]
    )

    assert not judged(late).valid
    assert [] == judged(late, experiment=stalled).findings
    assert not judged(changed("late_polls", 200), experiment=stalled).valid


def test_nobody_is_throttled_for_longer_than_the_window() -> None:
    """The kernel adds the throttled time of all cores."""
    (finding,) = cores.throttled("the server", 10.4, 10.0)

    assert "the server was throttled 100 % of the time" == finding.what
