"""Over a slow link without keep-alive an update takes up to five transits. The run waits, and nothing is lost."""

from collections.abc import Callable

import pytest

from tests.race.running import Race

pytestmark = pytest.mark.processes

DELAY_SECONDS = 0.7


def test_update_that_takes_five_transits_is_no_loss(race: Callable[..., Race]) -> None:
    """It is made during the transit of the answer before it: then handshake there and back, request, its own answer."""
    keys = (
        *('transports=["longpolling"]', "longpolling.keep_alive=false"),
        *("path=far", f"paths.far.delay_seconds={DELAY_SECONDS:g}"),
        *("clients.count=3", "window.measure_seconds=1.5", "window.warmup_seconds=0", "producer.rate_per_second=40"),
    )
    started = race(*(part for key in keys for part in ("--set", key)))
    started.wait()
    trial = started.trial("longpolling")
    assert (0, 1.0) == (trial.lost, trial.reach)
    assert (trial.latency_seconds.max or 0) > 3 * DELAY_SECONDS + 1, "longer than three ways and a second"
