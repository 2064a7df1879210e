"""What charts are made from: a result at one setting, and the raw records of its trials."""

import functools
from collections.abc import Callable, Iterator, Sequence

from wirerace.analysis.aggregate import summarised
from wirerace.analysis.figures import BY_ID
from wirerace.analysis.predict import latencies_of
from wirerace.errors import BadInput, cut, printable
from wirerace.experiment.contestants import Contestant
from wirerace.experiment.model import Experiment
from wirerace.experiment.plans import Plan, contestants_of
from wirerace.experiment.reading import experiment_of
from wirerace.experiment.settings import Setting, alone
from wirerace.record.result import ContestantRecord, Interval, Raw, Result, Summary
from wirerace.record.trial import Kind, Quantity, Trial
from wirerace.theory.distribution import Distribution

Records = Callable[[Trial], Raw | None]
"""Returns the raw record of a trial, None if there is none that can be read."""
MOST_TITLE = 60
UNKNOWN_INTERVAL = Interval(None, None, None)


def no_records(trial: Trial) -> None:
    """Return nothing: there are no raw records."""


class View:
    """A result at one setting, which is that of an experiment without a sweep, and its raw records."""

    def __init__(self, result: Result, records: Records = no_records) -> None:
        self.result = result
        self.records = records

    @functools.cached_property
    def summary(self) -> Summary:
        """The figures, as this version computes them."""
        return summarised(self.result)

    @functools.cached_property
    def experiment(self) -> Experiment | None:
        """The experiment as this version understands it; None for one of another version, or without its trace."""
        try:
            return experiment_of(self.result.experiment)
        except BadInput:
            return None

    @functools.cached_property
    def _declared(self) -> dict[str, Contestant]:
        try:
            found = [] if self.experiment is None else contestants_of(self.experiment)
        except BadInput:
            return {}
        return {contestant.id: contestant for contestant in found}

    @functools.cached_property
    def _setting(self) -> Setting | None:
        return None if self.experiment is None else alone(self.experiment).settings[0]

    @property
    def contestants(self) -> Sequence[ContestantRecord]:
        """Those that have a trial that counts."""
        return self.result.present

    def declared(self, contestant: ContestantRecord) -> Contestant | None:
        """Return a contestant with its options, None if this version does not understand them."""
        return self._declared.get(contestant.id)

    def title(self, contestant: ContestantRecord) -> str:
        """Return the name of a contestant for people, on one line that is not too long."""
        return cut(printable(contestant.title), MOST_TITLE)

    def variety(self, contestant: ContestantRecord) -> int:
        """Return the number of a contestant among those of its transport."""
        return [one.id for one in self.result.contestants if one.transport == contestant.transport].index(contestant.id)

    def trials(self, contestant: ContestantRecord) -> list[Trial]:
        """Return the trials of a contestant that count."""
        return [trial for trial in self.result.counted if trial.contestant == contestant.id]

    def interval(self, contestant: ContestantRecord, figure: str) -> Interval:
        """Return a figure of a contestant over its repeats."""
        return self.summary.figures[contestant.id].get(figure, UNKNOWN_INTERVAL)

    def known(self, figure: str) -> Iterator[tuple[ContestantRecord, Interval, float]]:
        """Yield the contestants of which a figure is known, with its interval and its mean."""
        for contestant in self.contestants:
            interval = self.interval(contestant, figure)
            if interval.mean is not None:
                yield contestant, interval, interval.mean

    def unit(self, figure: str) -> str:
        """Return the unit of a figure."""
        return BY_ID[figure].unit

    def predicted(self, contestant: ContestantRecord, quantity: Quantity) -> tuple[float | None, float | None]:
        """Return the means over repeats of what theory expects: given the schedule, and in closed form."""
        cells = [cell for trial in self.trials(contestant) for cell in trial.theory if cell.quantity == quantity]
        return mean_of([cell.given for cell in cells]), mean_of([cell.closed for cell in cells])

    def kind(self, contestant: ContestantRecord, quantity: Quantity) -> Kind:
        """Return whether what theory expects is a prediction in all trials, or a fit in some."""
        cells = [cell for trial in self.trials(contestant) for cell in trial.theory if cell.quantity == quantity]
        return "fit" if any(cell.kind == "fit" for cell in cells) else "prediction"

    def expected_latencies(self, contestant: ContestantRecord) -> list[tuple[Distribution, int]]:
        """Return how theory expects the latencies of each trial to be distributed, and how many there are.

        It is empty unless that is known of every trial whose raw record can be read.
        """
        declared = self.declared(contestant)
        if self._setting is None or declared is None or self.predicted(contestant, "latency_seconds")[0] is None:
            return []
        found = []
        for trial in self.trials(contestant):
            if (raw := self.records(trial)) is not None:
                expected = latencies_of(Plan(declared, self._setting, trial.repeat, trial.seed), raw, trial)
                if expected is None:
                    return []
                found.append((expected, raw.account.latencies.recorded))
        return found

    def raws(self, contestant: ContestantRecord) -> list[Raw]:
        """Return the raw records of a contestant's trials that count, those that can be read."""
        return [raw for trial in self.trials(contestant) if (raw := self.records(trial)) is not None]


def mean_of(values: Sequence[float | None]) -> float | None:
    """Return the mean of values; None if any is unknown, or if there is none."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None
