"""Open files: how many sockets an experiment needs, and the limit that has to allow them."""

import math
import sys
from collections.abc import Iterable

from wirerace.errors import BadInput
from wirerace.experiment.model import Experiment
from wirerace.experiment.plans import contestants_of
from wirerace.experiment.settings import Setting

SPARE_DESCRIPTORS = 200
"""The descriptors of a process besides one socket for each client."""


def allow_sockets(settings: Iterable[Setting]) -> None:
    """Raise the soft limit on open files to what the settings need.

    Raises BadInput when the hard limit lies below that.
    """
    raise_descriptor_limit(max(map(sockets_of, settings)) + SPARE_DESCRIPTORS)


def connections_of(experiment: Experiment) -> int:
    """Return the most connections of clients at one time: one that sends may have a second one for its messages."""
    return (2 if experiment.upstream.is_on else 1) * clients_of(experiment)


def clients_of(experiment: Experiment) -> int:
    """Return the most clients at one time. When a server stands still, visitors stay until they give up."""
    population = experiment.population
    if population.is_visit:
        return math.ceil(population.per_second * population.timeout_seconds)
    return experiment.clients.count + experiment.clients.browsers


def sockets_of(setting: Setting) -> int:
    """Return the most sockets of a process at a setting: a proxy has two for each client."""
    experiment = setting.experiment
    has_proxy = any(one.path.is_forwarded for one in contestants_of(experiment))
    return (2 if has_proxy else 1) * connections_of(experiment)


def raise_descriptor_limit(needed: int) -> None:
    """Raise the soft limit on open files to `needed`.

    Raises BadInput when the hard limit lies below that.
    """
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 -- there is none on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise BadInput(f"{needed} open files are needed, the hard limit is {hard}: raise it with ulimit -Hn {needed}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
