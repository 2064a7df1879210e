"""The page of `wirerace advise` in a real browser: it computes as the command does, and works without any network."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import asdict, replace

from tests.wirerace.cost_models import MODEL
from wirerace.analysis.cost_model.estimate import Advice, Need, Prices, advised
from wirerace.analysis.cost_model.flips import flips_of
from wirerace.analysis.cost_model.model import CostModel
from wirerace.cli.advise import model_from
from wirerace.report.calculator import page_of
from wirerace.report.recommendation import sentence_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

FIRST = Need(20_000, 2.0, 5.0)
PRICES = Prices(0.03, 0.004, 0.06)
GRID = [
    Need(clients, rate, fresh, payload, trip)
    for clients, rate, fresh, (payload, trip) in itertools.product(
        (3.0, 1234.0, 200_000.0), (0.002, 0.7, 50.0), (0.02, 5.0, 900.0), ((100.0, 0.0), (5000.0, 0.08))
    )
]
NAMES = {
    "interval": "interval_seconds", "processes": "processes", "latency": "latency_seconds", "age": "age_seconds",
    "cores": "cores", "memory": "memory_bytes", "mbitIn": "mbit_in_per_second", "mbitOut": "mbit_out_per_second",
    "requests": "requests_per_second", "money": "money_per_month", "meets": "meets",
}  # fmt: skip
COMPUTED = """(it) => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const prices = { core: it.core_hour, gib: it.gib_hour, gb: it.gb };
  return it.needs.map((one) => {
    const need = { clients: one.clients, rate: one.updates_per_second, fresh: one.fresh_within_seconds,
      payload: one.payload_bytes, roundTrip: one.round_trip_seconds };
    const advice = advised(data, need, prices);
    return { ...advice, sentence: sentenceOf(data, need, advice), flips: it.flips ? flipsOf(data, need, prices) : [] };
  });
}"""


class Calculator:
    """The page, opened from a file, with everything that it asked for and complained about."""

    def __init__(self, page: "Page", place: Path, model: CostModel) -> None:
        self.page, self.place = page, place
        self.asked: list[str] = []
        self.complaints: list[str] = []
        place.write_text(page_of(model, FIRST, PRICES), "utf-8")
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, state: str = "") -> None:
        """Open it anew, with a state in its address."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.place.as_uri()}{state}")

    def computed(self, needs: list[Need], *, flips: bool = False) -> list[dict[str, Any]]:
        """Return what the page's scripts say of some needs."""
        argument = {**asdict(PRICES), "needs": [asdict(need) for need in needs], "flips": flips}
        found: list[dict[str, Any]] = self.page.evaluate(COMPUTED, argument)
        return found

    @property
    def sentence(self) -> str:
        return str(self.page.inner_text("#sentence"))


@pytest.fixture(scope="module", params=["shipped", "known"])
def model(request: pytest.FixtureRequest) -> CostModel:
    return model_from([]) if request.param == "shipped" else MODEL


@pytest.fixture(scope="module")
def calculator(pages: "Page", model: CostModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calculator]:
    found = Calculator(pages, tmp_path_factory.mktemp("page") / "advise.html", model)
    found.open()
    yield found
    assert [] == found.complaints


def test_page_and_command_agree_on_a_grid(calculator: Calculator, model: CostModel) -> None:
    for need, said in zip(GRID, calculator.computed(GRID), strict=True):
        advice = advised(model, need, PRICES)
        assert sentence_of(need, advice) == said["sentence"]
        for expected, one in zip(advice.estimates, said["estimates"], strict=True):
            assert expected.transport == one["transport"]
            for theirs, ours in NAMES.items():
                value = getattr(expected, ours)
                assert (value if value is None else pytest.approx(value, rel=1e-9)) == one[theirs], (need, ours)
            assert bool(expected.broken) == one["broken"]
            assert len(expected.beyond) == len(one["beyond"])
        assert transport_of(advice) == (said["take"] or {}).get("transport")


def transport_of(advice: Advice) -> str | None:
    return None if advice.take is None else advice.take.transport


def test_page_and_command_agree_on_where_the_answer_flips(calculator: Calculator, model: CostModel) -> None:
    needs = GRID[7::11]
    for need, said in zip(needs, calculator.computed(needs, flips=True), strict=True):
        expected = [
            (one.quantity, one.direction, pytest.approx(one.value), one.take) for one in flips_of(model, need, PRICES)
        ]
        assert expected == [(one["quantity"], one["direction"], one["value"], one["take"]) for one in said["flips"]]


def test_page_begins_with_what_was_asked_for_and_asks_no_network(calculator: Calculator, model: CostModel) -> None:
    calculator.asked.clear()
    calculator.open()

    assert sentence_of(FIRST, advised(model, FIRST, PRICES)) == calculator.sentence
    assert {calculator.place.as_uri(), "about:blank"} >= {url.partition("#")[0] for url in calculator.asked}


def test_state_is_in_the_address_and_comes_back_from_it(calculator: Calculator, model: CostModel) -> None:
    calculator.open("#clients=321&rate=4&fresh=30&payload=700&gb=0.2")
    need = Need(321, 4.0, 30.0, 700.0)

    assert sentence_of(need, advised(model, need, replace(PRICES, gb=0.2))) == calculator.sentence
    calculator.page.fill("#clients", "4321")
    calculator.page.wait_for_url(re.compile("clients=4321"))
    address = calculator.page.evaluate("location.hash")
    before = calculator.sentence
    assert "4,320 clients" in before
    calculator.open(address)
    assert before == calculator.sentence


def test_nonsense_in_the_address_is_ignored(calculator: Calculator) -> None:
    calculator.open()
    first = calculator.sentence
    calculator.open("#clients=-5&rate=many&fresh=1e99&payload=&<script>alert(1)</script>=1")

    assert first == calculator.sentence


def test_nonsense_in_a_field_changes_nothing_and_is_replaced(calculator: Calculator) -> None:
    calculator.open()
    first = calculator.sentence
    calculator.page.fill("#clients", "-7")
    assert first == calculator.sentence
    calculator.page.press("#clients", "Tab")
    assert "20000" == calculator.page.input_value("#clients")


def test_sliders_move_with_the_keyboard(calculator: Calculator) -> None:
    calculator.open()
    calculator.page.focus("#clients-slider")
    calculator.page.keyboard.press("End")

    assert "10000000" == calculator.page.input_value("#clients")
    assert "10M clients" in calculator.sentence
    assert "10M" == calculator.page.get_attribute("#clients-slider", "aria-valuetext")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1300])
def test_nothing_runs_over_the_edge(calculator: Calculator, width: int, scheme: Any) -> None:
    calculator.page.set_viewport_size({"width": width, "height": 900})
    calculator.page.emulate_media(color_scheme=scheme)
    calculator.open("#clients=9999999&rate=999&fresh=0.013&payload=1000000")

    assert width >= calculator.page.evaluate("document.documentElement.scrollWidth")
    dark = "rgb(22, 23, 25)" == calculator.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (scheme == "dark") == dark


def test_page_allows_its_own_script_and_style_only(calculator: Calculator) -> None:
    page = calculator.place.read_text("utf-8")
    policy = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)[0]

    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not re.search(r"\b(src|href)=", page)
