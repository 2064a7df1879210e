"""Run one service: `python -m services polling`."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from prometheus_client import disable_created_metrics

from services.host import Service, ServiceOptions, run
from wirerace.errors import BadInput
from wirerace.options import add_flags, read_options, with_order
from wirerace.transports import TRANSPORTS

SERVICES = ("producer", "publisher", *TRANSPORTS)
"""Each service is the module of this package with its name."""


def service_of(name: str) -> type[Service]:
    """Return a service. No other service's module is imported."""
    service: type[Service] = import_module(f"services.{name}").SERVICE
    return service


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the service that the arguments name; return the exit code: 0 stopped, 2 bad input."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m services", description="Run one service of Wirerace.")
    commands = parser.add_subparsers(dest="service", metavar="SERVICE", required=True)
    named = [name for name in SERVICES if name in arguments[:1]]
    for name in named or SERVICES:  # All are imported only to be listed: for --help, and where no service is named.
        service = service_of(name)
        summary = (sys.modules[service.__module__].__doc__ or "").partition("\n")[0]
        command = commands.add_parser(name, help=summary, description=summary)
        add_flags(command, service.options_type)
        command.add_argument("--contestant", help=argparse.SUPPRESS)  # for experiments, not for people
    flags = vars(parser.parse_args(arguments))
    service, order = service_of(flags.pop("service")), flags.pop("contestant")
    try:
        options = with_order(read_options(service.options_type, flags, os.environ), order)
        set_up_logs(options)
        disable_created_metrics()  # type: ignore[no-untyped-call]  # else a second series for each counter, which nothing reads
        run(service, options)
    except BadInput as error:
        sys.stderr.write(f"{service.name}: {error}\n")
        return 2
    return 0


def set_up_logs(options: ServiceOptions) -> None:
    """Send log lines to stderr in the format that the options name."""
    handler = logging.StreamHandler()
    console = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonFormatter() if options.log_format == "json" else console)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON."""
        entry = {
            "time": record.created,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry)


if __name__ == "__main__":
    sys.exit(main())
