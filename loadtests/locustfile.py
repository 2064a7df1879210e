"""What Locust opens: `locust -f loadtests/locustfile.py PollingUser`.

Locust reads this file as a module of its own, and again when another locustfile imports it. What may be done only once
is in `loadtests.hooks`.
"""

from loadtests import hooks
from loadtests.longpolling import LongPollingUser
from loadtests.polling import PollingUser
from loadtests.shapes import Ramp, ReconnectStorm, Spike, Steady, Steps
from loadtests.websocket import WebSocketUser

__all__ = [
    "LongPollingUser",
    "PollingUser",
    "Ramp",
    "ReconnectStorm",
    "Spike",
    "Steady",
    "Steps",
    "WebSocketUser",
    "hooks",
]
