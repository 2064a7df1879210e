"""What Locust opens for other people's servers: `locust -f loadtests/foreign/locustfile.py ForeignSseUser`."""

from loadtests import hooks
from loadtests.foreign.asking import ForeignLongPollingUser, ForeignPollingUser
from loadtests.foreign.pushed import ForeignSseUser, ForeignStreamUser, ForeignWebSocketUser
from loadtests.shapes import Ramp, ReconnectStorm, Spike, Steady, Steps

__all__ = [
    "ForeignLongPollingUser",
    "ForeignPollingUser",
    "ForeignSseUser",
    "ForeignStreamUser",
    "ForeignWebSocketUser",
    "Ramp",
    "ReconnectStorm",
    "Spike",
    "Steady",
    "Steps",
    "hooks",
]
