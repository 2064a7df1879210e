"""Rows that are for some runs only: a figure that no trial has takes no row."""

import msgspec

from tests.wirerace.analysis.test_aggregate import figure_of, result_of, trial
from tests.wirerace.clocked import CLOCKS
from tests.wirerace.faulted import AVAILABILITY, FAULT
from tests.wirerace.messaged import RELAYED
from tests.wirerace.served import BROKERED, PROXIED, PUBLISHED
from tests.wirerace.tabbed import TABS
from wirerace.analysis.aggregate import figures_of
from wirerace.analysis.figures import FIGURES
from wirerace.record.durations import Handshakes
from wirerace.record.messages import Messages
from wirerace.record.parts import Bytes
from wirerace.record.trial import LatencyParts, Returning


def test_rows_that_are_for_some_runs_only_are_left_out_of_others() -> None:
    memory = msgspec.structs.replace(
        trial().server,
        bytes_per_client_after=9_000.0,
        slab_bytes_per_client=5_000.0,
        socket_bytes_per_client=2_000.0,
        upkeep_utilisation=0.004,
    )
    back = trial(
        return_seconds=Returning(3, 0.5, 0.75, 1.0), cuts=3, breaks=1, superseded=7, server=memory, browsers=TABS
    )
    back = msgspec.structs.replace(
        back,
        window_seconds=10.0,
        messages=SENT,
        arrived=2,
        requests=50,
        bytes=Bytes(1, 1, 1, 0, 1, 1, 1, 1, 0, tls=44),
        handshakes=Handshakes(8, 6, 0.125, 0.375),
        availability=AVAILABILITY,
        faults=[FAULT],
        reverse_proxy=PROXIED,
        publisher=PUBLISHED,
        broker=BROKERED,
        latency_parts_seconds=LatencyParts(0.001, 0.001, 0.001, 0.001, broker=0.001),
        clocks=CLOCKS,
    )
    rows = {figure.id for figure in FIGURES if figure.if_any}

    assert rows.isdisjoint(figure.id for figure in figures_of(result_of(trial())))
    assert rows < {figure.id for figure in figures_of(result_of(trial(), back))}
    proxied, of_tls = [12.0, 0.4, 3_000_000, 7_000, 4, 150, 200], [8, 0.75, 0.125, 0.375]
    of_faults, published = [0.8, 1.0, 1.0, 11], [0.006, 3, 0.02, 20_000_000]
    others = [4, 0.5, 0.75, 7, *of_faults, *published, 0.99, 0.006, 0.002, 1, 2, 3]
    brokered = [6.0, 0.1, 20_000_000]
    assert [0.001, 0.00008, 22, 0.004, 9_000, 5_000, 2_000, *of_tls, *proxied, *brokered, *others] == [
        figure_of(figure.id, back) for figure in FIGURES if figure.if_any and not figure.id.startswith("messages.")
    ]
    assert [1.0, 0.002, 0.001, 0.004, 0.003, 0.002, 0.004, 400, 10, 20, 3, 5] == [
        figure_of(figure.id, back) for figure in FIGURES if figure.id.startswith("messages.")
    ]


SENT: Messages = msgspec.structs.replace(RELAYED, lost=3, duplicated=5)
