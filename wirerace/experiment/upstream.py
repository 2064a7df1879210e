"""Checks of an experiment whose clients send: each error names the key and the cure."""

from wirerace.errors import BadInput
from wirerace.experiment.model import Experiment
from wirerace.workload.trace import MOST_PER_SECOND

MOST_MESSAGES = 200_000
"""The most messages of a trial: its record lists each of them, and so does the server's."""


def check_upstream(experiment: Experiment) -> None:
    """Raise BadInput, naming the key and the cure, when clients cannot send as an experiment says."""
    upstream = experiment.upstream
    if not upstream.is_on:
        return
    if experiment.population.is_visit:
        raise BadInput("upstream.rate_per_second must be 0 with visitors, who only take updates: leave [upstream] out")
    per_second = experiment.clients.most * upstream.rate_per_second
    window = experiment.window
    messages = per_second * (window.warmup_seconds + window.measure_seconds)
    if messages > MOST_MESSAGES:
        raise BadInput(
            f"upstream.rate_per_second: {messages:,.0f} messages would be sent in a trial, and its record has room for "
            f"{MOST_MESSAGES:,}: lower it, or use fewer clients, or shorten window.measure_seconds"
        )
    made = experiment.producer.rate_per_second * experiment.producer.channels + per_second
    if upstream.fan_out and made > MOST_PER_SECOND:
        raise BadInput(
            f"upstream.fan_out: {made:,.0f} updates would be made in a second, and a producer makes at most "
            f"{MOST_PER_SECOND:,}: lower upstream.rate_per_second or producer.rate_per_second"
        )
