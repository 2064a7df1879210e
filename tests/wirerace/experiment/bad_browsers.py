"""Experiment files with browser tabs that cannot be used, as in bad_files.py."""

from tests.wirerace.experiment.files import LEAST

TABS = "[clients]\nbrowsers = 2\n"
BAD_BROWSERS = {
    "more browser tabs than a machine runs": (LEAST + "[clients]\nbrowsers = 17", "clients.browsers", ["16", "17"]),
    "less than no browser tab": (LEAST + "[clients]\nbrowsers = -1", "clients.browsers", ["at least 0", "-1"]),
    "half a browser tab": (LEAST + "[clients]\nbrowsers = 0.5", "clients.browsers", ["whole number", "0.5"]),
    "browser tabs that close their connections": (
        LEAST + TABS + "[polling]\nkeep_alive = false",
        "polling.keep_alive",
        ["keep_alive = true", "clients.browsers = 0"],
    ),
    "browser tabs with padded headers": (
        LEAST + TABS + "[longpolling]\nextra_header_bytes = 500\n"
        '[[contestants]]\nid = "held"\ntransport = "longpolling"',
        "held.extra_header_bytes",
        ["extra_header_bytes = 0", "clients.browsers = 0"],
    ),
    "more deliveries than browser tabs keep": (
        LEAST + TABS + "[producer]\nrate_per_second = 1000\n[window]\nwarmup_seconds = 1\nmeasure_seconds = 999",
        "clients.browsers",
        ["2,000,000", "1,000,000", "producer.rate_per_second", "window.measure_seconds"],
    ),
}
