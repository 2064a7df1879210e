"""The options of a Locust process: flags, variables and fields of its page, read into typed values."""

from argparse import RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from locust.argument_parser import LocustArgumentParser

from loadtests.connection import Address
from loadtests.unpacking import Accepted, brotli_package
from wirerace.annotations import description_of, extra_of, plain_type_of
from wirerace.decoding import Misfit, convert, decode_json
from wirerace.errors import BadInput, shown
from wirerace.options import ENV_PREFIX, fields_at, flag_of
from wirerace.transports import PRODUCER_PORT, TRANSPORTS
from wirerace.transports.transport import TransportOptions
from wirerace.wire.dialect import Dialect
from wirerace.workload.order import LoadOrder
from wirerace.workload.population import Population
from wirerace.workload.schedule import ChannelCount
from wirerace.workload.shapes import SHAPES, Shape, parse_stages
from wirerace.workload.upstream import Upstream

PRODUCER_FIELDS: dict[str, tuple[list[str] | None, str]] = {
    "producer_rate_per_second": (None, "how many are made a second"),
    "producer_arrivals": (["", "periodic", "poisson", "bursty"], "how they arrive"),
    "producer_payload_bytes": (None, "how large they are"),
}
"""Fields of the page that set the producer: their choices, and what they mean."""
UNSEEN: dict[str, tuple[str | int, str]] = {
    "shape": ("", f"shape of the load: {', '.join(SHAPES)}, or a class of your own; the page has a --class-picker"),
    "control_port": (0, "port for /health, /metrics and the control of an experiment; 0 for none"),
    "control_host": ("127.0.0.1", "address of the control port"),
    "control_token": (
        "",
        "token that a PUT or POST to the control port must have, as Authorization: Bearer TOKEN",
    ),
    "channels": (1, "channels of the producer over which the clients spread in turn; 1 is the default channel"),
    "allowed_origins": ("", "origins whose pages may use page and control port, separated by commas; * for any"),
    "allowed_hosts": ("", "servers that the page may use besides those of the start, separated by commas; * for any"),
    "producer_url": (f"http://127.0.0.1:{PRODUCER_PORT}", "producer whose rate, arrivals and sizes the page sets"),
    "contestant": ("", "load that an experiment orders, as JSON: it replaces all fields"),
    "parent_pid": (0, "stop when this process, the parent, has ended; 0 for never"),
}
"""Options that are not on the page: their defaults, and what they mean."""


class UserOptions(msgspec.Struct, frozen=True):
    """Options of the users of a process; transports, addresses and shapes by name.

    Visitors of the `population` begin to come, and clients to send, `warmup_seconds` before the window. If nothing
    `waits_for_window`, clients send as soon as they are there. They ask for answers with `compression`. `dialect` and
    `target` are a foreign server's. With `http` 2, `streams_per_connection` of them share a connection. On another host
    than the producer, the time is that of the `clock` at a place such as `10.0.0.1:5558`.
    """

    transports: dict[str, TransportOptions]
    addresses: dict[str, Address]
    shapes: dict[str, Shape]
    seed: int
    channels: int = 1
    population: Population = Population()
    warmup_seconds: float = 0.0
    upstream: Upstream = Upstream()
    waits_for_window: bool = False
    compression: Accepted = "off"
    dialect: Dialect = "contract"
    target: str = ""
    http: Literal[1, 2] = 1
    streams_per_connection: int = 1
    clock: str = ""


def own_options(arguments: Sequence[str]) -> Any:
    """Return our options as this process was started with.

    A master overwrites those of its workers when a test begins. On a busy machine that may be before Locust says that
    the worker is ready.
    """
    parser = LocustArgumentParser(formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False)
    add_options(parser)
    return parser.parse_known_args(list(arguments))[0]


def add_options(parser: LocustArgumentParser) -> None:
    """Add options to Locust: each transport's host and client options, those of the shapes, and an experiment's.

    Locust's default is to listen on all addresses. Here it listens on loopback unless --web-host or --master-bind-host
    says otherwise.
    """
    parser.set_defaults(web_host="127.0.0.1", master_bind_host="127.0.0.1")
    for name, (kind, words) in PRODUCER_FIELDS.items():
        parser.add_argument(flag_of(name), default="", choices=kind, help=f"Updates: {words}; empty: as they are")
    for transport in TRANSPORTS.values():
        name = f"{transport.name}_host"
        parser.add_argument(
            flag_of(name),
            env_var=ENV_PREFIX + name.upper(),
            default=f"http://127.0.0.1:{transport.port}",
            help=f"{transport.title}: URL of its server",
        )
        for field in fields_at(transport.options, "client"):
            _add_field(parser, transport.name, transport.title, field)
    for name, shape in SHAPES.items():
        for field in msgspec.structs.fields(shape):
            _add_field(parser, name, f"Shape {name}", field)
    for field in msgspec.structs.fields(Upstream):
        _add_field(parser, "upstream", "Messages of clients", field)
    parser.add_argument(
        "--load-seed", env_var="WIRERACE_LOAD_SEED", type=int, default=1, help="seed of phases and jitter"
    )
    for name, (default, words) in UNSEEN.items():
        parser.add_argument(
            flag_of(name),
            env_var=ENV_PREFIX + name.upper(),
            type=type(default),
            default=default,
            help=words,
            include_in_web_ui=False,
        )


def field_names() -> list[str]:
    """Return the names of the fields that are read when a test starts, in the order of the page."""
    tables = [(name, fields_at(transport.options, "client")) for name, transport in TRANSPORTS.items()]
    tables += [(name, list(msgspec.structs.fields(shape))) for name, shape in SHAPES.items()]
    tables.append(("upstream", list(msgspec.structs.fields(Upstream))))
    hosts = [f"{name}_host" for name in TRANSPORTS]
    return [*hosts, *(f"{table}_{field.name}" for table, fields in tables for field in fields), "load_seed"]


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


def read_options(given: Mapping[str, Any]) -> UserOptions:
    """Return the typed options from Locust's parsed options, or from the form of its page.

    Raises BadInput, naming the flag, when one is not valid.
    """
    if order := given.get("contestant"):
        return _ordered(
            decode_json(str(order).encode(errors="surrogatepass"), LoadOrder, "--contestant"),
            str(given.get("shape", "")),
        )
    try:
        seed = int(given["load_seed"])
    except ValueError:
        raise BadInput(f"--load-seed must be a whole number, got {shown(given['load_seed'])}") from None
    return UserOptions(
        {name: _read(transport.options, name, given) for name, transport in TRANSPORTS.items()},
        {name: _address(name, given) for name in TRANSPORTS},
        {name: _read(shape, name, given) for name, shape in SHAPES.items()},
        seed,
        convert(given["channels"], ChannelCount, "--channels"),
        upstream=_read(Upstream, "upstream", given),
    )


def _ordered(order: LoadOrder, shape: str) -> UserOptions:
    """Return the options of the one transport that an experiment orders. All other options have their defaults.

    Raises BadInput when the order is not valid.
    """
    if order.transport not in TRANSPORTS:
        raise BadInput(f"--contestant: there is no transport {shown(order.transport)}")
    transports = {name: transport.options() for name, transport in TRANSPORTS.items()}
    own = TRANSPORTS[order.transport].options
    transports[order.transport] = convert(order.options, own, "--contestant: options")
    shapes = {name: kind() for name, kind in SHAPES.items()}
    if shape in shapes:
        shapes[shape] = convert(order.shape, SHAPES[shape], "--contestant: shape")
    addresses = {order.transport: Address.parse(order.url, order.authority, resumes=order.resumes)}
    if order.compression == "br":
        brotli_package()  # refused now, not at every answer
    return UserOptions(
        transports,
        addresses,
        shapes,
        order.seed,
        order.channels,
        order.population,
        order.warmup_seconds,
        order.upstream,
        waits_for_window=True,
        compression=order.compression,
        dialect=order.dialect,
        target=order.target,
        http=order.http,
        streams_per_connection=order.streams_per_connection,
        clock=order.clock,
    )


def has_other_clocks(given: Mapping[str, Any]) -> bool:
    """Return whether the load that an experiment orders runs on other hosts than the producer."""
    order = str(given.get("contestant", ""))
    return bool(order and decode_json(order.encode(errors="surrogatepass"), LoadOrder, "--contestant").clock)


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
