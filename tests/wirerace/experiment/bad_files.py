"""Experiment files that cannot be used, and the line that each gets."""

from tests.wirerace.experiment.files import LEAST

TOP_KEYS = ", ".join(
    [
        *("title", "transports", "repeats", "valid_repeats", "tries", "seed"),
        *("producer", "clients", "polling", "longpolling", "websocket", "variants", "load", "window", "link", "stall"),
    ]
)
BAD_FILES = {
    "no title": ('transports = ["polling"]', "title is missing; add it at the top level"),
    "no transports": ('title = "t"', "transports is missing; add it at the top level"),
    "empty title": ('title = ""\ntransports = ["polling"]', "title must be text of length at least 1, got ''"),
    "title of a number": ('title = 3\ntransports = ["polling"]', "title must be text, got 3"),
    "no transport": ('title = "t"\ntransports = []', "transports must be a list of length at least 1, got []"),
    "transports of text": ('title = "t"\ntransports = "polling"', "transports must be a list, got 'polling'"),
    "transport of a number": ('title = "t"\ntransports = [1]', "transports[0] must be text, got 1"),
    "transport that is none": (
        'title = "t"\ntransports = ["pigeon"]',
        "transports: there is no 'pigeon'; there are polling, longpolling, websocket",
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
    "repeats of a list": (LEAST + "repeats = []", "repeats must be a whole number, got []"),
    "window under five polls": (
        LEAST + "[polling]\ninterval_seconds = 2\n[window]\nmeasure_seconds = 9.9",
        "window.measure_seconds must be at least 5 × polling.interval_seconds = 10, got 9.9",
    ),
    "window under five polls of a variant": (
        LEAST + "[variants.slow]\npolling = { interval_seconds = 3 }",
        "window.measure_seconds must be at least 5 × polling.interval_seconds = 15, got 10",
    ),
    "variant of a transport there is not": (
        LEAST + "[variants.slow]\npigeon = {}",
        "pigeon is no key of [variants.slow]; there are polling, longpolling, websocket",
    ),
    "variant of a number": (LEAST + "[variants]\nslow = 1", "variants.slow must be a table, got 1"),
    "variants of a number": (LEAST + "variants = 1", "variants must be a table, got 1"),
    "key of a variant": (
        LEAST + "[variants.slow]\npolling = { interval_seconds = 0 }",
        "variants.slow.polling.interval_seconds must be a number at least 0.01, got 0",
    ),
    "name of a variant": (
        LEAST + "[variants.'two words']\n",
        "variants.'two words': a variant's name is 1 to 20 of a to z and 0 to 9, and not load",
    ),
    "variant of nothing": (
        LEAST + "[variants.closed]",
        "variants.closed is empty: give it a table such as polling = { keep_alive = false }",
    ),
    "variant's table of a number": (
        LEAST + "[variants.closed]\npolling = 5",
        "variants.closed.polling must be a table, got 5",
    ),
    "plain table with a variant": (
        LEAST + "[polling]\ninterval = 1\n[variants.closed]\npolling = { keep_alive = false }",
        "interval is no key of [polling]; there are keep_alive, extra_header_bytes, interval_seconds",
    ),
    "shape there is not": (
        LEAST + '[clients]\nshape = "round"',
        "clients.shape must be one of steady, steps, spike, ramp, storm, got 'round'",
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
    "storm after the window": (
        LEAST + '[clients]\nshape = "storm"\nstorm = { at_seconds = 9, jitter_seconds = 2 }',
        "clients.storm takes 11 s: window.measure_seconds must be at least that, got 10",
    ),
    "stall that ends after the window": (
        LEAST + "[stall]\nat_seconds = 9\nlasts_seconds = 1.4",
        "stall ends 10.4 s into the window: window.measure_seconds must be at least that, got 10",
    ),
    "stall of a minute and more": (
        LEAST + "[stall]\nlasts_seconds = 61",
        "stall.lasts_seconds must be a number at most 60.0, got 61",
    ),
    "stall before the window": (
        LEAST + "[stall]\nat_seconds = -1",
        "stall.at_seconds must be a number at least 0.0, got -1",
    ),
    "link through a key there is not": (
        LEAST + "[link]\nloss = 0.1",
        "loss is no key of [link]; there are delay_seconds",
    ),
    "link of a negative length": (
        LEAST + "[link]\ndelay_seconds = -0.1",
        "link.delay_seconds must be a number at least 0.0, got -0.1",
    ),
    "link to the moon and beyond": (
        LEAST + "[link]\ndelay_seconds = 6",
        "link.delay_seconds must be a number at most 5.0, got 6",
    ),
    "no processes": (LEAST + "[load]\nprocesses = 0", "load.processes must be a whole number at least 1, got 0"),
}
