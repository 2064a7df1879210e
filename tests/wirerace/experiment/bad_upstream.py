"""Experiment files with messages that cannot be used, as in bad_files.py."""

from tests.wirerace.experiment.bad_visits import VISIT
from tests.wirerace.experiment.files import LEAST

SEND = "[upstream]\nrate_per_second = 10\n"
BAD_UPSTREAM = {
    "messages of visitors": (LEAST + VISIT + SEND, "upstream.rate_per_second", ["0 with visitors", "leave [upstream]"]),
    "negative messages": (
        LEAST + "[upstream]\nrate_per_second = -1",
        "upstream.rate_per_second",
        ["at least 0.0", "-1"],
    ),
    "too many messages of a client": (
        LEAST + "[upstream]\nrate_per_second = 101",
        "upstream.rate_per_second",
        ["at most 100.0", "101"],
    ),
    "message that no server takes": (
        LEAST + SEND + "payload_bytes = 65536",
        "upstream.payload_bytes",
        ["at most 65024", "65536"],
    ),
    "message of less than nothing": (
        LEAST + SEND + "payload_bytes = -1",
        "upstream.payload_bytes",
        ["at least 0", "-1"],
    ),
    "unknown connection of messages": (
        LEAST + SEND + 'connection = "new"',
        "upstream.connection",
        ["same, own", "'new'"],
    ),
    "fan-out that is no truth": (LEAST + SEND + "fan_out = 1", "upstream.fan_out", ["true or false", "1"]),
    "unknown key of messages": (LEAST + SEND + "size = 1", "size", ["[upstream]", "payload_bytes"]),
    "more messages than a record holds": (
        LEAST + SEND + "[clients]\ncount = 5000",
        "upstream.rate_per_second",
        ["550,000 messages", "200,000", "lower it", "window.measure_seconds"],
    ),
    "more fanned out than a producer makes": (
        LEAST
        + "[upstream]\nrate_per_second = 100\nfan_out = true\n[clients]\ncount = 150\n[window]\nmeasure_seconds = 10",
        "upstream.fan_out",
        ["15,005 updates", "10,000", "lower upstream.rate_per_second"],
    ),
}
