"""The sentence of the live page: it says what the numbers say now, and no more than they support."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.browser.scripts import Scripts

pytestmark = pytest.mark.browser

ASKING = {"Polling", "Long polling"}


def lane(title: str, latency_ms: float, cpu_ms: float = 3.0, **more: object) -> dict[str, object]:
    """Return what the sentence is made of, for a lane with twenty updates and a CPU time known to 0.1 ms."""
    cpu = {"mean": cpu_ms, "error": 0.1, "count": 20}
    interval = 1.0 if title == "Polling" else None
    own = {"title": title, "asks": title in ASKING, "latencies": [latency_ms] * 20, "cpu": cpu, "answers": []}
    return own | {"intervalSeconds": interval} | more


def sentence(scripts: Scripts, *lanes: dict[str, object], trouble: str | None = None, busy: bool = False) -> str:
    said: str = scripts.value("sentenceOf(...it)", [lanes, trouble, busy])
    return said


def test_sentence_compares_the_poll_with_all_that_push(scripts: Scripts) -> None:
    lanes = lane("WebSocket", 1.0), lane("SSE", 1.1, 3.4), lane("Polling", 504.0, 12.8), lane("Long polling", 2.0)
    said = sentence(scripts, *lanes)

    later = "Right now polling is 480 times later than a push by WebSocket or SSE: 504 ms against 1.1 ms on average."
    cpu = "The server of polling takes 4 times the CPU time: 12.80 ms against 3.20 ms a second."
    assert f"{later} Long polling: 2.0 ms. {cpu}" == said


@given(latencies=st.lists(st.floats(0.5, 50), min_size=5, max_size=5))
def test_sentence_names_the_same_rivals_whoever_is_ahead(scripts: Scripts, latencies: list[float]) -> None:
    titles = ("Polling", "Long polling", "SSE", "HTTP streaming", "WebSocket")
    said = sentence(scripts, *(lane(title, ms) for title, ms in zip(titles, latencies, strict=True)))

    assert re.match("Right now polling is .* a push by SSE, HTTP streaming or WebSocket: ", said)
    assert "Long polling: " in said


@pytest.mark.parametrize(
    ("ms", "words"),
    [(500.0, "500 times later than SSE"), (1.5, "about as late as"), (0.1, "10 times earlier than SSE")],
)
def test_sentence_says_who_is_later(scripts: Scripts, ms: float, words: str) -> None:
    assert words in sentence(scripts, lane("SSE", 1.0), lane("Polling", ms))


def test_sentence_compares_nothing_under_a_red_light(scripts: Scripts) -> None:
    said = sentence(scripts, lane("SSE", 1.0), lane("Polling", 500.0), trouble="SSE: its server stands still.")

    assert "Nothing is compared while the light is red. SSE: its server stands still." == said


def test_sentence_of_a_busy_computer_says_only_what_is_plain(scripts: Scripts) -> None:
    late = lane("Polling", 500.0) | {"intervalSeconds": 1.0}
    pushed = lane("SSE", 1.0) | {"asks": False}
    said = sentence(scripts, pushed, late, trouble="It is busy.", busy=True)

    plain = "Only this much is plain: half of the updates come by polling after 500 ms, by a push after 1.0 ms."
    assert f"Nothing is compared while the light is red. It is busy. {plain}" == said
    near = lane("SSE", 200.0) | {"asks": False}
    assert "plain" not in sentence(scripts, near, late, trouble="It is busy.", busy=True)


def test_sentence_does_not_tell_apart_what_the_numbers_do_not(scripts: Scripts) -> None:
    assert "cannot be told apart" in sentence(scripts, lane("SSE", 1.0, 3.0), lane("Polling", 500.0, 3.1))
    few = lane("Polling", 500.0, cpu={"mean": 9.0, "error": 0.1, "count": 3})
    assert "CPU" not in sentence(scripts, lane("SSE", 1.0), few)
    assert "25 % less CPU time" in sentence(scripts, lane("SSE", 1.0, 4.0), lane("Polling", 500.0, 3.0))
    assert "Too few updates" in sentence(scripts, lane("SSE", 1.0), lane("WebSocket", 1.0, latencies=[1.0] * 9))


def test_sentence_compares_what_there_is(scripts: Scripts) -> None:
    assert "SSE is 8 times later than WebSocket" in sentence(scripts, lane("SSE", 8.0), lane("WebSocket", 1.0))
    both = sentence(scripts, lane("Long polling", 2.0), lane("Polling", 8.0))
    assert both.startswith("Right now polling is 4 times later than long polling: ")
    assert "Long polling: " not in both


def test_sentence_says_what_answers_bring(scripts: Scripts) -> None:
    rare, often = (lane("Polling", 500.0, answers=answers) for answers in ([0] * 19 + [1], [20] * 20))

    assert sentence(scripts, lane("SSE", 1.0), rare).endswith("95 % of the answers of polling are empty.")
    assert sentence(scripts, lane("SSE", 1.0), often).endswith("One answer of polling brings 20 updates.")
