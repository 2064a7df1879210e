"""A Locust user for anybody's locustfile, against any server: it stamps what it receives with the kernel's time.

Nothing here knows of the contract, and nothing is registered with Locust. docs/locust_users.md says how to use it.
"""

from loadtests.fractions import keep_fractions
from loadtests.stamped.channel import OpenChannel
from loadtests.stamped.events import EventChannel
from loadtests.stamped.failures import RequestFailed
from loadtests.stamped.received import StampedEvent, StampedMessage, StampedResponse
from loadtests.stamped.streams import StreamChannel
from loadtests.stamped.user import StampedUser
from loadtests.stamped.websockets import WebSocketChannel

__all__ = [
    "EventChannel",
    "OpenChannel",
    "RequestFailed",
    "StampedEvent",
    "StampedMessage",
    "StampedResponse",
    "StampedUser",
    "StreamChannel",
    "WebSocketChannel",
    "keep_fractions",
]
