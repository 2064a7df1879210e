"""What Locust opens for other people's servers: `locust -f loadtests/foreign/locustfile.py ForeignSseUser`."""

from importlib import import_module
from importlib.util import find_spec

from loadtests import hooks
from loadtests.shapes import Ramp, ReconnectStorm, Spike, Steady, Steps
from wirerace.transports import TRANSPORTS

FOREIGN_USERS = {
    f"Foreign{transport.user_class}": getattr(
        import_module(f"loadtests.foreign.{transport.name}"), f"Foreign{transport.user_class}"
    )
    for transport in TRANSPORTS.values()
    if find_spec(f"loadtests.foreign.{transport.name}") is not None
}
"""The user class of each transport that has one, from the module with the transport's name."""
globals().update(sorted(FOREIGN_USERS.items()))  # Locust finds user classes here.

__all__ = ["Ramp", "ReconnectStorm", "Spike", "Steady", "Steps", "hooks"]
__all__.extend(FOREIGN_USERS)  # noqa: PYI056 -- with `+=`, ruff accepts literal names only
