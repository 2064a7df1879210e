"""What processes of this machine can do: alone, with Locust's page, and with a load on other hosts."""

from wirerace.experiment.faults import ALL_FAULTS
from wirerace.runner.parts.process import CAN_FILL
from wirerace.runner.targets.target import Supported, with_a_page

SUPPORTED = Supported(
    delays=True,
    reverse_proxies=True,
    server_options=True,
    faults=ALL_FAULTS if CAN_FILL else ALL_FAULTS - {("fill", "producer")},
    otherwise="is not available",
    needs={"fill": "needs Linux, where a process can be kept from letting its files grow: run it there"},
)
OF_PAGE = with_a_page(SUPPORTED)
"""What Locust's page can do: its clients stay."""
OF_HOSTS = SUPPORTED._replace(
    browsers=False,
    foreign=False,
    otherwise="is not available with load.address: leave it out, and let the load run on this machine",
)
"""What is left where the load runs on other hosts."""
