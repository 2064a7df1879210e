"""Experiment files with visitors that cannot be used, as in bad_files.py."""

from tests.wirerace.experiment.files import LEAST

VISIT = '[population]\nkind = "visit"\n'
BAD_VISITS = {
    "clients beside visitors": (
        LEAST + "[clients]\ncount = 5\n" + VISIT,
        "clients",
        ["take [clients] out", "per_second = 10", "[population]"],
    ),
    "key of visitors for clients that stay": (
        LEAST + "[population]\nper_second = 5",
        "population.per_second",
        ['kind = "visit"', "[population]"],
    ),
    "population of no kind": (LEAST + '[population]\nkind = "go"', "population.kind", ["stay, visit", "'go'"]),
    "kinds of population in a sweep": (
        LEAST + '[population]\nkind = ["stay", "visit"]',
        "population.kind",
        ["same for all settings", "not a list"],
    ),
    "visitor who takes nothing": (LEAST + VISIT + "updates = 0", "population.updates", ["at least 1", "0"]),
    "visitors of half an update": (LEAST + VISIT + "updates = 1.5", "population.updates", ["whole number", "1.5"]),
    "no visitor ever": (LEAST + VISIT + "per_second = 0", "population.per_second", ["at least 0.01", "0"]),
    "visitor without time": (LEAST + VISIT + "timeout_seconds = 0", "population.timeout_seconds", ["above 0.0", "0"]),
    "visitor's timeout shorter than a poll": (
        LEAST + VISIT + "updates = 2\ntimeout_seconds = 0.5\n[polling]\ninterval_seconds = 1",
        "population.timeout_seconds",
        ["at least 1", "0.5", "raise it", "polling ask more often"],
    ),
    "visitor's timeout shorter than a hold": (
        'title = "t"\ntransports = ["longpolling"]\n' + VISIT + "updates = 2\ntimeout_seconds = 20",
        "population.timeout_seconds",
        ["at least 25", "20", "raise it"],
    ),
    "visitor's timeout shorter than the visit": (
        LEAST + VISIT + "updates = 101\ntimeout_seconds = 5\n[producer]\nrate_per_second = 10",
        "population.timeout_seconds",
        ["at least 11", "5", "lower population.updates"],
    ),
    "warm-up shorter than a visit": (
        LEAST + VISIT + "updates = 41\n[producer]\nrate_per_second = 10\n[window]\nwarmup_seconds = 2",
        "window.warmup_seconds",
        ["at least 5", "2", "polling"],
    ),
    "more visitors than a record holds": (
        LEAST + VISIT + "per_second = 2000\n[window]\nmeasure_seconds = 100",
        "population.per_second",
        ["202,000", "100,000", "lower it", "window.measure_seconds"],
    ),
    "visitors of several channels": (
        LEAST + VISIT + "[producer]\nchannels = 3",
        "producer.channels",
        ["must be 1 with visitors", "got 3", "leave it out"],
    ),
    "visitors of the latest only": (
        LEAST + VISIT + '[websocket]\ndeliver = "latest"',
        "websocket",
        ["follow each other", "leave deliver"],
    ),
}
