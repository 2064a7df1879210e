"""What Locust opens: `locust -f loadtests/locustfile.py PollingUser`."""

import os
import sys
from typing import Any

import gevent
import msgspec
from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

from loadtests.connection import Address
from loadtests.control import Control
from loadtests.load import LOADS, Load
from loadtests.longpolling import LongPollingUser
from loadtests.polling import PollingUser
from loadtests.websocket import WebSocketUser
from wirerace.errors import BadInput
from wirerace.options import ENV_PREFIX, description_of, fields_at, flag_of, lowered, plain_type_of, wanted
from wirerace.transports import TRANSPORTS, TransportOptions

PARENT_EVERY_SECONDS = 1.0

__all__ = ["LongPollingUser", "PollingUser", "WebSocketUser"]


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]  # Locust has no types for it
def add_options(parser: LocustArgumentParser) -> None:
    """Give Locust a host and the client options of every transport, as flags, variables and fields of its page."""
    group = parser.add_argument_group("Wirerace")
    for transport in TRANSPORTS.values():
        name = f"{transport.name}_host"
        group.add_argument(
            flag_of(name),
            env_var=ENV_PREFIX + name.upper(),
            default=f"http://127.0.0.1:{transport.port}",
            help=f"{transport.title}: URL of the server",
        )
        for field in fields_at(transport.options, "client"):
            name = f"{transport.name}_{field.name}"
            of_type = plain_type_of(field.type)
            group.add_argument(
                flag_of(name),
                env_var=ENV_PREFIX + name.upper(),
                type=str if of_type is bool else of_type,
                choices=["true", "false"] if of_type is bool else None,
                default=str(field.default).lower() if of_type is bool else field.default,
                help=f"{transport.title}: {description_of(field.type)}",
            )
    group.add_argument(
        "--load-seed", env_var="WIRERACE_LOAD_SEED", type=int, default=1, help="seed of phases and jitter"
    )
    parser.add_argument(
        "--control-port",
        env_var="WIRERACE_CONTROL_PORT",
        type=int,
        default=0,
        include_in_web_ui=False,
        help="loopback port on which an experiment controls this process; 0 for none",
    )
    parser.add_argument(
        "--parent-pid",
        env_var="WIRERACE_PARENT_PID",
        type=int,
        default=0,
        include_in_web_ui=False,
        help="stop when this process, the parent, is gone; 0 for never",
    )


@events.init.add_listener  # type: ignore[untyped-decorator]  # Locust has no types for it
def open_control(environment: Environment, **_: Any) -> None:
    """Listen to the experiment that started this process, if one did, and do not outlive it."""
    options: Any = environment.parsed_options
    if options.control_port:
        Control(lambda: LOADS.get(environment), options.control_port)
    if options.parent_pid:
        gevent.spawn(_outlive, options.parent_pid, environment)


def _outlive(parent_pid: int, environment: Environment) -> None:
    while os.getppid() == parent_pid:
        gevent.sleep(PARENT_EVERY_SECONDS)
    quit_locust(environment)


def quit_locust(environment: Environment) -> None:
    """End this Locust process."""
    if environment.runner is not None:
        environment.runner.quit()


@events.test_start.add_listener  # type: ignore[untyped-decorator]  # Locust has no types for it
def start_load(environment: Environment, **_: Any) -> None:
    """Start a new account with the options as they are now."""
    try:
        LOADS[environment] = new_load(environment)
    except BadInput as error:
        sys.stderr.write(f"locust: {error}\n")
        environment.process_exit_code = 2
        quit_locust(environment)


@events.test_stop.add_listener  # type: ignore[untyped-decorator]  # Locust has no types for it
def stop_load(environment: Environment, **_: Any) -> None:
    """Hand over what is not in Locust's statistics yet."""
    load = LOADS.get(environment)
    if load is not None:
        load.stop()


def new_load(environment: Environment) -> Load:
    """Return the load that Locust's parsed options describe.

    Raises BadInput, naming the flag, when one does not fit.
    """
    given = vars(environment.parsed_options)
    options: dict[str, TransportOptions] = {}
    addresses: dict[str, Address] = {}
    for transport in TRANSPORTS.values():
        prefix = f"{transport.name}_"
        addresses[transport.name] = Address.parse(given[f"{prefix}host"])
        fields = {field.name: given[prefix + field.name] for field in fields_at(transport.options, "client")}
        try:
            options[transport.name] = msgspec.convert(fields, transport.options, strict=False)
        except msgspec.ValidationError as error:
            reason, _, name = str(error).rstrip("`").partition(" - at `$.")
            annotation = next(field.type for field in msgspec.structs.fields(transport.options) if field.name == name)
            raise BadInput(f"{flag_of(prefix + name)} must be {wanted(annotation, lowered(reason))}") from None
    return Load(environment, options, addresses, given["load_seed"])
