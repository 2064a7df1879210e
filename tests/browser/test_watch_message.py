"""Messages that the live page sends: they go up one way and come down on every lane."""

import re

import pytest

from tests.browser.live import Open
from tests.race.playing import LivePage
from tests.race.running import wait_until
from wirerace.transports import TRANSPORTS

pytestmark = pytest.mark.browser


def arrivals(opened: Open) -> list[str]:
    """Return what the page says of a message on each lane, in the order of the lanes."""
    return [row.inner_text().replace("\n", " ") for row in opened.page.locator("#message li").all()]


@pytest.mark.parametrize("way", [*TRANSPORTS, "websocket"])
def test_message_goes_up_one_way_and_comes_down_on_every_lane(opened: Open, way: str) -> None:
    """Its time on each lane counts from the sending; a poller's is up to its interval."""
    opened.until_more(than=5)
    title = TRANSPORTS[way].title
    label = f"{title}, as a frame" if TRANSPORTS[way].two_way else f"POST (updates come by {title})"
    opened.page.locator("#message select").select_option(label=label)
    opened.page.locator("#message input").fill("Hello, you <b>five</b>")
    opened.page.locator("#message button").click()
    wait_until(lambda: all(re.search(r" [\d.]+ m?s$", line) and "on its way" not in line for line in arrivals(opened)))

    assert [one.title for one in TRANSPORTS.values()] == [line.rsplit(" ", 2)[0] for line in arrivals(opened)]
    assert opened.page.locator("#message output").inner_text().startswith("Acknowledged after ")
    opened.page.locator("#message button").click()
    kept = opened.page.locator("#message ol li").first.inner_text()
    assert re.fullmatch(rf"{re.escape(label)}: (\w[\w ]* [\d.]+ m?s( · )?){{5}}", kept)
    assert dict.fromkeys(TRANSPORTS, (0, 0)) == {name: opened.ledger(name)[1:] for name in TRANSPORTS}
    assert [] == opened.errors


def test_message_on_its_way_says_so_until_it_has_come(opened: Open, live: LivePage) -> None:
    """The server of polling stands still: only its lane waits."""
    opened.until_more(than=5)
    live.send("POST", "/stall", {"transport": "polling", "seconds": 3})
    opened.page.locator("#message button").click()
    titles = [one.title for one in TRANSPORTS.values()]
    waits = dict(zip(titles, [False] * len(titles), strict=True)) | {"Polling": True}

    wait_until(
        lambda: waits == {title: "on its way" in line for title, line in zip(titles, arrivals(opened), strict=True)}
    )
    wait_until(lambda: not any("on its way" in line for line in arrivals(opened)))


def test_message_that_is_refused_says_why(opened: Open) -> None:
    """A script has made it larger than a person can."""
    opened.until_more(than=5)
    opened.page.locator("#message select").select_option(label="POST (updates come by SSE)")
    opened.page.evaluate("document.querySelector('#message input').value = 'x'.repeat(70_000)")
    opened.page.locator("#message button").click()

    said = "Not sent: a message has at most 65536 bytes: send less"
    wait_until(lambda: said == opened.page.locator("#message output").inner_text())
    assert ["–"] * len(TRANSPORTS) == [line[-1] for line in arrivals(opened)]
