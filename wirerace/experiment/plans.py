"""Plans: the trials of an experiment."""

import functools
from pathlib import Path
from typing import NamedTuple

import msgspec

from wirerace.errors import BadInput, shown
from wirerace.experiment.contestants import Contestant, contestant_of, shorthand, transport_options
from wirerace.experiment.model import Experiment
from wirerace.experiment.paths import NetworkPath
from wirerace.experiment.settings import Setting, alone
from wirerace.streams import stream
from wirerace.transports.transport import Transport, TransportOptions
from wirerace.workload.schedule import Schedule, Source
from wirerace.workload.trace import Trace, read_trace


class Plan(NamedTuple):
    """One trial to run: a contestant at one setting, once.

    All trials of a repeat share its seed, and so its schedule.
    """

    contestant: Contestant
    setting: Setting
    repeat: int
    seed: int

    @property
    def experiment(self) -> Experiment:
        """The experiment at this setting."""
        return self.setting.experiment

    @property
    def transport(self) -> Transport:
        """The contestant's transport."""
        return self.contestant.transport

    @property
    def options(self) -> TransportOptions:
        """The options of its clients and server."""
        return self.contestant.options

    @property
    def path(self) -> NetworkPath:
        """The network path between its clients and its server."""
        return self.contestant.path

    @property
    def name(self) -> str:
        """The name of its files."""
        at = f"-at-{self.setting.number}" if self.setting.values else ""
        return f"{self.repeat}-{self.contestant.id}{at}"

    @property
    def title(self) -> str:
        """Its name for people."""
        at = f" at {self.setting.title}" if self.setting.values else ""
        return f"{self.contestant.title}{at}"


def contestants_of(experiment: Experiment) -> list[Contestant]:
    """Return the contestants: those of `transports` first, then the declared ones, in the file's order.

    Raises BadInput, naming the key and the cure.
    """
    found: list[Contestant] = []
    default = _path_of(experiment, experiment.path, "path")
    for number, name in enumerate(experiment.transports):
        options = transport_options(name, f"transports[{number}]", experiment.options.get(name))
        found.append(shorthand(name, options, default))
    for number, table in enumerate(experiment.contestants):
        at = f"contestants[{number}]"
        plain = transport_options(table.transport, f"{at}.transport", experiment.options.get(table.transport))
        path = _path_of(experiment, table.path, f"{at}.path") if table.path else default
        found.append(contestant_of(table, plain, path, at))
    if not found:
        raise BadInput('nothing is compared: name transports = ["polling", "websocket"], or give [[contestants]]')
    for what, names in (("id", [one.id for one in found]), ("title", [one.title for one in found])):
        if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
            raise BadInput(f"two contestants have the {what} {shown(twice[0])}: give each its own, or leave one out")
    return found


def _path_of(experiment: Experiment, name: str, at: str) -> NetworkPath:
    if not name:
        return NetworkPath()
    if name not in experiment.paths:
        known = ", ".join(experiment.paths) or "none: declare it as a table"
        raise BadInput(f"{at}: there is no [paths.{name}]; there are {known}")
    return experiment.paths[name]


def plans_of(setting: Setting | Experiment, repeat: int) -> list[Plan]:
    """Return the trials of a repeat, the first being 1, in the order in which they run: shuffled by its seed.

    So no contestant always runs after the same one, and a drift of the machine affects no contestant alone.
    """
    if isinstance(setting, Experiment):
        setting = alone(setting).settings[0]
    seed = setting.experiment.seed + repeat - 1
    found = [Plan(contestant, setting, repeat, seed) for contestant in contestants_of(setting.experiment)]
    stream(seed, "order").shuffle(found)
    return found


def trace_of(source: Source) -> Trace | None:
    """Return the trace that a source plays, None when it plays none.

    Raises BadInput, naming file, line and cure, when it cannot be read.
    """
    if source.arrivals != "trace" or source.trace_file is None:
        return None
    return _read_once(source.trace_file, source.speed)


@functools.cache
def _read_once(trace_file: str, speed: float) -> Trace:
    """Return the same trace for all trials, even if its file changes while they run."""
    return read_trace(Path(trace_file), speed)


def schedule_of(experiment: Experiment, seed: int, start_ns: int | None) -> Schedule:
    """Return the schedule of one trial; without `start_ns` it begins when the producer receives it.

    Raises BadInput, naming file, line and cure, when its trace cannot be read.
    """
    source = experiment.producer
    trace = trace_of(source)
    events = [] if trace is None else trace.events
    return Schedule(**msgspec.structs.asdict(source), seed=seed, start_ns=start_ns, trace=events)
