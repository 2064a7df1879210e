"""Whether a bound of age says anything: without a fault, no contestant's age should exceed it."""

from collections.abc import Iterator

from wirerace.experiment.holding import holding_seconds
from wirerace.experiment.patience import longest_seconds
from wirerace.experiment.plans import contestants_of, schedule_of
from wirerace.experiment.settings import Study


def bound_cautions(study: Study) -> list[str]:
    """Return a line for each contestant with faults whose age exceeds the bound of availability without any."""
    return list(dict.fromkeys(_cautions(study)))


def _cautions(study: Study) -> Iterator[str]:
    for experiment in (setting.experiment for setting in study.settings if setting.experiment.faults):
        bound = experiment.availability.age_seconds
        source = experiment.producer
        gap_seconds = 0.0 if source.arrivals == "trace" else 1 / source.rate_per_second
        for contestant in contestants_of(experiment):
            usual_seconds = longest_seconds(contestant.path, contestant.options) + gap_seconds
            if contestant.path.held_back_bytes(contestant.transport):
                usual_seconds += holding_seconds(contestant, schedule_of(experiment, experiment.seed, 0))
            if bound < usual_seconds:
                yield (
                    f"availability.age_seconds = {bound:g}: the age of {contestant.id} reaches {usual_seconds:.3g} s "
                    "without any fault, so it is not available all the time; raise the bound, or let it ask more often"
                )
