"""Experiment files that cannot be used, and the line that each gets."""

from tests.wirerace.experiment.files import LEAST

TOP_KEYS = ", ".join(
    [
        *("title", "transports", "contestants", "path", "repeats", "valid_repeats", "tries", "seed"),
        *("producer", "clients", "paths", "faults", "load", "window", "polling", "longpolling", "websocket"),
    ]
)
NOTHING_COMPARED = 'nothing is compared: name transports = ["polling", "websocket"], or give [[contestants]]'
OWN = '[[contestants]]\nid = "own"\ntransport = "polling"\n'
BAD_FILES = {
    "no title": ('transports = ["polling"]', "title is missing; add it at the top level"),
    "no transports": ('title = "t"', NOTHING_COMPARED),
    "empty title": ('title = ""\ntransports = ["polling"]', "title must be text of length at least 1, got ''"),
    "title of a number": ('title = 3\ntransports = ["polling"]', "title must be text, got 3"),
    "no transport": ('title = "t"\ntransports = []', NOTHING_COMPARED),
    "transports of text": ('title = "t"\ntransports = "polling"', "transports must be a list, got 'polling'"),
    "transport of a number": ('title = "t"\ntransports = [1]', "transports[0] must be text, got 1"),
    "transport that is none": (
        'title = "t"\ntransports = ["pigeon"]',
        "transports[0]: there is no 'pigeon'; there are polling, longpolling, websocket",
    ),
    "transport twice": (
        'title = "t"\ntransports = ["polling", "polling"]',
        "transports: each may be named once; repeats runs all of them again",
    ),
    "unknown key": (LEAST + "speed = 3", f"speed is no key of the top level; there are {TOP_KEYS}"),
    "unknown table": (LEAST + "[pigeon]\nx = 3", f"pigeon is no key of the top level; there are {TOP_KEYS}"),
    "unknown key of a table": (
        LEAST + "[producer]\nrate = 3",
        (
            "rate is no key of [producer]; there are rate_per_second, arrivals, payload_bytes, "
            "on_seconds, off_seconds, trace_file, speed"
        ),
    ),
    "unknown key of a table with one": (
        LEAST + "[polling]\ninterval = 3",
        "interval is no key of [polling]; there are keep_alive, extra_header_bytes, interval_seconds",
    ),
    "unknown key of a key": (
        LEAST + "[producer.seed]\nx = 1",
        (
            "seed is no key of [producer]; there are rate_per_second, arrivals, payload_bytes, "
            "on_seconds, off_seconds, trace_file, speed"
        ),
    ),
    "table of a number": (LEAST + "polling = 3", "polling must be a table, got 3"),
    "count of text": (LEAST + '[clients]\ncount = "5"', "clients.count must be a whole number, got '5'"),
    "count of a fraction": (LEAST + "[clients]\ncount = 5.5", "clients.count must be a whole number, got 5.5"),
    "count of zero": (LEAST + "[clients]\ncount = 0", "clients.count must be a whole number at least 1, got 0"),
    "count of a table": (LEAST + "[clients.count]\nx = 1", "clients.count must be a whole number, got {'x': 1}"),
    "count too high": (
        LEAST + "[clients]\ncount = 100_001",
        "clients.count must be a whole number at most 100000, got 100001",
    ),
    "count beyond 64 bits": (
        LEAST + "[clients]\ncount = 99999999999999999999",
        "clients.count must be a whole number at most 100000, got 99999999999999999999",
    ),
    "no spawning": (
        LEAST + "[clients]\nspawn_per_second = 0",
        "clients.spawn_per_second must be a number above 0.0, got 0",
    ),
    "arrivals of a kind there is not": (
        LEAST + '[producer]\narrivals = "sometimes"',
        "producer.arrivals must be one of periodic, poisson, bursty, trace, got 'sometimes'",
    ),
    "arrivals of a number": (
        LEAST + "[producer]\narrivals = 1",
        "producer.arrivals must be one of periodic, poisson, bursty, trace, got 1",
    ),
    "rate that is no number": (
        LEAST + "[producer]\nrate_per_second = nan",
        "producer.rate_per_second must be a number at least 0.01, got nan",
    ),
    "rate of infinity": (
        LEAST + "[producer]\nrate_per_second = inf",
        "producer.rate_per_second must be a number at most 10000.0, got inf",
    ),
    "switch of a number": (LEAST + "[load]\npin_cores = 1", "load.pin_cores must be true or false, got 1"),
    "seed below zero": (LEAST + "seed = -1", "seed must be a whole number at least 0, got -1"),
    "repeats of a list": (
        LEAST + "repeats = [1, 2]",
        "repeats is the same for all settings: give it one value, not a list",
    ),
    "sweep of nothing": (
        LEAST + "seed = []",
        "seed: a list makes a sweep, and this one is empty: give it a value",
    ),
    "sweep with a value twice": (
        LEAST + "[clients]\ncount = [1, 2, 1]",
        "clients.count: each value of a sweep may be named once, got [1, 2, 1]",
    ),
    "sweep with a bad value": (
        LEAST + "[clients]\ncount = [1, 0]",
        "clients.count must be a whole number at least 1, got 0",
    ),
    "sweep without an end": (
        LEAST + f"seed = {list(range(101))}\n[clients]\ncount = {list(range(1, 101))}",
        ("a sweep has at most 10,000 settings, and this one has 101 of seed × 100 of clients.count: leave some out"),
    ),
    "sweep of a contestant's transport": (
        LEAST + '[[contestants]]\nid = "own"\ntransport = ["polling", "websocket"]',
        "contestants[0].transport is the same for all settings: give it one value, not a list",
    ),
    "window under five polls": (
        LEAST + "[polling]\ninterval_seconds = 2\n[window]\nmeasure_seconds = 9.9",
        "window.measure_seconds must be at least 5 × the period of polling = 10, got 9.9",
    ),
    "window under five polls of a contestant": (
        LEAST + OWN + "options = { interval_seconds = 3 }",
        "window.measure_seconds must be at least 5 × the period of own = 15, got 10",
    ),
    "contestant of a transport there is not": (
        LEAST + '[[contestants]]\nid = "own"\ntransport = "pigeon"',
        "contestants[0].transport: there is no 'pigeon'; there are polling, longpolling, websocket",
    ),
    "contestant without an id": (
        LEAST + '[[contestants]]\ntransport = "polling"',
        "id is missing; add it to contestants[0]",
    ),
    "contestant of a number": (LEAST + "contestants = [1]", "contestants[0] must be a table, got 1"),
    "contestants of a number": (LEAST + "contestants = 1", "contestants must be a list, got 1"),
    "option of a contestant": (
        LEAST + OWN + "options = { interval_seconds = 0 }",
        "contestants[0].options.interval_seconds must be a number at least 0.01, got 0",
    ),
    "option of a contestant there is not": (
        LEAST + OWN + "options = { hold_seconds = 1 }",
        (
            "hold_seconds is no key of [contestants[0].options]; there are keep_alive, extra_header_bytes, "
            "interval_seconds"
        ),
    ),
    "id of a contestant": (
        LEAST + '[[contestants]]\nid = "Two words"\ntransport = "polling"',
        "contestants[0].id must be 1 to 40 of a to z, 0 to 9 and single hyphens, got 'Two words'",
    ),
    "id twice": (
        LEAST + '[[contestants]]\nid = "polling"\ntransport = "polling"',
        "two contestants have the id 'polling': give each its own, or leave one out",
    ),
    "title twice": (
        LEAST + OWN + 'title = "Polling"',
        "two contestants have the title 'Polling': give each its own, or leave one out",
    ),
    "path there is not": (
        LEAST + 'path = "moon"',
        "path: there is no [paths.moon]; there are none: declare it as a table",
    ),
    "path of a contestant there is not": (
        LEAST + "[paths.far]\n" + OWN + 'path = "moon"',
        "contestants[0].path: there is no [paths.moon]; there are far",
    ),
    "variants": (
        LEAST + "[variants.closed]\npolling = { keep_alive = false }",
        (
            'variants has been replaced: take it out, and write contestants = [{ id = "polling-closed", '
            'transport = "polling", options = { keep_alive = false } }] at the top of the file, above its first table'
        ),
    ),
    "link": (
        LEAST + "[link]\ndelay_seconds = 0.1",
        (
            'link has been replaced: take it out, and write path = "link" and paths = { link = { delay_seconds = 0.1 } '
            "} at the top of the file, above its first table"
        ),
    ),
    "stall": (
        LEAST + "[stall]\nlasts_seconds = 2",
        (
            'stall has been replaced: take it out, and write faults = [{ kind = "stall", on = "server", '
            "at_seconds = 1.0, lasts_seconds = 2 }] at the top of the file, above its first table"
        ),
    ),
    "storm": (
        LEAST + '[clients]\nshape = "storm"\nstorm = { at_seconds = 2 }',
        (
            'clients.shape = storm has been replaced: take it out, and write faults = [{ kind = "cut", '
            'on = "clients", at_seconds = 2 }] at the top of the file, above its first table'
        ),
    ),
    "shape there is not": (
        LEAST + '[clients]\nshape = "round"',
        "clients.shape must be one of steady, steps, spike, ramp, got 'round'",
    ),
    "shape with no stages": (
        LEAST + '[clients]\nshape = "steps"',
        "clients.steps has no stages: give some, each with its clients and seconds",
    ),
    "stage without seconds": (
        LEAST + '[clients]\nshape = "steps"\nsteps = { stages = [{ clients = 1, seconds = 1 }, { clients = 1 }] }',
        "seconds is missing; add it to clients.steps.stages[1]",
    ),
    "stage of no clients": (
        LEAST + '[clients]\nshape = "steps"\nsteps = { stages = [{ clients = 0, seconds = 1 }] }',
        "clients.steps.stages[0].clients must be a whole number at least 1, got 0",
    ),
    "stage of too many clients": (
        LEAST + '[clients]\ncount = 9\nshape = "steps"\nsteps = { stages = [{ clients = 10, seconds = 1 }] }',
        "clients.steps asks for 10 clients, and there are 9 at most: raise that number",
    ),
    "stages longer than the window": (
        LEAST + '[clients]\nshape = "steps"\nsteps = { stages = [{ clients = 10, seconds = 11 }] }',
        "clients.steps takes 11 s: window.measure_seconds must be at least that, got 10",
    ),
    "stage that is over before Locust looks": (
        LEAST + '[clients]\nshape = "spike"\nspike = { for_seconds = 0.3 }',
        "clients.spike.for_seconds must be a number at least 1.0, got 0.3",
    ),
    "spike that clients cannot follow": (
        LEAST + '[clients]\nshape = "spike"\nspawn_per_second = 10\nspike = { for_seconds = 2 }',
        "clients.spike needs 95 clients to come or go in a second, and 10 do: raise that rate",
    ),
    "cut after the window": (
        LEAST + '[[faults]]\nkind = "cut"\non = "clients"\nat_seconds = 9\njitter_seconds = 2',
        (
            "faults[0].at_seconds: the cut is over 11 s into the window: window.measure_seconds must be at least "
            "that, got 10"
        ),
    ),
    "stall that ends after the window": (
        LEAST + '[[faults]]\nkind = "stall"\non = "server"\nat_seconds = 9\nlasts_seconds = 1.4',
        (
            "faults[0].at_seconds: the stall is over 10.4 s into the window: window.measure_seconds must be at "
            "least that, got 10"
        ),
    ),
    "stall of a minute and more": (
        LEAST + '[[faults]]\nkind = "stall"\non = "server"\nat_seconds = 1\nlasts_seconds = 61',
        "faults[0].lasts_seconds must be a number at most 60.0, got 61",
    ),
    "stall of no time": (
        LEAST + '[[faults]]\nkind = "stall"\non = "server"\nat_seconds = 1',
        "faults[0].lasts_seconds must be above 0 for a stall, got 0",
    ),
    "kill that lasts": (
        LEAST + '[[faults]]\nkind = "kill"\non = "server"\nat_seconds = 1\nlasts_seconds = 1',
        "faults[0].lasts_seconds must be left out for a kill, got 1",
    ),
    "kill with jitter": (
        LEAST + '[[faults]]\nkind = "kill"\non = "server"\nat_seconds = 1\njitter_seconds = 1',
        "faults[0].jitter_seconds must be left out for a kill, got 1",
    ),
    "fault before the window": (
        LEAST + '[[faults]]\nkind = "kill"\non = "server"\nat_seconds = -1',
        "faults[0].at_seconds must be a number at least 0.0, got -1",
    ),
    "fault of a kind there is not": (
        LEAST + '[[faults]]\nkind = "bend"\non = "server"\nat_seconds = 1',
        "faults[0].kind must be one of kill, stall, cut, got 'bend'",
    ),
    "fault where there is none": (
        LEAST + '[[faults]]\nkind = "kill"\non = "clients"\nat_seconds = 1',
        "faults[0].on must be one of server, producer, proxy for a kill, got clients",
    ),
    "fault on a proxy that is not there": (
        LEAST + '[[faults]]\nkind = "kill"\non = "proxy"\nat_seconds = 1',
        "faults[0].on: not every contestant has a path with a proxy: give it a delay",
    ),
    "fault without a time": (
        LEAST + '[[faults]]\nkind = "kill"\non = "server"',
        "at_seconds is missing; add it to faults[0]",
    ),
    "path through a key there is not": (
        LEAST + "[paths.far]\nloss = 0.1",
        "loss is no key of [paths.far]; there are delay_seconds",
    ),
    "path of a negative length": (
        LEAST + "[paths.far]\ndelay_seconds = -0.1",
        "paths.far.delay_seconds must be a number at least 0.0, got -0.1",
    ),
    "path to the moon and beyond": (
        LEAST + "[paths.far]\ndelay_seconds = 6",
        "paths.far.delay_seconds must be a number at most 5.0, got 6",
    ),
    "no processes": (LEAST + "[load]\nprocesses = 0", "load.processes must be a whole number at least 1, got 0"),
}
