"""Checks of an experiment with browser tabs: what a page cannot do is refused, with the cure."""

from collections.abc import Iterable

from wirerace.errors import BadInput
from wirerace.experiment.contestants import Contestant
from wirerace.experiment.model import Experiment
from wirerace.transports.transport import HttpOptions

MOST_DELIVERIES = 1_000_000
"""The most deliveries to all tabs of a trial: each is kept until the trial has ended."""


def check_browsers(experiment: Experiment, contestants: Iterable[Contestant]) -> None:
    """Raise BadInput, naming the key and the cure, when browser tabs cannot do what an experiment says."""
    browsers, window = experiment.clients.browsers, experiment.window
    if not browsers:
        return
    for contestant in contestants:
        _check_options(contestant)
    seconds = window.warmup_seconds + window.measure_seconds
    deliveries = browsers * experiment.producer.rate_per_second * seconds
    if deliveries > MOST_DELIVERIES:
        raise BadInput(
            f"clients.browsers: {browsers} tabs would keep {deliveries:,.0f} deliveries of a trial, and there is room "
            f"for {MOST_DELIVERIES:,}: lower it or producer.rate_per_second, or shorten window.measure_seconds"
        )


def _check_options(contestant: Contestant) -> None:
    options, name = contestant.options, contestant.id
    if not isinstance(options, HttpOptions):
        return
    if not options.keep_alive:
        raise BadInput(
            f"{name}.keep_alive: a browser keeps its connections, and a page cannot change that: set keep_alive = true "
            "or clients.browsers = 0"
        )
    if options.extra_header_bytes:
        raise BadInput(
            f"{name}.extra_header_bytes: a browser sends headers of its own, and more would need a preflight: set "
            "extra_header_bytes = 0 or clients.browsers = 0"
        )
