"""Checks of an experiment with visitors: what its file says must fit together, and each error names the cure."""

from collections.abc import Iterable
from typing import Any

from wirerace.clock import to_ns
from wirerace.errors import BadInput
from wirerace.experiment.contestants import Contestant
from wirerace.experiment.model import Experiment
from wirerace.workload.population import Population

MOST_VISITS = 100_000
"""The most visitors of a trial: its record lists each of them."""


def check_keys(document: dict[str, Any]) -> None:
    """Raise BadInput when a file has keys of the other kind of population, with the line to write instead."""
    population = document.get("population")
    if not isinstance(population, dict):
        return
    if population.get("kind", "stay") == "visit":
        if "clients" in document:
            raise BadInput(
                "clients: visitors come and go, so their number is no setting: take [clients] out, and write "
                f"per_second = {Population().per_second:g} under [population]"
            )
    elif keys := [key for key in population if key != "kind"]:
        raise BadInput(f'population.{keys[0]} is for visitors: write kind = "visit" under [population]')


def check_visits(experiment: Experiment, contestants: Iterable[Contestant]) -> None:
    """Raise BadInput, naming the key and the cure, when visitors cannot come as an experiment says."""
    population, window = experiment.population, experiment.window
    if not population.is_visit:
        return
    if experiment.producer.channels > 1:
        raise BadInput(f"producer.channels must be 1 with visitors, got {experiment.producer.channels}: leave it out")
    visits = population.per_second * (window.warmup_seconds + window.measure_seconds)
    if visits > MOST_VISITS:
        raise BadInput(
            f"population.per_second: {visits:,.0f} visitors would come in a trial, and its record has room for "
            f"{MOST_VISITS:,}: lower it, or shorten window.measure_seconds"
        )
    for contestant in contestants:
        _check_contestant(experiment, contestant)


def _check_contestant(experiment: Experiment, contestant: Contestant) -> None:
    population, options, name = experiment.population, contestant.options, contestant.id
    if options.latest_only:
        raise BadInput(f'{name}: visitors take updates that follow each other: leave deliver = "latest" out')
    least_seconds, longest = visit_seconds(experiment, contestant), options.answer_seconds
    if population.updates > 1 and to_ns(population.timeout_seconds) < to_ns(longest):
        raise BadInput(
            f"population.timeout_seconds must be at least {longest:g}, because a visitor of {name} may wait that long "
            f"for one answer, got {population.timeout_seconds:g}: raise it, or let {name} ask more often"
        )
    if to_ns(population.timeout_seconds) < to_ns(least_seconds):
        raise BadInput(
            f"population.timeout_seconds must be at least {least_seconds:g}, the length of a visit to {name}, got "
            f"{population.timeout_seconds:g}: raise it, or lower population.updates"
        )
    if to_ns(experiment.window.warmup_seconds) < to_ns(least_seconds):
        raise BadInput(
            f"window.warmup_seconds must be at least {least_seconds:g}, the length of a visit to {name}, got "
            f"{experiment.window.warmup_seconds:g}: until then fewer visitors are there than later"
        )


def visit_seconds(experiment: Experiment, contestant: Contestant) -> float:
    """Return how long a visit takes at the nominal rate: K − 1 updates are made, and a poll brings the last of them."""
    updates = experiment.population.updates
    if updates == 1:
        return 0.0
    return (updates - 1) / experiment.producer.rate_per_second + contestant.options.period_seconds
