"""Experiment files of which more would be made than is kept, as in bad_files.py."""

from tests.wirerace.experiment.files import LEAST

HOUR = "[window]\nmeasure_seconds = 3600\n"
RECORD = ["750,000", "shorten it"]
SEARCH = LEAST + 'kind = "capacity"\n[capacity]\nobjectives = ["lost == 0"]\n'
BAD_LENGTHS = {
    "window that the record cannot cover": (
        LEAST + HOUR + "[producer]\nrate_per_second = 300",
        "window.measure_seconds",
        ["300 a second", *RECORD, "producer.rate_per_second"],
    ),
    "one setting of a sweep that the record cannot cover": (
        LEAST + HOUR + "[producer]\nrate_per_second = [5, 50, 250]",
        "window.measure_seconds",
        ["250 a second", *RECORD, "producer.rate_per_second"],
    ),
    "warm-up that the record cannot cover": (
        LEAST + "[window]\nmeasure_seconds = 600\nwarmup_seconds = 3600\n[producer]\nrate_per_second = 200",
        "window.warmup_seconds",
        [*RECORD, "producer.rate_per_second"],
    ),
    "channels that the record cannot cover": (
        LEAST + HOUR + "[producer]\nrate_per_second = 0.5\nchannels = 500",
        "window.measure_seconds",
        ["250 a second", *RECORD, "producer.channels"],
    ),
    "bursts that the record cannot cover": (  # the mean rate alone would be covered: the window begins with a burst
        LEAST
        + '[window]\nmeasure_seconds = 4000\n[producer]\narrivals = "bursty"\nrate_per_second = 100\n'
        + "on_seconds = 2000\noff_seconds = 6000",
        "window.measure_seconds",
        [*RECORD, "producer.rate_per_second"],
    ),
    "visitors whose updates the record cannot cover": (
        LEAST
        + '[population]\nkind = "visit"\nper_second = 1\ntimeout_seconds = 1000\n[window]\nmeasure_seconds = 2000\n'
        + "[producer]\nrate_per_second = 300",
        "window.measure_seconds",
        [*RECORD, "producer.rate_per_second"],
    ),
    "messages as updates that the record cannot cover": (
        LEAST
        + "[window]\nmeasure_seconds = 900\n[producer]\nrate_per_second = 700\n"
        + "[clients]\ncount = 100\n[upstream]\nrate_per_second = 2\nfan_out = true",
        "window.measure_seconds",
        [*RECORD, "producer.rate_per_second"],
    ),
    "search up to a rate that the record cannot cover": (
        SEARCH + 'knob = "producer.rate_per_second"\nmost = 8000\n[window]\nmeasure_seconds = 100',
        "at producer.rate_per_second = 8000.0",
        ["capacity.most", "window.measure_seconds", *RECORD, "producer.rate_per_second"],
    ),
    "kill of a producer whose file is too short": (
        LEAST
        + HOUR
        + '[producer]\nrate_per_second = 180\n[[faults]]\nkind = "kill"\non = "producer"\nat_seconds = 3000',
        "faults[0].at_seconds",
        ["500,000", "kill it earlier", "producer.rate_per_second"],
    ),
    "poll interval that the history cannot cover": (
        LEAST + "[window]\nmeasure_seconds = 300\n[polling]\ninterval_seconds = 60\n[producer]\nrate_per_second = 2000",
        "polling.interval_seconds",
        ["65,536", "lower polling.interval_seconds", "producer.rate_per_second"],
    ),
    "poll interval whose bytes the history cannot cover": (
        LEAST
        + "[window]\nmeasure_seconds = 100\n[polling]\ninterval_seconds = 20\n"
        + "[producer]\nrate_per_second = 50\npayload_bytes = 100_000",
        "polling.interval_seconds",
        ["100,100 bytes", "670", "producer.rate_per_second", "producer.payload_bytes"],
    ),
    "re-poll delay that the history cannot cover": (
        LEAST.replace("polling", "longpolling")
        + "[longpolling]\nrepoll_delay_seconds = 30\n[producer]\nrate_per_second = 3000",
        "longpolling.repoll_delay_seconds",
        ["65,536", "producer.rate_per_second"],
    ),
    "stall that the history cannot cover": (
        LEAST
        + "[window]\nmeasure_seconds = 100\n[producer]\nrate_per_second = 2000\n"
        + '[[faults]]\nkind = "stall"\non = "server"\nat_seconds = 1\nlasts_seconds = 40',
        "faults[0].lasts_seconds",
        ["around the stall", "65,536", "producer.rate_per_second"],
    ),
    "reconnecting that the history cannot cover": (
        LEAST
        + "[window]\nmeasure_seconds = 600\n[producer]\nrate_per_second = 200\n"
        + '[[faults]]\nkind = "cut"\non = "clients"\nat_seconds = 1\njitter_seconds = 500',
        "faults[0].jitter_seconds",
        ["around the cut", "65,536", "producer.rate_per_second"],
    ),
    "kill of a server whose history is too short": (
        LEAST
        + "[producer]\nrate_per_second = 300\npayload_bytes = 100_000\n"
        + '[[faults]]\nkind = "kill"\non = "server"\nat_seconds = 1',
        "faults[0]",
        ["around the kill", "producer.rate_per_second", "producer.payload_bytes"],
    ),
}
