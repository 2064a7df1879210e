"""Plans and measurements for trials, with default values."""

from typing import TypeVar

from msgspec.structs import replace

from wirerace.analysis.measure import figures
from wirerace.experiment.contestants import shorthand
from wirerace.experiment.model import Experiment
from wirerace.experiment.paths import NetworkPath
from wirerace.experiment.plans import Plan
from wirerace.experiment.settings import alone
from wirerace.observe.account import AccountRecord, Window
from wirerace.record.moment import Sample
from wirerace.record.result import ContestantRecord, Raw
from wirerace.record.samples import MachineSample, Measured, Memory, ServerSample
from wirerace.record.trial import Trial
from wirerace.transports import TRANSPORTS
from wirerace.transports.transport import TransportOptions
from wirerace.workload.truth import Truth

EXPERIMENT = Experiment("t", list(TRANSPORTS))
AnySample = TypeVar("AnySample", bound=Sample)

QUIET = MachineSample(
    began_ns=0,
    ended_ns=0,
    offset_ns=0,
    busy_seconds=0.0,
    stolen_seconds=None,
    own_seconds=None,
    memory_stalled_seconds=None,
)
UNKNOWN = Memory(began_ns=0, ended_ns=0, user_bytes=None, socket_bytes=None)
NOTHING_MEASURED = Measured(
    server=None,
    machine=(QUIET, replace(QUIET, began_ns=10**10, ended_ns=10**10)),
    machine_cores=2,
    load_processes=1,
    load_cores=1,
    idle_utilisation=None,
    idle=UNKNOWN,
    full=UNKNOWN,
    clients_measured=200,
    restarts=0,
)
NOTHING_SPENT = ServerSample(
    began_ns=0,
    ended_ns=0,
    cpu_seconds=None,
    payload_bytes=0,
    received_bytes=0,
    sent_bytes=0,
    heartbeat_bytes=0,
    feed_seconds=0.0,
    feed_updates=0,
    feed_reads=0,
    waited_seconds=None,
    throttled_seconds=None,
    retransmitted=None,
)


def at_ends(window: Window, measured: Measured = NOTHING_MEASURED) -> Measured:
    """Return measurements as if every sample had been taken at an end of the window, in no time."""
    (before, after), server = measured.machine, measured.server
    machine = (at(window.from_ns, before), at(window.to_ns, after))
    if server is not None:
        server = (at(window.from_ns, server[0]), at(window.to_ns, server[1]))
    return replace(measured, machine=machine, server=server)


def at(instant_ns: int, sample: AnySample) -> AnySample:
    """Return a sample as if it had been taken at an instant, in no time."""
    return replace(sample, began_ns=instant_ns, ended_ns=instant_ns)


def plan_of(
    transport: str, repeat: int = 1, seed: int = 1, contestant: str = "", experiment: Experiment = EXPERIMENT
) -> Plan:
    """Return the plan of a transport with its default options, under its own id or that of another contestant."""
    options = TRANSPORTS[transport].options()
    plain = shorthand(transport, options, NetworkPath())
    other = replace(plain, id=contestant, title=f"{plain.title} ({contestant.removeprefix(f'{transport}-')})")
    return Plan(other if contestant else plain, alone(experiment).settings[0], repeat, seed)


def plan_with(transport: str, options: TransportOptions) -> Plan:
    """Return the plan of a transport with these options."""
    plan = plan_of(transport)
    return plan._replace(contestant=replace(plan.contestant, options=options))


def contestants_in(*trials: Trial) -> list[ContestantRecord]:
    """Return the contestants of trials, in the order of the transports."""
    ids = dict.fromkeys((trial.transport, trial.contestant) for trial in trials)
    names = list(TRANSPORTS)
    return [
        ContestantRecord(
            contestant,
            plan_of(transport, contestant="" if contestant == transport else contestant).contestant.title,
            transport,
        )
        for transport, contestant in sorted(ids, key=lambda one: names.index(one[0]))
    ]


def trial_of(
    plan: Plan, window: Window, account: AccountRecord, truth: Truth, measured: Measured = NOTHING_MEASURED
) -> Trial:
    """Return the trial of a raw record."""
    return figures(plan, Raw(window, account, truth, measured))
