"""Files of searches for capacity that cannot be run, as in bad_files.py."""

from tests.wirerace.experiment.files import LEAST

SEARCH = LEAST + 'kind = "capacity"\n'
OBJECTIVE = 'objectives = ["latency.p99 < 0.5"]\n'
TABLE = "[capacity]\n" + OBJECTIVE
BAD_CAPACITY = {
    "unknown kind": (LEAST + 'kind = "race"', "kind", ["comparison, capacity", "'race'"]),
    "kinds in a sweep": (LEAST + 'kind = ["comparison", "capacity"]', "kind", ["one value"]),
    "capacity of a comparison": (LEAST + TABLE, "capacity", ['kind = "capacity"', "leave [capacity] out"]),
    "search for nothing": (SEARCH, "capacity.objectives", ['objectives = ["latency.p99 < 0.2"]']),
    "search for text": (
        SEARCH + '[capacity]\nobjectives = "lost == 0"',
        "capacity.objectives",
        ["a list", "'lost == 0'"],
    ),
    "search for a ratio": (
        SEARCH + '[capacity]\nobjectives = ["latency.p99 < 1.2x"]',
        "capacity.objectives[0]",
        ["1.2x", "compare --fail-if"],
    ),
    "search for no sentence": (
        SEARCH + '[capacity]\nobjectives = ["lost == 0", "fast"]',
        "capacity.objectives[1]",
        ["'fast'", '"latency.p99 < 0.2"'],
    ),
    "objectives of a comparison in a search": (SEARCH + OBJECTIVE + TABLE, "objectives", ["[capacity]", "move them"]),
    "repeats of a search": (SEARCH + "repeats = 2\n" + TABLE, "repeats", ["leave it out", "capacity.repeats"]),
    "valid repeats of a search": (
        SEARCH + "valid_repeats = 1\n" + TABLE,
        "valid_repeats",
        ["leave it out", "capacity.repeats"],
    ),
    "faults in a search": (
        SEARCH + '[[faults]]\nkind = "kill"\non = "server"\nat_seconds = 1\n' + TABLE,
        "faults",
        ["leave them out"],
    ),
    "visitors in a search": (
        SEARCH + TABLE + '[population]\nkind = "visit"\n[window]\nwarmup_seconds = 10',
        "population.kind",
        ['"stay"'],
    ),
    "clients that come and go in a search": (
        SEARCH + TABLE + '[clients]\nshape = "ramp"',
        "clients.shape",
        ['"steady"', "'ramp'"],
    ),
    "sweep of a search": (SEARCH + TABLE + "[clients]\ncount = [1, 2]", "clients.count", ["one value", "a list"]),
    "sweep of a search's precision": (SEARCH + TABLE + "precision = [0.1, 0.2]", "capacity.precision", ["one value"]),
    "even repeats": (SEARCH + TABLE + "repeats = 2", "capacity.repeats", ["odd", "a majority", "2"]),
    "no tries": (SEARCH + TABLE + "tries = 0", "capacity.tries", ["at least 1", "0"]),
    "search that begins at its end": (
        SEARCH + TABLE + "most = 200\n[clients]\ncount = 201",
        "capacity.most",
        ["clients.count", "201", "200"],
    ),
    "search up to nothing": (SEARCH + TABLE + "most = 0", "capacity.most", ["above 0.0", "0"]),
    "search without an end": (SEARCH + TABLE + "most = inf", "capacity.most", ["at most 100000.0", "inf"]),
    "precision below nothing": (SEARCH + TABLE + "precision = -0.5", "capacity.precision", ["at least 0.01", "-0.5"]),
    "precision of more than all": (SEARCH + TABLE + "precision = 1.5", "capacity.precision", ["at most 1.0", "1.5"]),
    "rate that begins at its end": (
        SEARCH + TABLE + 'knob = "producer.rate_per_second"\nmost = 5\n[producer]\nrate_per_second = 6',
        "capacity.most",
        ["producer.rate_per_second", "6", "5"],
    ),
    "knob for which less is harder": (
        SEARCH + TABLE + 'knob = "polling.interval_seconds"',
        "capacity.knob",
        ["clients.count, producer.rate_per_second", "'polling.interval_seconds'"],
    ),
    "quota of clients": (LEAST + "[clients]\ncpus = 1", "cpus", ["[clients]", "did you mean servers.cpus?", "count"]),
    "servers without an s": (
        LEAST + "[server]\ncpus = 0.1",
        "server",
        ["no key of the top level", "did you mean servers.cpus?"],
    ),
    "precision of nothing": (SEARCH + TABLE + "precision = 0", "capacity.precision", ["at least 0.01", "0"]),
    "unknown knob": (
        SEARCH + TABLE + 'knob = "clients.speed"',
        "capacity.knob",
        ["clients.count, producer.rate_per_second", "'clients.speed'"],
    ),
    "unknown key of a search": (SEARCH + TABLE + "width = 3", "width", ["[capacity]", "precision"]),
    "search that cannot be run up to its end": (
        SEARCH + TABLE + "most = 5000\n[upstream]\nrate_per_second = 10",
        "at clients.count = 5000",
        ["capacity.most", "upstream.rate_per_second", "lower it"],
    ),
    "rate above all rates": (
        SEARCH + TABLE + 'knob = "producer.rate_per_second"\nmost = 20000',
        "at producer.rate_per_second = 20000.0",
        ["capacity.most", "producer.rate_per_second", "at most 10000.0"],
    ),
    "quota of nothing": (LEAST + "[servers]\ncpus = 0", "servers.cpus", ["at least 0.01", "0"]),
    "quota of a hall": (LEAST + "[servers]\ncpus = 65", "servers.cpus", ["at most 64.0", "65"]),
    "unknown key of servers": (LEAST + "[servers]\ncores = 1", "cores", ["[servers]", "cpus"]),
}
