"""result.json: what an experiment found, as values; a promise to other programs."""

from typing import Any, Literal

import msgspec

from wirerace.experiment.paths import NetworkPath
from wirerace.experiment.settings import resolved, setting_title
from wirerace.observe.account import AccountRecord, Window
from wirerace.record.browsers import BrowsersRecord
from wirerace.record.capacity import CapacityRecord
from wirerace.record.checkup import Checkup
from wirerace.record.faults import FaultTime
from wirerace.record.objective import ObjectiveRecord
from wirerace.record.samples import Measured
from wirerace.record.trial import Trial
from wirerace.workload.truth import Truth
from wirerace.workload.upstream import Received

SCHEMA = 4
FILE_NAME = "result.json"


class Failure(msgspec.Struct, frozen=True):
    """A trial that could not be completed. `part` is the part that was seen to be at its limit, if any was."""

    contestant: str
    repeat: int
    reason: str
    point: int = 0
    part: str = ""


class Interval(msgspec.Struct, frozen=True):
    """A mean over repeats and the ends of its confidence interval, None below three repeats; or the sum of counts."""

    mean: float | None
    low: float | None
    high: float | None


class Compared(msgspec.Struct, frozen=True):
    """A figure of `one` against `other`, repeat by repeat: difference and mean ratio, None if a value is not above 0.

    Both have intervals from pairs, so that the effects of a repeat's schedule or of the hour cancel. Each interval
    holds with its `confidence`. Intervals of `primary` figures are wider, so that all together hold with the summary's
    confidence.
    """

    figure: str
    one: str
    other: str
    ratio: Interval | None
    difference: Interval
    primary: bool = False
    confidence: float = 0.95


class Declared(msgspec.Struct, frozen=True):
    """The declaration of a figure: its unit, which direction is better, and its label."""

    unit: str
    better: Literal["less", "more"]
    label: str
    about: str
    primary: bool


class Summary(msgspec.Struct, frozen=True):
    """Figures over repeats, by contestant and by id, and every contestant compared with the first.

    `declared` declares each figure. `primary_comparisons` counts the comparisons that share the risk of an error.
    `invalid_trials` counts the invalid trials that are in the figures.
    """

    repeats: int
    confidence: float
    figures: dict[str, dict[str, Interval]]
    compared: list[Compared]
    declared: dict[str, Declared] = {}
    primary_comparisons: int = 0
    invalid_trials: int = 0


class Host(msgspec.Struct, frozen=True):
    """The machine and its software, and the commit of the code, which is None outside a checkout."""

    cores: int
    kernel: str
    python: str
    packages: dict[str, str]
    cpu_model: str | None = None
    revision: str | None = None


class ExperimentFile(msgspec.Struct, frozen=True):
    """The file that an experiment was read from: its name, and the SHA-256 of its content, in hexadecimal."""

    name: str
    sha256: str


class ContestantRecord(msgspec.Struct, frozen=True):
    """A contestant as a result names it: its id, its name for people, and its transport."""

    id: str
    title: str
    transport: str


class Point(msgspec.Struct):
    """One setting of a sweep: the keys that it replaces, with their values, and its summary.

    Without a sweep there is one point, which replaces nothing. With `after`, its trials first drove their servers at
    that setting.
    """

    setting: dict[str, Any] = {}
    summary: Summary | None = None
    after: dict[str, Any] = {}

    @property
    def title(self) -> str:
        """Its title for people; empty without a sweep."""
        return setting_title(self.setting) + (f" after {setting_title(self.after)}" if self.after else "")


OF_SEARCH = ("kind", "capacity")
"""The keys of an experiment that make it a search; a result at one setting is none."""
Costs = Literal["less", "more", "undecided", "unknown"]


class CrossingStep(msgspec.Struct, frozen=True):
    """A cost of one contestant as a ratio to that of another, for visits of a number of updates.

    `costs` says whether the first costs `less` or `more`. It is `undecided` where the interval includes both.
    """

    updates: int
    ratio: Interval | None
    costs: Costs


class Crossing(msgspec.Struct, frozen=True, kw_only=True):
    """A cost of a visit with one contestant against another, from few updates to many.

    `from_updates` is the number of updates from which on the first costs less, None if there is none among those
    measured. `setting` has the other swept keys.
    """

    figure: str
    one: str
    other: str
    from_updates: int | None
    steps: list[CrossingStep]
    setting: dict[str, Any] = {}


class SendingCost(msgspec.Struct, frozen=True, kw_only=True):
    """What sending costs a contestant at one setting, against the same clients when they only receive.

    `cpu_us` is the server's CPU time for a message, microseconds. `later_seconds` is how much later updates come.
    """

    contestant: str
    setting: dict[str, Any]
    cpu_us: Interval
    later_seconds: Interval


class Discarded(msgspec.Struct, frozen=True):
    """A repeat that does not count, because one of its trials was invalid."""

    point: int
    repeat: int


class Result(msgspec.Struct, kw_only=True):
    """All of result.json. `experiment` is resolved, with every default; `warnings` say what may distort the result.

    `experiment_file` is the file that it was read from; None for one that is built in or came through a pipe. `ran_on`
    is the target, None if an older version did not record it. `chart_values` is the user's file for the chart of a
    cluster; empty without one. `checkup` describes the machine at rest, before the first
    trial. `trials` are in the order in which they ran, each with the id of its contestant and the index of its point.
    `crossings` are those of a sweep over the updates of a visit, `sending` the costs of one over the rate of messages.
    `objectives` say for each contestant at each point whether it met those of the experiment. `capacities` are those of
    a search, one for each contestant.
    """

    schema: int = SCHEMA
    wirerace: str
    experiment: dict[str, Any]
    experiment_file: ExperimentFile | None = None
    ran_on: Literal["local", "compose", "kubernetes"] | None = None
    chart_values: str = ""
    host: Host
    checkup: Checkup | None = None
    started_at: str
    warnings: list[str] = []
    contestants: list[ContestantRecord] = []
    points: list[Point] = []
    trials: list[Trial] = []
    discarded: list[Discarded] = []
    failures: list[Failure] = []
    crossings: list[Crossing] = []
    sending: list[SendingCost] = []
    objectives: list[ObjectiveRecord] = []
    capacities: list[CapacityRecord] = []

    @property
    def is_search(self) -> bool:
        """Whether it is that of a search for capacity."""
        return bool(self.experiment.get("kind") == "capacity")

    @property
    def present(self) -> list[ContestantRecord]:
        """The contestants that have a trial that counts, in the order in which the experiment names them."""
        found = {trial.contestant for trial in self.counted}
        return [contestant for contestant in self.contestants if contestant.id in found]

    def title_of(self, name: str) -> str:
        """Return the title of a contestant, given its id."""
        return next((contestant.title for contestant in self.contestants if contestant.id == name), name)

    def at(self, index: int) -> "Result":
        """Return the result at one point, as that of an experiment without a sweep or search."""
        experiment = resolved(self.experiment, self.points[index].setting)
        return msgspec.structs.replace(
            self,
            experiment={key: value for key, value in experiment.items() if key not in OF_SEARCH},
            points=[self.points[index]],
            trials=[trial for trial in self.trials if trial.point == index],
            discarded=[one for one in self.discarded if one.point == index],
            failures=[failure for failure in self.failures if failure.point == index],
        )

    def is_valid(self, point: int, repeat: int) -> bool:
        """Return whether every trial of a repeat that has been run was completed and is valid."""
        at = (point, repeat)
        return all((failure.point, failure.repeat) != at for failure in self.failures) and all(
            trial.is_valid for trial in self.trials if (trial.point, trial.repeat) == at
        )

    @property
    def is_enough(self) -> bool:
        """Return whether every point has as many valid repeats as the experiment asks for."""
        wanted = self.experiment.get("valid_repeats")
        counted = {(trial.point, trial.repeat) for trial in self.counted}
        return wanted is None or all(
            sum(point == index for point, _ in counted) >= wanted for index in range(len(self.points))
        )

    @property
    def counted(self) -> list[Trial]:
        """The trials that count: those of repeats that were not discarded."""
        discarded = {(one.point, one.repeat) for one in self.discarded}
        return [trial for trial in self.trials if (trial.point, trial.repeat) not in discarded]

    @property
    def counted_failures(self) -> list[Failure]:
        """The failures of repeats that were not discarded."""
        discarded = {(one.point, one.repeat) for one in self.discarded}
        return [failure for failure in self.failures if (failure.point, failure.repeat) not in discarded]


class Raw(msgspec.Struct, frozen=True):
    """What a trial's figures were computed from: raw/<repeat>-<contestant>[-at-<point>].json.

    `truth` reaches from the priming update to the end of the window. `measured` was sampled around the window. `path`
    is the network path between clients and server. `received` is the server's record of the window's messages; None if
    clients do not send, or if the server did not answer. `browsers` is what browser tabs received, None without any.
    `faults` says when each fault happened, in that order.
    """

    window: Window
    account: AccountRecord
    truth: Truth
    measured: Measured
    path: NetworkPath = NetworkPath()
    received: Received | None = None
    browsers: BrowsersRecord | None = None
    faults: list[FaultTime] = []
