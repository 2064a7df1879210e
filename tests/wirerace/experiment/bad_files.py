"""Experiment files that cannot be used: the place that the error must begin with, and the facts of its cure."""

from tests.wirerace.experiment.bad_browsers import BAD_BROWSERS
from tests.wirerace.experiment.bad_capacity import BAD_CAPACITY
from tests.wirerace.experiment.bad_faults import BAD_FAULTS
from tests.wirerace.experiment.bad_http2 import BAD_HTTP2
from tests.wirerace.experiment.bad_lengths import BAD_LENGTHS
from tests.wirerace.experiment.bad_objectives import BAD_OBJECTIVES
from tests.wirerace.experiment.bad_paths import BAD_PATHS
from tests.wirerace.experiment.bad_upstream import BAD_UPSTREAM
from tests.wirerace.experiment.bad_visits import BAD_VISITS
from tests.wirerace.experiment.files import LEAST

TOP_KEYS = (
    "title, transports, contestants, path, objectives, kind, repeats, valid_repeats, tries, seed, producer, clients, "
    "population, upstream, paths, faults, availability, servers, capacity, load, window, polling, longpolling, "
    "websocket"
)
SOURCE_KEYS = "rate_per_second, channels, arrivals, payload_bytes, on_seconds, off_seconds, trace_file, speed"
POLLING_KEYS = "keep_alive, extra_header_bytes, serving, interval_seconds"
TRANSPORT_NAMES = "polling, longpolling, websocket"
CONTESTANTS_WANTED = ['transports = ["polling", "websocket"]', "[[contestants]]"]
TOP = "at the top of the file"
OWN = '[[contestants]]\nid = "own"\ntransport = "polling"\n'
STALL = '[[faults]]\nkind = "stall"\non = "server"\n'
KILL = '[[faults]]\nkind = "kill"\non = "server"\n'
BAD_FILES = (
    {
        "no title": ('transports = ["polling"]', "title", ["missing", "top level"]),
        "no transports": ('title = "t"', "", CONTESTANTS_WANTED),
        "empty title": ('title = ""\ntransports = ["polling"]', "title", ["text", "at least 1", "''"]),
        "title of a number": ('title = 3\ntransports = ["polling"]', "title", ["text", "3"]),
        "no transport": ('title = "t"\ntransports = []', "", CONTESTANTS_WANTED),
        "transports of text": ('title = "t"\ntransports = "polling"', "transports", ["a list", "'polling'"]),
        "transport of a number": ('title = "t"\ntransports = [1]', "transports[0]", ["text", "1"]),
        "transport that is none": (
            'title = "t"\ntransports = ["pigeon"]',
            "transports[0]",
            ["'pigeon'", TRANSPORT_NAMES],
        ),
        "transport twice": ('title = "t"\ntransports = ["polling", "polling"]', "transports", ["once", "repeats"]),
        "unknown key": (LEAST + "speed = 3", "speed", ["top level", TOP_KEYS]),
        "table without an s": (LEAST + "[client]\ncount = 5", "client", ["did you mean clients.count?", "producer"]),
        "table and key mistyped": (LEAST + "[client]\ncuont = 5", "client", ["did you mean clients?"]),
        "key of a table at the top": (
            LEAST + "payload_bytes = 5",
            "payload_bytes",
            ["did you mean producer.payload_bytes or upstream.payload_bytes?"],
        ),
        "transport mistyped": (
            LEAST + "[longpoling]\nhold_seconds = 5",
            "longpoling",
            ["did you mean longpolling.hold_seconds?"],
        ),
        "key mistyped": (
            LEAST + "[clients]\ncuont = 5",
            "cuont",
            ["[clients]", "did you mean count?", "spawn_per_second"],
        ),
        "key without its unit": (LEAST + "[polling]\ninterval = 3", "interval", ["did you mean interval_seconds?"]),
        "key of a contestant mistyped": (
            LEAST + '[[contestants]]\nid = "own"\ntransprt = "polling"',
            "transprt",
            ["[contestants[0]]", "did you mean transport?"],
        ),
        "unknown table": (LEAST + "[pigeon]\nx = 3", "pigeon", ["top level", TOP_KEYS]),
        "unknown key of a table": (LEAST + "[producer]\nrate = 3", "rate", ["[producer]", SOURCE_KEYS]),
        "unknown key of a table with one": (LEAST + "[polling]\ninterval = 3", "interval", ["[polling]", POLLING_KEYS]),
        "unknown key of a key": (LEAST + "[producer.seed]\nx = 1", "seed", ["[producer]", SOURCE_KEYS]),
        "table of a number": (LEAST + "polling = 3", "polling", ["a table", "3"]),
        "count of text": (LEAST + '[clients]\ncount = "5"', "clients.count", ["whole number", "'5'"]),
        "count of a fraction": (LEAST + "[clients]\ncount = 5.5", "clients.count", ["whole number", "5.5"]),
        "count of zero": (LEAST + "[clients]\ncount = 0", "clients.count", ["whole number", "at least 1", "0"]),
        "count of a table": (LEAST + "[clients.count]\nx = 1", "clients.count", ["whole number", "{'x': 1}"]),
        "count too high": (
            LEAST + "[clients]\ncount = 100_001",
            "clients.count",
            ["whole number", "at most 100000", "100001"],
        ),
        "count beyond 64 bits": (
            LEAST + "[clients]\ncount = 99999999999999999999",
            "clients.count",
            ["whole number", "at most 100000", "99999999999999999999"],
        ),
        "no spawning": (
            LEAST + "[clients]\nspawn_per_second = 0",
            "clients.spawn_per_second",
            ["a number", "above 0.0", "0"],
        ),
        "arrivals of a kind there is not": (
            LEAST + '[producer]\narrivals = "sometimes"',
            "producer.arrivals",
            ["periodic, poisson, bursty, trace", "'sometimes'"],
        ),
        "arrivals of a number": (
            LEAST + "[producer]\narrivals = 1",
            "producer.arrivals",
            ["periodic, poisson, bursty, trace", "1"],
        ),
        "rate that is no number": (
            LEAST + "[producer]\nrate_per_second = nan",
            "producer.rate_per_second",
            ["a number", "at least 0.01", "nan"],
        ),
        "rate of infinity": (
            LEAST + "[producer]\nrate_per_second = inf",
            "producer.rate_per_second",
            ["a number", "at most 10000.0", "inf"],
        ),
        "switch of a number": (LEAST + "[load]\npin_cores = 1", "load.pin_cores", ["true or false", "1"]),
        "seed below zero": (LEAST + "seed = -1", "seed", ["whole number", "at least 0", "-1"]),
        "repeats of a list": (LEAST + "repeats = [1, 2]", "repeats", ["all settings", "one value"]),
        "sweep of nothing": (LEAST + "seed = []", "seed", ["a sweep", "empty", "a value"]),
        "sweep with a value twice": (LEAST + "[clients]\ncount = [1, 2, 1]", "clients.count", ["once", "[1, 2, 1]"]),
        "sweep with a bad value": (
            LEAST + "[clients]\ncount = [1, 0]",
            "clients.count",
            ["whole number", "at least 1", "0"],
        ),
        "sweep without an end": (
            LEAST + f"seed = {list(range(101))}\n[clients]\ncount = {list(range(1, 101))}",
            "",
            ["at most 10,000 settings", "101 of seed", "100 of clients.count"],
        ),
        "sweep of a contestant's transport": (
            LEAST + '[[contestants]]\nid = "own"\ntransport = ["polling", "websocket"]',
            "contestants[0].transport",
            ["all settings", "one value"],
        ),
        "window under five polls": (
            LEAST + "[polling]\ninterval_seconds = 2\n[window]\nmeasure_seconds = 9.9",
            "window.measure_seconds",
            ["at least 5", "the period of polling", "10", "9.9"],
        ),
        "window under five polls of a contestant": (
            LEAST + OWN + "options = { interval_seconds = 3 }",
            "window.measure_seconds",
            ["at least 5", "the period of own", "15", "10"],
        ),
        "contestant of a transport there is not": (
            LEAST + '[[contestants]]\nid = "own"\ntransport = "pigeon"',
            "contestants[0].transport",
            ["'pigeon'", TRANSPORT_NAMES],
        ),
        "contestant without an id": (
            LEAST + '[[contestants]]\ntransport = "polling"',
            "id",
            ["missing", "contestants[0]"],
        ),
        "contestant of a number": (LEAST + "contestants = [1]", "contestants[0]", ["a table", "1"]),
        "contestants of a number": (LEAST + "contestants = 1", "contestants", ["a list", "1"]),
        "option of a contestant": (
            LEAST + OWN + "options = { interval_seconds = 0 }",
            "contestants[0].options.interval_seconds",
            ["a number", "at least 0.01", "0"],
        ),
        "option of a contestant there is not": (
            LEAST + OWN + "options = { hold_seconds = 1 }",
            "hold_seconds",
            ["[contestants[0].options]", POLLING_KEYS],
        ),
        "id of a contestant": (
            LEAST + '[[contestants]]\nid = "Two words"\ntransport = "polling"',
            "contestants[0].id",
            ["1 to 40", "a to z, 0 to 9 and single hyphens", "'Two words'"],
        ),
        "id twice": (LEAST + '[[contestants]]\nid = "polling"\ntransport = "polling"', "", ["two", "id 'polling'"]),
        "title twice": (LEAST + OWN + 'title = "Polling"', "", ["two", "title 'Polling'"]),
        "path there is not": (LEAST + 'path = "moon"', "path", ["[paths.moon]", "none", "a table"]),
        "path of a contestant there is not": (
            LEAST + "[paths.far]\n" + OWN + 'path = "moon"',
            "contestants[0].path",
            ["[paths.moon]", "far"],
        ),
        "variants": (
            LEAST + "[variants.closed]\npolling = { keep_alive = false }",
            "variants",
            [
                'contestants = [{ id = "polling-closed", transport = "polling", options = { keep_alive = false } }]',
                TOP,
            ],
        ),
        "link": (
            LEAST + "[link]\ndelay_seconds = 0.1",
            "link",
            ['path = "link"', "paths = { link = { delay_seconds = 0.1 } }", TOP],
        ),
        "stall": (
            LEAST + "[stall]\nlasts_seconds = 2",
            "stall",
            ['faults = [{ kind = "stall", on = "server", at_seconds = 1.0, lasts_seconds = 2 }]', TOP],
        ),
        "storm": (
            LEAST + '[clients]\nshape = "storm"\nstorm = { at_seconds = 2 }',
            "clients.shape = storm",
            ['faults = [{ kind = "cut", on = "clients", at_seconds = 2 }]', TOP],
        ),
        "shape there is not": (
            LEAST + '[clients]\nshape = "round"',
            "clients.shape",
            ["steady, steps, spike, ramp", "'round'"],
        ),
        "shape with no stages": (
            LEAST + '[clients]\nshape = "steps"',
            "clients.steps",
            ["stages", "clients and seconds"],
        ),
        "stage without seconds": (
            LEAST + '[clients]\nshape = "steps"\nsteps = { stages = [{ clients = 1, seconds = 1 }, { clients = 1 }] }',
            "seconds",
            ["missing", "clients.steps.stages[1]"],
        ),
        "stage of no clients": (
            LEAST + '[clients]\nshape = "steps"\nsteps = { stages = [{ clients = 0, seconds = 1 }] }',
            "clients.steps.stages[0].clients",
            ["whole number", "at least 1", "0"],
        ),
        "stage of too many clients": (
            LEAST + '[clients]\ncount = 9\nshape = "steps"\nsteps = { stages = [{ clients = 10, seconds = 1 }] }',
            "clients.steps",
            ["10 clients", "9"],
        ),
        "stages longer than the window": (
            LEAST + '[clients]\nshape = "steps"\nsteps = { stages = [{ clients = 10, seconds = 11 }] }',
            "clients.steps",
            ["11 s", "window.measure_seconds", "10"],
        ),
        "stage that is over before Locust looks": (
            LEAST + '[clients]\nshape = "spike"\nspike = { for_seconds = 0.3 }',
            "clients.spike.for_seconds",
            ["a number", "at least 1.0", "0.3"],
        ),
        "spike that clients cannot follow": (
            LEAST + '[clients]\nshape = "spike"\nspawn_per_second = 10\nspike = { for_seconds = 2 }',
            "clients.spike",
            ["95 clients", "10", "that rate"],
        ),
        "transports in transports": (
            'title = "t"\ntransports = [["polling", "sse"]]',
            "transports[0]",
            ["list in a list", "each member"],
        ),
        "contestants in contestants": (
            'title = "t"\ncontestants = [[{ id = "a", transport = "sse" }, { id = "b", transport = "sse" }]]',
            "contestants[0]",
            ["list in a list", "each member"],
        ),
        "no processes": (LEAST + "[load]\nprocesses = 0", "load.processes", ["whole number", "at least 1", "0"]),
    }
    | BAD_FAULTS
    | BAD_HTTP2
    | BAD_VISITS
    | BAD_UPSTREAM
    | BAD_BROWSERS
    | BAD_OBJECTIVES
    | BAD_CAPACITY
    | BAD_LENGTHS
    | BAD_PATHS
)
