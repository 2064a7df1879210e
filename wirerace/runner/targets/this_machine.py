"""What targets have in common whose servers run on this machine, as far as is known."""

from abc import ABC, abstractmethod

from wirerace.host.machine import all_cores, machine_sample
from wirerace.record.result import Host
from wirerace.record.samples import MachineSample
from wirerace.runner.parts.broker import BrokerChild


class OnThisMachine(ABC):
    """A target whose servers, and whose load if not said otherwise, have this machine's cores and its clock."""

    other_hosts = False
    far_servers = False
    ahead_ns = 0
    order_seconds = 0.0
    broker: BrokerChild | None = None

    @abstractmethod
    def cpu_seconds(self) -> float | None:
        """Return the CPU time so far of everything that the experiment runs, this process included."""

    def machine_sample(self) -> MachineSample:
        """Return the counters of this machine."""
        return machine_sample(self.cpu_seconds)

    @property
    def machine_cores(self) -> int:
        """The cores of this machine."""
        return all_cores()

    def described(self, host: Host) -> Host:
        """Return a host as it is: it is this machine."""
        return host
