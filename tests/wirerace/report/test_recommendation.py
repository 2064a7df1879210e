"""The text of an advice: its sentence, a table that fits 80 columns, its notes."""

import itertools

import pytest

from tests.wirerace.cost_models import MODEL
from wirerace.analysis.cost_model.estimate import HostSize, Need, Prices, advised
from wirerace.analysis.cost_model.flips import flips_of
from wirerace.report.recommendation import COLUMNS, lines_of, number, seconds, sentence_of

PRICES = Prices()
FEW = Need(100, 0.05, 60.0)


def sentence(need: Need) -> str:
    return sentence_of(need, advised(MODEL, need, PRICES))


@pytest.mark.parametrize(
    ("need", "expected"),
    [
        (Need(100_000, 0.05, 5.0), "Take SSE: 100,000 clients get 0.05 updates a second within 5 s for about $15"),
        (
            Need(10_000, 10.0, 60.0),
            "Take plain polling, every 60 s: 10,000 clients get 10 updates a second within 60 s for",
        ),
        (Need(20_000, 2.0, 5.0), "WebSocket costs about the same, and is "),
        (Need(10_000, 3.0, 5.0, 10.0), " would cost "),
        (Need(1000, 1.0, 0.0105), "Plain polling cannot be fresh enough."),
        (Need(1000, 1.0, 0.0001), "No transport can do this: 1,000 clients get 1 update a second within 100 µs. The"),
    ],
)
def test_sentence_says_what_to_take_for_whom_and_for_how_much(need: Need, expected: str) -> None:
    assert expected in sentence(need)


def test_one_of_something_is_singular() -> None:
    assert "1 client gets 1 update a second within 5 s" in sentence(Need(1, 1.0, 5.0))


def test_sentence_names_the_cheapest_where_a_simpler_one_is_taken() -> None:
    assert "WebSocket is the cheapest, but it saves no more than a fifth." in sentence(Need(100_000, 0.05, 5.0))


@pytest.mark.parametrize(
    "need",
    [
        Need(clients, rate, fresh)
        for clients, rate, fresh in itertools.product((1, 3333, 1e9), (1e-6, 0.333, 1e4), (0.001, 33.33, 86_400))
    ],
)
def test_every_line_fits_80_columns(need: Need) -> None:
    advice = advised(MODEL, need, PRICES)

    for line in lines_of(MODEL, need, advice, [], HostSize()):
        assert len(line) <= COLUMNS, line


@pytest.mark.long
def test_answer_is_marked_and_the_notes_say_where_it_changes_and_how_good_the_model_is() -> None:
    need = Need(100_000, 0.05, 5.0)
    lines = lines_of(MODEL, need, advised(MODEL, need, PRICES), flips_of(MODEL, need, PRICES), HostSize())
    text = " ".join(lines)

    assert ["> SSE"] == [line[:5] for line in lines if line.startswith(">")], "within what was measured"
    assert "The answer changes to Polling below " in text
    assert "updates a second on" in text
    assert "from 80 trials, 3 of them not valid" in text


def test_replicas_and_hosts_are_a_note_where_one_server_is_not_enough() -> None:
    need = Need(10_000_000, 0.5, 5.0)
    text = " ".join(lines_of(MODEL, need, advised(MODEL, need, PRICES), [], HostSize(8.0, 32.0)))

    assert "Replicas of the server, on hosts of 8 cores and 32 GiB, with the error of the model: Polling " in text
    assert "Replicas" not in " ".join(lines_of(MODEL, FEW, advised(MODEL, FEW, PRICES), [], HostSize()))


def test_what_cannot_meet_the_need_and_what_was_not_measured_say_so() -> None:
    need = Need(2, 0.0001, 0.0105)
    text = " ".join(lines_of(MODEL, need, advised(MODEL, need, PRICES), [], HostSize()))

    assert "! Polling: too late." in text
    assert "Beyond what was measured: 2 clients a process (measured: 10 to 1e+06); 0.0001 updates" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.0123456, "0.0123"), (12.345, "12.3"), (1234.5, "1,230"), (99999, "100,000"), (1.5e6, "1.5M"),
     (2e10, "20G"), (0.00012, "1e-4"), (float("inf"), "–")],
)  # fmt: skip
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert text == number(value)


@pytest.mark.parametrize(
    ("value", "text"), [(2.5, "2.5 s"), (0.9996, "1 s"), (0.0023, "2.3 ms"), (1e-5, "10 µs"), (4.999, "5 s")]
)
def test_times_have_their_unit(value: float, text: str) -> None:
    assert text == seconds(value)
