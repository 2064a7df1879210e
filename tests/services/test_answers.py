"""Answers that are kept: their bound holds for all channels of a server together."""

import tracemalloc

import pytest
from prometheus_client import CollectorRegistry

from services.answers import CACHED_BYTES, Answers, CacheBound, Form
from services.recent import Bounds, Recent
from wirerace.observe.metrics import ServiceMetrics
from wirerace.wire.update import Cursor

CHANNELS, UPDATES, UPDATE_BYTES = 20, 20, 10_000
"""The answers to all cursors of a channel have 2 MB, those of all channels ten times the bound."""


@pytest.mark.long
def test_answers_of_all_channels_share_one_bound() -> None:
    bounds, metrics, bound = Bounds(10_000, 10**9), ServiceMetrics(CollectorRegistry()), CacheBound()
    channels = [Recent(bounds) for _ in range(CHANNELS)]
    for recent in channels:
        for seq in range(1, UPDATES + 1):
            recent.append(Cursor("e0", seq), b"x" * UPDATE_BYTES, UPDATE_BYTES)
    answers = [Answers(recent, bound) for recent in channels]

    tracemalloc.start()
    try:
        for one in answers:
            for position in range(UPDATES):
                one.find(position, None, Form(keep_alive=True)).count_in(metrics)
        kept_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert CACHED_BYTES + 1024 * 1024 > kept_bytes
    assert CHANNELS * UPDATES == metrics.responses["data"]
