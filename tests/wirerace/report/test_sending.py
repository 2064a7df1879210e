"""The cost of sending in words."""

from tests.wirerace.messaged import swept
from wirerace.report.sending import sending_costs_of
from wirerace.report.sweep import sweep_of

SETTING = "upstream.rate_per_second = 2.0"


def said(*costs: tuple[tuple[float, float], tuple[float, float]]) -> list[str]:
    """Return the sentences for CPU seconds and latencies without and with messages, one pair for each repeat."""
    by_rate = {0.0: [without for without, _ in costs], 2.0: [sending for _, sending in costs]}
    return [text.plain for text in sending_costs_of(swept({"websocket": by_rate}))]


def test_sentence_says_what_a_message_costs_and_what_it_does_to_updates() -> None:
    heading, sentence, empty = said(((0.10, 0.001), (0.14, 0.003)))

    assert "What does sending cost, against the same clients when they only receive? (without intervals)" == heading
    assert (
        f"WebSocket, {SETTING}: a message costs 200.0 µs of server CPU; updates came 2 ms later this time." == sentence
    )
    assert not empty


def test_sentence_does_not_claim_what_intervals_do_not_show() -> None:
    pairs = [((0.10, 0.003), (0.14, 0.003 + shift)) for shift in (-0.002, 0.0005, 0.002)]
    heading, sentence, _ = said(*pairs)

    assert heading.endswith("(3 repeats, in pairs)")
    assert "updates come not surely later or sooner" in sentence


def test_sooner_is_called_sooner() -> None:
    assert "updates come 1 ms sooner." in said(*[((0.10, 0.003), (0.14, 0.002))] * 3)[1]


def test_nothing_is_said_where_nobody_sends() -> None:
    assert [] == sending_costs_of(swept({"websocket": {0.0: [(0.1, 0.001)]}}))


def test_table_of_a_sweep_has_columns_of_messages() -> None:
    """The setting without messages has no value there."""
    (table,) = sweep_of(swept({"websocket": {0.0: [(0.1, 0.001)], 2.0: [(0.14, 0.003)]}}), 100)
    headings = [str(column.header).replace("\n", " ") for column in table.columns]

    assert "message latency" in headings
    assert "client to clients" not in headings
    cells = list(table.columns[headings.index("message latency")].cells)
    assert ["–", "2 ms"] == cells
