"""Shapes of the load in Locust: how many clients there are at which time, and when all connections are cut."""

import logging
from math import inf
from typing import Any, ClassVar

import gevent
from locust import LoadTestShape
from locust.env import Environment

from loadtests.alone import LoadProcesses
from loadtests.options import read_options
from wirerace.clock import NS_PER_SECOND, now_ns
from wirerace.errors import BadInput, TrialFailed, shown
from wirerace.workload.shapes import Shape, StormShape

TICK_SECONDS = 1.0
"""How often Locust reads a shape."""

logger = logging.getLogger("wirerace")


class Shaped(LoadTestShape):
    """One of the shapes in wirerace.workload. Locust reads it once a second; a change within that second is waited for.

    Its time begins with the test, or with the window of the experiment that controls it. Before that it stands still.
    """

    abstract = True
    use_common_options = True
    name: ClassVar[str]
    parts: LoadProcesses
    """The load whose connections are cut."""
    environment: Environment
    _began_ns: int | None = None
    _clients = 0
    _storm: gevent.Greenlet | None = None

    def reset_time(self) -> None:
        """Begin: the options are read as they are now."""
        super().reset_time()  # type: ignore[no-untyped-call]
        self.forget()
        if not self._options.contestant:
            self.begin(now_ns())

    @property
    def _options(self) -> Any:
        return self.environment.parsed_options

    @property
    def _shape(self) -> Shape:
        return read_options(vars(self._options) | {"shape": self.name}).shapes[self.name]

    def begin(self, at_ns: int) -> None:
        """Let time begin."""
        self.forget()
        self._began_ns = at_ns
        shape = self._shape
        if isinstance(shape, StormShape):
            self._storm = gevent.spawn_later(max(shape.at_seconds - self._seconds, 0), self._cut, shape.jitter_seconds)

    def forget(self) -> None:
        """Drop the planned cuts: the test is over, or begins again."""
        self._began_ns = None
        self._clients = 0
        if self._storm is not None:
            self._storm.kill()
            self._storm = None

    def _cut(self, jitter_seconds: float) -> None:
        try:
            self.parts.cut(jitter_seconds)
        except TrialFailed as error:
            logger.error("Connections were not cut: %s", error)  # noqa: TRY400 -- the line says it all
            self.environment.process_exit_code = 1

    @property
    def _seconds(self) -> float:
        """Time since it began, below 0 before that."""
        return -inf if self._began_ns is None else (now_ns() - self._began_ns) / NS_PER_SECOND

    def tick(self) -> tuple[int, float] | None:
        """Return how many clients there should be now, None when the test is over."""
        options, shape, now = self._options, self._shape, self._seconds
        left_seconds = min((change - now for change in shape.changes if change > now), default=inf)
        if self._clients_at(now) == self._clients and left_seconds < TICK_SECONDS:
            gevent.sleep(left_seconds)
        seconds = self._seconds
        if options.run_time and seconds >= options.run_time:
            return None
        self._clients = self._clients_at(seconds)
        return self._clients, options.spawn_rate or 1

    def _clients_at(self, seconds: float) -> int:
        return self._shape.clients_at(max(seconds, 0.0), self._options.num_users or 1)


class Steady(Shaped):
    """All clients, for the whole test."""

    name = "steady"


class Steps(Shaped):
    """A number of clients for some seconds, then another number, and so on."""

    name = "steps"


class Spike(Shaped):
    """A few clients, then all of them for a while, then the few again."""

    name = "spike"


class Ramp(Shaped):
    """From a few clients to all of them."""

    name = "ramp"


class ReconnectStorm(Shaped):
    """All connections are cut at once."""

    name = "storm"


def chosen_shape(environment: Environment) -> LoadTestShape | None:
    """Return the shape of the load: the one that --shape names, else a locustfile's own, else none.

    Raises BadInput when there is no such shape, or when there are several to choose from.
    """
    options: Any = environment.parsed_options
    available: dict[str, LoadTestShape] = dict(environment.available_shape_classes or {})
    own = {name: shape for name, shape in available.items() if type(shape).__module__ != __name__}
    known = {shape.name: shape for shape in shaped_in(environment) if type(shape).__module__ == __name__} | own
    if options.shape == Steady.name:
        return None
    if options.shape:
        if options.shape not in known:
            names = dict.fromkeys([*known, Steady.name])
            raise BadInput(f"--shape must be one of {', '.join(names)}, got {shown(options.shape)}")
        return known[options.shape]
    if len(own) > 1:
        raise BadInput(f"there are several shapes: name one with --shape, {', '.join(own)}, or {Steady.name} for none")
    return next(iter(own.values()), None)


def shaped_in(environment: Environment) -> list[Shaped]:
    """Return the shapes of a Locust process that are ours, or derived from ours."""
    available = (environment.available_shape_classes or {}).values()
    return [shape for shape in available if isinstance(shape, Shaped)]
