"""What servers pass on to the producer: their clients' messages, checked."""

from services.relay import AT_ONCE_MESSAGES
from wirerace.decoding import decode_json
from wirerace.errors import BadInput, shown
from wirerace.wire.message import Passed, is_client
from wirerace.workload.trace import MOST_PAYLOAD_BYTES


def messages_in(body: bytes) -> list[Passed]:
    """Return the messages that a server passes on.

    Raises BadInput when they are malformed, or more than a server passes on at once. A larger payload than that of an
    update would make a line of the feed that no server takes.
    """
    messages = decode_json(body, list[Passed], "messages")
    if len(messages) > AT_ONCE_MESSAGES:
        raise BadInput(f"messages must be at most {AT_ONCE_MESSAGES}, got {len(messages)}")
    for place, message in enumerate(messages):
        if not is_client(message.client):
            raise BadInput(f"messages[{place}].client must be letters, digits, _ and -, got {shown(message.client)}")
        if len(message.data) > MOST_PAYLOAD_BYTES:
            raise BadInput(f"messages[{place}].data must be at most {MOST_PAYLOAD_BYTES} characters")
    return messages
