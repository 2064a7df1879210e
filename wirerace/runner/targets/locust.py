"""Locust's command line and page: the options that an experiment sets for the load."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from wirerace.errors import BadInput
from wirerace.experiment.model import Clients
from wirerace.experiment.plans import Plan
from wirerace.experiment.servers import SOME_PORTS
from wirerace.options import fields_at, flag_of
from wirerace.workload.order import LoadOrder
from wirerace.workload.shapes import spell_stages
from wirerace.workload.upstream import Upstream

LOOPBACK = "127.0.0.1"


class Swarming(msgspec.Struct):
    """The answer of Locust's page to Start and Stop."""

    success: bool
    message: str = ""


def order_flags(plan: Plan, server_url: str, authority: str = "", clock: str = "") -> dict[str, object]:
    """Return the options of Locust for one trial: the number and shape of clients, and the order.

    `authority` is what clients of TLS trust. `clock` is where this machine's clock is probed from other hosts.
    """
    experiment = plan.experiment
    clients = experiment.clients
    order = LoadOrder(
        transport=plan.transport.name,
        options=msgspec.to_builtins(plan.options),
        url=server_url,
        channels=plan.experiment.producer.channels,
        shape=msgspec.to_builtins(clients.shape_options),
        seed=plan.seed,
        population=experiment.population,
        warmup_seconds=experiment.window.warmup_seconds,
        upstream=experiment.upstream,
        authority=authority,
        resumes=plan.path.resumption,
        compression=plan.path.compression,
        dialect="contract" if plan.contestant.server is None else plan.contestant.server.dialect,
        target=target_of(plan),
        http=plan.path.http,
        streams_per_connection=plan.path.streams_per_connection,
        clock=clock,
    )
    if experiment.population.is_visit:  # one user in each process, which lets the visitors come
        clients = Clients(count=experiment.load.processes)
    return {
        "users": clients.count,
        "spawn_rate": clients.spawn_per_second,
        "shape": clients.shape,
        "contestant": msgspec.json.encode(order).decode(),
    }


def target_of(plan: Plan) -> str:
    """Return the path, with its query, where clients of a foreign server subscribe; empty for one of ours."""
    if plan.contestant.server is None:
        return ""
    parts = urlsplit(plan.contestant.server.placed(SOME_PORTS).url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def page_flags(plan: Plan, server_url: str) -> dict[str, object]:
    """Return the fields of Locust's page for the clients of one contestant."""
    clients, name = plan.experiment.clients, plan.transport.name
    shape = clients.shape_options
    flags: dict[str, object] = {
        "users": clients.count,
        "spawn_rate": clients.spawn_per_second,
        "shape": clients.shape,
        "channels": plan.experiment.producer.channels,
        f"{name}_host": server_url,
    }
    upstream = plan.experiment.upstream
    for table, options, fields in (
        ("upstream", upstream, fields_at(Upstream, "client")),
        (name, plan.options, fields_at(plan.transport.options, "client")),
        (clients.shape, shape, fields_at(type(shape), "client")),
    ):
        flags |= {f"{table}_{field.name}": getattr(options, field.name) for field in fields}
    return flags


def spelled(flags: Mapping[str, object]) -> list[str]:
    """Return options as arguments of a command line."""
    return [f"{flag_of(name)}={spelled_value(value)}" for name, value in flags.items()]


def spelled_value(value: object) -> str:
    """Return a value as Locust takes it."""
    if isinstance(value, tuple):
        return spell_stages(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def locust_command(plan: Plan | None = None) -> list[str]:
    """Return the arguments to Python that start Locust with our users, or with those of a plan's foreign server.

    Raises BadInput when they are not installed.
    """
    spec = importlib.util.find_spec("loadtests")
    places = spec.submodule_search_locations if spec else None
    if not places:
        raise BadInput("the package loadtests is not installed: run this with the Python of .venv, or make race")
    folder = Path(places[0])
    return ["-m", "locust", "-f", str((folder / "foreign" if _is_foreign(plan) else folder) / "locustfile.py")]


def user_class_of(plan: Plan) -> str:
    """Return the name of the class of a plan's clients."""
    return f"Foreign{plan.transport.user_class}" if _is_foreign(plan) else plan.transport.user_class


def _is_foreign(plan: Plan | None) -> bool:
    """Return whether clients meet a server that has no cursors."""
    server = None if plan is None else plan.contestant.server
    return server is not None and not server.follows_contract


def master_and_worker(processes: int, port: int) -> tuple[list[str], list[str]]:
    """Return the arguments of a master that waits for a number of workers at a port of loopback, and of each worker."""
    return master_of(processes, LOOPBACK, port), worker_of(LOOPBACK, port)


def master_of(processes: int, address: str, port: int) -> list[str]:
    """Return the arguments of a master that waits for a number of workers at a port of an address."""
    place = ["--master-bind-host", address, "--master-bind-port", str(port)]
    return ["--master", *place, "--expect-workers", str(processes)]


def worker_of(address: str, port: int) -> list[str]:
    """Return the arguments of a worker whose master is at a port of an address."""
    return ["--worker", "--master-host", address, "--master-port", str(port), "--loglevel", "WARNING"]
