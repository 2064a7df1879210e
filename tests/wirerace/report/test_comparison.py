"""Comparisons in words."""

import msgspec
import pytest
from rich.table import Table

from tests.wirerace.report.made_up import result_of, text_of, trial
from wirerace.analysis.aggregate import summarised
from wirerace.analysis.figure import FEWER, LESS, SOONER, YOUNGER, Words
from wirerace.analysis.figures import FIGURES
from wirerace.record.result import Interval
from wirerace.record.trial import Trial
from wirerace.report.comparison import comparison_of, words_of


def with_age(transport: str, repeat: int, mean: float) -> Trial:
    return trial(transport, repeat, age_seconds=msgspec.structs.replace(trial().age_seconds, mean=mean))


def compared(*trials: Trial) -> Table | None:
    result = result_of(*trials)
    return comparison_of(result, summarised(result))


def test_transports_are_compared_over_repeats() -> None:
    trials = [with_age(name, repeat, age) for repeat in (1, 2, 3) for name, age in (("polling", 1), ("websocket", 0.5))]
    text = text_of(compared(*trials))

    assert "Compared with Polling" in text
    assert "WebSocket mean age 2 times younger -500 ms" in text
    assert "intervals: 95 % for all 4 comparisons together, 98.8 % each" in text
    assert "exploratory, 95 % each, uncorrected" in text


def test_two_repeats_say_that_they_have_no_intervals() -> None:
    trials = [with_age(name, repeat, 1.0) for repeat in (1, 2) for name in ("polling", "websocket")]

    assert "fewer than 3 repeats: no intervals" in text_of(compared(*trials))


def test_one_repeat_is_not_compared() -> None:
    assert compared(with_age("polling", 1, 1.0), with_age("websocket", 1, 1.0)) is None


@pytest.mark.parametrize(
    ("ratio", "words", "said"),
    [
        ((0.0021, 0.00171, 0.00258), SOONER, "480 times sooner (390 to 580)"),
        ((0.45, 0.35, 0.55), YOUNGER, "2.2 times younger (1.8 to 2.9)"),
        ((3.0, 2.5, 3.6), SOONER, "3 times as late (2.5 to 3.6)"),
        ((1.64, 1.43, 1.89), FEWER, "64 % more (43 to 89 %)"),
        ((0.707, 0.574, 0.872), FEWER, "29 % fewer (13 to 43 %)"),
        ((1.9, 1.5, 2.4), LESS, "90 % more (50 to 140 %)"),
        ((1.2, 0.818, 1.76), LESS, "not told apart (0.82–1.8 ×)"),
        ((0.0033, None, None), SOONER, "300 times sooner"),
        ((1.0, None, None), LESS, "the same"),
        ((1.0, 1.0, 1.0), LESS, "the same"),
        ((1.0004, 1.0002, 1.0006), LESS, "0.04 % more (0.02 to 0.06 %)"),
        ((0.5, 0.5, 0.5), LESS, "2 times less"),
        ((1e-5, 1e-6, 1e-4), SOONER, "100000 times sooner (10000 to 1000000)"),
    ],
)
def test_ratio_is_said_with_the_word_for_its_direction(
    ratio: tuple[float, float | None, float | None], words: Words, said: str
) -> None:
    assert said == words_of(Interval(*ratio), words)


def test_ratio_that_is_unknown_is_a_dash() -> None:
    assert "–" == words_of(None, LESS)


def test_only_primary_figures_are_in_the_comparison() -> None:
    trials = [with_age(name, repeat, 1.0) for repeat in (1, 2, 3) for name in ("polling", "websocket")]
    text = text_of(compared(*trials))
    labels = [figure.label for figure in FIGURES if figure.label in text]

    assert ["mean age"] == labels
    assert "the same" in text
