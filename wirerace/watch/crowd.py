"""The crowd: Locust's clients beside the page's own, in one process, which is there only while there is a crowd."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlencode

from msgspec.structs import replace

from wirerace.clock import process_cpu_seconds
from wirerace.errors import BadInput, TrialFailed
from wirerace.experiment.model import Clients, LoadOptions
from wirerace.experiment.paths import NetworkPath
from wirerace.experiment.plans import Plan
from wirerace.experiment.settings import Study
from wirerace.host.ports import free_port
from wirerace.runner.peer import Peer
from wirerace.runner.targets.descriptors import SPARE_DESCRIPTORS, raise_descriptor_limit
from wirerace.runner.targets.local import Local
from wirerace.runner.targets.locust import Swarming
from wirerace.runner.targets.target import LoadChild
from wirerace.watch.contest import MOST_CROWD, CrowdState

MOST_DELIVERIES_PER_SECOND = 10_000
"""Some five times fewer than one core of a server and one of Locust can do: the page must stay readable."""


class LocustCrowd:
    """Synthetic clients. `wanted` may be set by any thread; `tend` and `close` belong to the thread of the parts."""

    def __init__(self, study: Study, directory: Path, plans: Sequence[Plan]) -> None:
        raise_descriptor_limit(MOST_CROWD * len(plans) + SPARE_DESCRIPTORS)
        self.wanted = 0
        self._plans = [_with_crowd(plan) for plan in plans]
        self._target = Local(study, directory, page_port=free_port())
        self._load: LoadChild | None = None
        self._present = 0
        self._trouble = ""

    def tend(self, servers: Mapping[str, Peer], producer: Peer) -> None:
        """Take one step towards what is wanted. A crowd that dies ends alone, and the page says why."""
        try:
            if self._load is None and self.wanted:
                self._load, self._trouble = self._target.start_page(self._plans, servers, producer), ""
            elif self._load is not None and not self.wanted:
                self.close()
            elif self._load is not None:
                self._target.watch()
                self._call(self._load.peer)
        except TrialFailed as error:
            self._trouble, self.wanted = str(error), 0
            self.close()

    def state(self) -> CrowdState:
        """Return what the crowd is now."""
        return CrowdState(self.wanted, self.wanted != self._present, self._cpu_seconds(), self._trouble)

    def close(self) -> None:
        """End all its clients."""
        self._target.close()
        self._load, self._present = None, 0

    def _cpu_seconds(self) -> float | None:
        """Return the CPU time of its process so far; None without one."""
        own, together = process_cpu_seconds(), self._target.cpu_seconds()
        return None if self._load is None or own is None or together is None else together - own

    def _call(self, page: Peer) -> None:
        """Have the wanted number of clients, once Locust's page answers. Locust shares them between its classes."""
        wanted = self.wanted
        if wanted == self._present or not page.is_up("/"):
            return
        transports = len(self._plans)
        form = {
            "user_count": wanted * transports,
            "spawn_rate": MOST_CROWD * transports,
        }  # that many also leave a second
        answer = page.post("/swarm", urlencode(form), Swarming)
        if not answer.success:
            raise TrialFailed(f"Locust refuses the crowd: {answer.message}")
        self._present = wanted


def check_crowd(clients: int, rate_per_second: float, transports: int) -> None:
    """Raise BadInput when a crowd would get more updates a second than this page makes."""
    deliveries = clients * transports * rate_per_second
    if deliveries > MOST_DELIVERIES_PER_SECOND:
        raise BadInput(
            f"{clients} clients on each of {transports} transports and {rate_per_second:g} updates a second are "
            f"{deliveries:,.0f} deliveries a second, and {MOST_DELIVERIES_PER_SECOND:,} are the most: "
            "fewer clients, or fewer updates"
        )


def _with_crowd(plan: Plan) -> Plan:
    """Return a plan whose clients connect to the server directly, in one process, to the page's only channel."""
    experiment = replace(
        plan.experiment,
        clients=Clients(count=1, spawn_per_second=1),
        load=LoadOptions(pin_cores=plan.experiment.load.pin_cores),
        producer=replace(plan.experiment.producer, channels=1),
    )
    return plan._replace(
        contestant=replace(plan.contestant, path=NetworkPath()), setting=plan.setting._replace(experiment=experiment)
    )
