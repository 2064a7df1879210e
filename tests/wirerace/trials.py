"""Plans and measurements to make trials of, where most does not matter."""

from wirerace.experiment.model import Plan
from wirerace.experiment.trial import Measured
from wirerace.transports import TRANSPORTS

NOTHING_MEASURED = Measured(
    server=None,
    load_cpu_seconds=None,
    load_processes=1,
    load_cores=1,
    user_bytes_idle=None,
    user_bytes=None,
    clients_measured=200,
    restarts=0,
)


def plan_of(transport: str, repeat: int = 1, seed: int = 1, variant: str = "") -> Plan:
    """Return the plan of a transport with its default options."""
    return Plan(TRANSPORTS[transport], variant, TRANSPORTS[transport].options(), repeat, seed)
