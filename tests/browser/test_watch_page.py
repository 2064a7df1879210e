"""The live page in a real browser: it receives by every transport, loses nothing, and does what its controls say."""

import re

import pytest

from tests.browser.live import Open
from tests.race.playing import LivePage
from tests.race.running import wait_until
from wirerace.transports import TRANSPORTS
from wirerace.watch.page import FOLDER

pytestmark = pytest.mark.browser

SENTENCE_AND_TABLE = """
new Promise((resolve) => {
  const seen = [];
  const look = () => {
    const table = document.querySelector("#polling [data-figure=latency]").textContent.match(/mean ([^,]*)/)[1];
    const said = document.getElementById("sentence").textContent;
    if (said.includes(" a push by ")) seen.push([said, table]);
  };
  const observer = new MutationObserver(look);
  observer.observe(document.getElementById("sentence"), { childList: true, characterData: true, subtree: true });
  setTimeout(() => resolve(seen), 5000);
})
"""
"""The sentence and the mean in the table, at each change of the sentence in five seconds."""
MAIN = (FOLDER / "main.js").read_text("utf-8")
(KEEP_HEIGHT,) = re.findall(r"function keepHeight.*?^}", MAIN, re.DOTALL | re.MULTILINE)


def test_every_transport_receives_without_an_error_and_asks_nobody_else(opened: Open, live: LivePage) -> None:
    opened.until_more(than=40)

    assert dict.fromkeys(TRANSPORTS, (0, 0)) == {name: opened.ledger(name)[1:] for name in TRANSPORTS}
    assert [] == opened.errors
    own = {live.url, *(one["url"].rpartition("/")[0] for one in live.config()["transports"])}
    hosts = {re.sub("^ws:", "http:", url).rpartition("/")[0] for url in opened.asked if not url.startswith("data:")}
    assert hosts <= own


def test_page_is_isolated_so_its_timer_is_fine(opened: Open) -> None:
    assert opened.page.evaluate("crossOriginIsolated")
    assert "5 µs" == opened.page.locator("#timer-step").inner_text()


def test_lanes_are_open_and_show_their_figures(opened: Open) -> None:
    opened.until_more(than=40)
    wait_until(lambda: "ms a second" in opened.figure("websocket", "cpu"))

    assert {"sse": "open", "stream": "open", "websocket": "open", "longpolling": "held"} == {
        name: opened.stage(name) for name in TRANSPORTS if name != "polling"
    }
    for name, transport in TRANSPORTS.items():
        assert re.match(r"mean [\d.]+ m?s, median", opened.figure(name, "latency"))
        assert ("%" in opened.figure(name, "empty")) == transport.asks
        assert opened.lane(name).locator(".age").get_attribute("d")
    wait_until(lambda: " than a push by " in opened.page.locator("#sentence").inner_text())
    assert opened.page.locator("#axis .theory").first.get_attribute("d")


def test_cut_of_all_loses_nothing(opened: Open) -> None:
    opened.until_more()
    opened.page.get_by_role("button", name="Cut all connections").click()
    opened.until_more(than=40)

    assert dict.fromkeys(TRANSPORTS, (0, 0)) == {name: opened.ledger(name)[1:] for name in TRANSPORTS}
    assert "elieve these numbers" in opened.page.locator("#light").inner_text()  # a busy computer says more
    assert "Connections broke" in opened.page.locator("#reasons").inner_text()


@pytest.mark.parametrize("name", TRANSPORTS)
def test_cut_of_one_lane_connects_it_again_where_it_was(opened: Open, name: str) -> None:
    opened.until_more()
    opened.lane(name).get_by_role("button", name="Cut").click()
    opened.until_more(than=40)

    assert (0, 0) == opened.ledger(name)[1:]


@pytest.mark.parametrize("name", TRANSPORTS)
def test_cut_is_said_and_drawn_even_where_nobody_notices(opened: Open, name: str) -> None:
    opened.until_more()
    opened.lane(name).get_by_role("button", name="Cut").click()

    opened.lane(name).locator(".note").get_by_text(re.compile(r"Cut: (\d+ connection|no connection)")).wait_for()
    wait_until(lambda: bool(opened.lane(name).locator(".fault").get_attribute("d")))
    assert "cut" == opened.lane(name).locator(".fault-text").text_content()


def test_server_that_stands_still_makes_its_lane_wait_and_no_other(opened: Open) -> None:
    opened.until_more()
    opened.lane("websocket").get_by_role("button", name="Stall its server").click()
    opened.lane("websocket").get_by_text("its server stands still").wait_for()
    opened.lane("websocket").get_by_text(re.compile(r"made, \d+ not received yet \(oldest \d")).wait_for()
    assert "Do not believe these numbers" in opened.page.locator("#light").inner_text()
    assert opened.page.locator("#sentence").inner_text().startswith("Nothing is compared while the light is red.")
    wait_until(lambda: bool(opened.page.locator("#axis .waiting").last.get_attribute("d")))
    before = opened.received("sse")
    wait_until(lambda: opened.received("sse") > before + 5)
    opened.until_more(than=40)

    assert (0, 0) == opened.ledger("websocket")[1:]
    wait_until(lambda: "made" == opened.lane("websocket").locator(".strip text").first.text_content())


def test_pile_says_how_many_of_those_that_wait_it_draws(opened: Open, live: LivePage) -> None:
    live.send("PUT", "/schedule", {"rate_per_second": 100, "arrivals": "poisson"})
    opened.until_more()
    opened.lane("websocket").get_by_role("button", name="Stall its server").click()

    opened.lane("websocket").get_by_text(
        re.compile(r"made, \d{2,} not received yet \(oldest .*, 48 drawn\)")
    ).wait_for()
    opened.until_more(than=100)
    assert (0, 0) == opened.ledger("websocket")[1:]


def test_slider_is_moved_by_keys_and_changes_the_updates(opened: Open, live: LivePage) -> None:
    opened.until_more()
    slider = opened.slider("Updates")
    slider.focus()
    for _ in range(40):
        opened.page.keyboard.press("ArrowLeft")
    wait_until(lambda: live.state()["schedule"]["rate_per_second"] < 10)

    shown = slider.get_attribute("aria-valuetext") or ""
    wait_until(lambda: f"{live.state()['schedule']['rate_per_second']:g}/s" == shown)


def test_sentence_and_tables_say_the_same_at_every_instant(opened: Open) -> None:
    opened.until_more(than=40)
    seen = opened.page.evaluate(SENTENCE_AND_TABLE)

    assert len(seen) > 1, seen
    assert [] == [(said, table) for said, table in seen if f" {table} against " not in said]


def test_figures_stay_where_they_are_whatever_is_said_above(opened: Open) -> None:
    opened.until_more()
    places = set()
    for text in ("Short.", "A much longer sentence. " * 6, "Short."):
        opened.page.evaluate("(it) => { document.getElementById('sentence').textContent = it; }", text)
        places.add(opened.page.evaluate("document.getElementById('axis').getBoundingClientRect().top + scrollY"))

    assert 1 == len(places)


def test_figures_do_not_come_back_up_after_a_text_that_was_long(opened: Open) -> None:
    opened.until_more()
    top = "document.getElementById('axis').getBoundingClientRect().top + scrollY"
    long = "(it) => { const one = document.getElementById('reasons'); one.replaceChildren(it); keepHeight(one); }"
    found = opened.page.evaluate(f"{{ const keepHeight = {KEEP_HEIGHT}; ({long})('word '.repeat(300)); }}; {top}")
    opened.page.evaluate("document.getElementById('reasons').replaceChildren('short')")

    assert found == opened.page.evaluate(top)


def test_slider_says_in_words_what_it_does(opened: Open) -> None:
    hints = opened.page.evaluate(
        "[...document.querySelectorAll('#controls input, #controls select')]"
        ".map((one) => document.getElementById(one.getAttribute('aria-describedby')).innerText)"
    )

    assert 6 == len(hints)
    assert all(len(hint) > 20 for hint in hints)


def test_connection_that_stays_open_asks_for_none_now(opened: Open) -> None:
    opened.until_more(than=40)
    opened.page.get_by_role("button", name="50 updates a second").click()  # from here on there was no request
    wait_until(lambda: opened.figure("websocket", "requests").startswith("none now, "))


def test_things_to_try_move_the_controls_and_can_be_undone(opened: Open, live: LivePage) -> None:
    opened.until_more()
    opened.page.get_by_role("button", name="A distant server: 50 ms").click()
    wait_until(lambda: live.state()["delay_seconds"] == 0.05)
    opened.page.get_by_role("button", name="50 updates a second").click()
    wait_until(lambda: (live.state()["delay_seconds"], live.state()["schedule"]["rate_per_second"]) == (0, 50))
    opened.page.get_by_role("button", name="Reset settings").click()

    wait_until(lambda: (live.state()["delay_seconds"], live.state()["schedule"]["rate_per_second"]) == (0, 20))


def test_crowd_comes_beside_the_page_and_the_light_knows(opened: Open, live: LivePage) -> None:
    opened.until_more()
    slider = opened.slider("Crowd")
    slider.focus()
    for _ in range(5):
        opened.page.keyboard.press("ArrowRight")
    assert "5 each" == slider.get_attribute("aria-valuetext")
    wait_until(lambda: "6, this page among them" == opened.figure("websocket", "clients"))
    opened.page.locator("#reasons").get_by_text("A crowd of 5 clients for each transport").wait_for()
    slider.press("Home")

    wait_until(lambda: "this page alone" == opened.figure("websocket", "clients"))
    assert not live.state()["crowd"]["clients"]


def test_crowd_that_would_be_too_much_is_refused_in_words(opened: Open, live: LivePage) -> None:
    live.send("PUT", "/schedule", {"rate_per_second": 100, "arrivals": "poisson"})
    opened.page.reload()  # what the server holds when a page opens is what the button goes back to
    wait_until(lambda: opened.slider("Updates").get_attribute("aria-valuetext") == "100/s")
    opened.page.get_by_role("button", name="100 clients more on each").click()

    opened.page.locator("#refusal").get_by_text("50,000 deliveries a second, and 10,000 are the most").wait_for()


def test_everything_that_acts_is_reached_by_the_tab_key(opened: Open) -> None:
    opened.page.locator("body").click(position={"x": 2, "y": 2})
    reached = set()
    for _ in range(60):
        opened.page.keyboard.press("Tab")
        reached.add(opened.page.evaluate("document.activeElement.outerHTML.slice(0, 60)"))
    acting = opened.page.evaluate(
        "[...document.querySelectorAll('button, input, select')].map((one) => one.outerHTML.slice(0, 60))"
    )

    assert set(acting) <= reached


def test_poll_interval_moves_what_is_measured_and_what_theory_expects(opened: Open) -> None:
    opened.until_more()
    slider = opened.slider("Poll interval")
    slider.focus()
    opened.page.keyboard.press("Home")
    row = opened.page.locator("#axis text:text-matches('theory')").first

    def is_expected_soon() -> bool:
        found = re.search(r"theory ([\d.]+) ms", row.text_content() or "")
        return found is not None and float(found[1]) < 60

    wait_until(is_expected_soon)
    wait_until(lambda: float(opened.figure("polling", "requests").partition("/s")[0]) > 8)
    assert opened.slider("Poll interval").get_attribute("aria-valuetext") == "50 ms"


def test_delay_adds_to_every_transport(opened: Open, live: LivePage) -> None:
    opened.until_more()
    slider = opened.slider("One-way delay")
    slider.focus()
    for _ in range(40):
        opened.page.keyboard.press("ArrowRight")
    wait_until(lambda: live.state()["delay_seconds"] == 0.1)
    opened.until_more()
    means = {name: opened.figure(name, "latency") for name in ("sse", "stream", "websocket")}
    live.send("PUT", "/path", {"delay_seconds": 0})

    for text in means.values():
        mean = re.match(r"mean (\d+) ms", text)
        assert mean, text
        assert 99 <= int(mean[1])
