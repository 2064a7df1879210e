"""Plans and measurements to make trials of, where most does not matter."""

from wirerace.account import AccountRecord, Window
from wirerace.experiment.figures import figures
from wirerace.experiment.model import Plan
from wirerace.experiment.record import Raw
from wirerace.experiment.samples import MachineSample, Measured, Memory, ServerSample
from wirerace.experiment.trial import Trial
from wirerace.schedule import Truth
from wirerace.transports import TRANSPORTS

QUIET = MachineSample(0, 0, 0.0, None, None, None)
UNKNOWN = Memory(None, None)
NOTHING_MEASURED = Measured(
    server=None,
    machine=(QUIET, QUIET._replace(at_ns=10**10)),
    machine_cores=2,
    load_processes=1,
    load_cores=1,
    idle_utilisation=None,
    idle=UNKNOWN,
    full=UNKNOWN,
    clients_measured=200,
    restarts=0,
)
NOTHING_SPENT = ServerSample(None, 0, 0, 0, 0, 0.0, 0, 0, None, None, None)


def plan_of(transport: str, repeat: int = 1, seed: int = 1, variant: str = "") -> Plan:
    """Return the plan of a transport with its default options."""
    return Plan(TRANSPORTS[transport], variant, TRANSPORTS[transport].options(), repeat, seed)


def trial_of(
    plan: Plan, window: Window, account: AccountRecord, truth: Truth, measured: Measured = NOTHING_MEASURED
) -> Trial:
    """Return the trial that comes of a raw record."""
    return figures(plan, Raw(window, account, truth, measured))
