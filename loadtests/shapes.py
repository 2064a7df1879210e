"""Shapes that Locust offers: how many clients there are at which time, and when all connections are cut."""

from typing import Any, ClassVar

import gevent
from locust import LoadTestShape
from locust.env import Environment

from loadtests.options import read_options
from loadtests.workers import Parts
from wirerace.clock import NS_PER_SECOND, now_ns
from wirerace.shapes import Shape, Storm


class Shaped(LoadTestShape):
    """A shape of wirerace.shapes. Locust looks at it once a second; connections are cut to the moment.

    Time begins with the test, or with the window of the experiment that controls it, and until then it stands still.
    """

    abstract = True
    use_common_options = True
    name: ClassVar[str]
    parts: Parts
    """Where connections are cut."""
    environment: Environment

    def reset_time(self) -> None:
        """Begin: the options are read as they are now."""
        super().reset_time()  # type: ignore[no-untyped-call]
        self._began_ns: int | None = None
        if self._options.await_window == "false":
            self.begin(now_ns())

    @property
    def _options(self) -> Any:
        return self.environment.parsed_options

    @property
    def _shape(self) -> Shape:
        return read_options(vars(self._options)).shapes[self.name]

    def begin(self, at_ns: int) -> None:
        """Let time begin."""
        self._began_ns = at_ns
        shape = self._shape
        if isinstance(shape, Storm):
            left_seconds = (at_ns - now_ns()) / NS_PER_SECOND + shape.at_seconds
            gevent.spawn_later(max(left_seconds, 0), self._cut, at_ns, shape.jitter_seconds)

    def _cut(self, began_ns: int, jitter_seconds: float) -> None:
        runner = self.environment.runner
        if self._began_ns == began_ns and runner is not None and runner.shape_greenlet is not None:
            self.parts.cut(jitter_seconds)

    def tick(self) -> tuple[int, float] | None:
        """Return how many clients there are to be now, None when the test is over."""
        options = self._options
        seconds = 0.0 if self._began_ns is None else max(0.0, (now_ns() - self._began_ns) / NS_PER_SECOND)
        ended = options.run_time and seconds >= options.run_time
        return None if ended else (self._shape.clients_at(seconds, options.num_users or 1), options.spawn_rate or 1)


class Steady(Shaped):
    """All clients, all the time."""

    name = "steady"


class Steps(Shaped):
    """So many clients for so long, then so many for so long."""

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


def shapes_of(environment: Environment) -> dict[str, Shaped]:
    """Return the shapes that a Locust process has, by name."""
    available = (environment.available_shape_classes or {}).values()
    return {shape.name: shape for shape in available if isinstance(shape, Shaped)}
