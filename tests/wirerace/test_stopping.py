"""Signals raise one exception, once, and never interrupt a block that must be whole."""

import signal
import time
from collections.abc import Callable, Iterator

import pytest

from wirerace.stopping import LOST_SECONDS, NUMBERS, Stopped, optional, stoppable, whole


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Begin with the handlers of a fresh process, and put those of pytest back."""
    before = {number: signal.getsignal(number) for number in NUMBERS}
    for number in NUMBERS:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def stopped(number: int, before: Callable[[], None] = lambda: None) -> Stopped:
    """Return the exception of a signal, after another action."""

    def work() -> None:
        before()
        signal.raise_signal(number)

    return stop_of(work)


def stop_of(work: Callable[[], object]) -> Stopped:
    with pytest.raises(Stopped) as stop, stoppable():
        work()
    return stop.value


@pytest.mark.parametrize(("number", "code"), [(signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_stops_with_the_code_that_shells_give_it(number: int, code: int) -> None:
    assert code == stopped(number).code


def test_signals_after_the_first_do_not_disturb_the_cleaning_up() -> None:
    cleaned = []

    def work() -> None:
        try:
            signal.raise_signal(signal.SIGHUP)
        finally:
            for number in NUMBERS:
                signal.raise_signal(number)
                cleaned.append(number)

    assert 129 == stop_of(work).code
    assert NUMBERS == cleaned


def test_signals_after_a_stop_do_not_change_how_the_process_exits() -> None:
    stopped(signal.SIGTERM)
    for number in NUMBERS:
        signal.raise_signal(number)


def test_stop_waits_for_the_end_of_what_must_be_whole() -> None:
    done = []

    def work() -> None:
        with whole(), whole():
            signal.raise_signal(signal.SIGTERM)
            done.append("the end")
        done.append("never")

    assert 143 == stop_of(work).code
    assert ["the end"] == done


def test_error_in_what_must_be_whole_does_not_hide_the_stop() -> None:
    def work() -> None:
        with whole():
            signal.raise_signal(signal.SIGTERM)
            raise ValueError

    assert 143 == stop_of(work).code


def test_ignored_signal_stays_ignored_as_nohup_wants_it() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    assert 143 == stopped(signal.SIGTERM, before=lambda: signal.raise_signal(signal.SIGHUP)).code


def test_block_that_ends_by_itself_leaves_signals_as_they_were() -> None:
    with stoppable():
        pass
    assert [signal.SIG_DFL] * len(NUMBERS) == [signal.getsignal(number) for number in NUMBERS]


def test_stop_that_a_destructor_swallowed_is_raised_by_the_next_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    def swallowed() -> None:
        with pytest.raises(Stopped):
            signal.raise_signal(signal.SIGTERM)
        at = time.monotonic() + LOST_SECONDS
        monkeypatch.setattr("wirerace.stopping.time.monotonic", lambda: at)

    assert 130 == stopped(signal.SIGINT, before=swallowed).code


def test_signal_after_the_cleaning_up_ends_what_is_optional_and_nothing_else() -> None:
    done = []

    def work() -> None:
        try:
            signal.raise_signal(signal.SIGHUP)
        finally:
            with whole():
                signal.raise_signal(signal.SIGINT)
                done.append("the cleaning up")
            with optional():
                done.append("a report")
                signal.raise_signal(signal.SIGINT)
                done.append("never")
            signal.raise_signal(signal.SIGTERM)
            done.append("the end")

    assert 129 == stop_of(work).code
    assert ["the cleaning up", "a report", "the end"] == done


def test_what_is_optional_without_a_stop_is_stopped_as_anything_else() -> None:
    def work() -> None:
        with optional():
            signal.raise_signal(signal.SIGTERM)

    assert 143 == stop_of(work).code
