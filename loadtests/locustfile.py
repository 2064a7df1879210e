"""What Locust opens: `locust -f loadtests/locustfile.py PollingUser`.

Locust imports this file as its own module, and again when another locustfile imports it. What must happen only once is
in `loadtests.hooks`.
"""

from importlib import import_module

from loadtests import hooks
from loadtests.shapes import Ramp, ReconnectStorm, Spike, Steady, Steps
from wirerace.transports import TRANSPORTS

USERS = {
    transport.user_class: getattr(import_module(f"loadtests.{transport.name}"), transport.user_class)
    for transport in TRANSPORTS.values()
}
"""The user class of each transport, from the module with the transport's name."""
globals().update(sorted(USERS.items()))  # Locust finds user classes here, and so does another locustfile.

__all__ = ["Ramp", "ReconnectStorm", "Spike", "Steady", "Steps", "hooks"]
__all__.extend(USERS)  # noqa: PYI056 -- with `+=`, ruff accepts literal names only
