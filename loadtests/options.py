"""The options of a Locust process: flags, variables and fields of its page, read into typed values."""

from collections.abc import Mapping
from typing import Any

import msgspec
from locust.argument_parser import LocustArgumentParser

from loadtests.connection import Address
from wirerace.annotations import description_of, extra_of, plain_type_of
from wirerace.decoding import Misfit, convert
from wirerace.errors import BadInput, shown
from wirerace.options import ENV_PREFIX, fields_at, flag_of
from wirerace.shapes import SHAPES, Shape, parse_stages
from wirerace.transports import TRANSPORTS, TransportOptions


class LoadOptions(msgspec.Struct, frozen=True):
    """What the users of a process are told; transports, addresses and shapes by name."""

    transports: dict[str, TransportOptions]
    addresses: dict[str, Address]
    shapes: dict[str, Shape]
    seed: int


def add_options(parser: LocustArgumentParser) -> None:
    """Give Locust a host and the client options of every transport, the shapes', and what an experiment needs."""
    for transport in TRANSPORTS.values():
        name = f"{transport.name}_host"
        parser.add_argument(
            flag_of(name),
            env_var=ENV_PREFIX + name.upper(),
            default=f"http://127.0.0.1:{transport.port}",
            help=f"{transport.title}: URL of the server",
        )
        for field in fields_at(transport.options, "client"):
            _add_field(parser, transport.name, transport.title, field)
    for name, shape in SHAPES.items():
        for field in msgspec.structs.fields(shape):
            _add_field(parser, name, f"Shape {name}", field)
    parser.add_argument(
        "--load-seed", env_var="WIRERACE_LOAD_SEED", type=int, default=1, help="seed of phases and jitter"
    )
    unseen: dict[str, Any] = {"include_in_web_ui": False}
    parser.add_argument(
        "--shape",
        env_var="WIRERACE_SHAPE",
        choices=list(SHAPES),
        default="steady",
        help="shape of the load; on the page, --class-picker offers them",
        **unseen,
    )
    parser.add_argument(
        "--control-port",
        env_var="WIRERACE_CONTROL_PORT",
        type=int,
        default=0,
        help="port for /health, /metrics and the control of an experiment; 0 for none",
        **unseen,
    )
    parser.add_argument(
        "--control-host",
        env_var="WIRERACE_CONTROL_HOST",
        default="127.0.0.1",
        help="address of the control port",
        **unseen,
    )
    parser.add_argument(
        "--await-window",
        env_var="WIRERACE_AWAIT_WINDOW",
        choices=["true", "false"],
        default="false",
        help="whether a shape's time stands still until an experiment sets a window",
        **unseen,
    )
    parser.add_argument(
        "--parent-pid",
        env_var="WIRERACE_PARENT_PID",
        type=int,
        default=0,
        help="stop when this process, the parent, is gone; 0 for never",
        **unseen,
    )


def _add_field(parser: LocustArgumentParser, table: str, title: str, field: msgspec.structs.FieldInfo) -> None:
    name, of_type = f"{table}_{field.name}", plain_type_of(field.type)
    default = str(field.default).lower() if of_type is bool else extra_of(field.type, "example") or field.default
    parser.add_argument(
        flag_of(name),
        env_var=ENV_PREFIX + name.upper(),
        type=of_type if of_type in {int, float} else str,
        choices=["true", "false"] if of_type is bool else None,
        default=default,
        help=f"{title}: {description_of(field.type)}",
    )


def read_options(given: Mapping[str, Any]) -> LoadOptions:
    """Return the options in Locust's parsed options, or in the form of its page.

    Raises BadInput, naming the flag, when one does not fit.
    """
    try:
        seed = int(given["load_seed"])
    except ValueError:
        raise BadInput(f"--load-seed must be a whole number, got {shown(given['load_seed'])}") from None
    return LoadOptions(
        {name: _read(transport.options, name, given) for name, transport in TRANSPORTS.items()},
        {name: _address(name, given) for name in TRANSPORTS},
        {name: _read(shape, name, given) for name, shape in SHAPES.items()},
        seed,
    )


def _address(transport: str, given: Mapping[str, Any]) -> Address:
    try:
        return Address.parse(given[f"{transport}_host"])
    except BadInput as error:
        raise BadInput(f"{flag_of(f'{transport}_host')}: {error}") from None


def _read(struct: Any, table: str, given: Mapping[str, Any]) -> Any:
    fields = {field.name: given[f"{table}_{field.name}"] for field in fields_at(struct, "client")}
    if "stages" in fields:
        try:
            fields["stages"] = parse_stages(fields["stages"])
        except BadInput as error:
            raise BadInput(f"{flag_of(f'{table}_stages')}: {error}") from None
    try:
        return convert(fields, struct, flag_of(table), strict=False)
    except Misfit as misfit:
        name = flag_of(f"{table}_{misfit.keys[0]}") if misfit.keys else flag_of(table)
        raise BadInput(name + misfit.wrong) from None
