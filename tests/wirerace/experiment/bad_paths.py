"""Experiment files with paths that no trial can run over, as in bad_files.py."""

from tests.wirerace.experiment.files import LEAST

CACHED = """
title = "Behind a cache"
[paths.far]
proxy = "nginx"
cache_seconds = 2
[[contestants]]
id = "some"
path = "far"
"""

BAD_PATHS = {
    "path whose name is no id": (
        LEAST + '[paths."a.b"]\ndelay_seconds = 0.1',
        "paths",
        ["1 to 40", "a to z", "single hyphens", "'a.b'"],
    ),
    "path through a key there is not": (
        LEAST + "[paths.far]\nhops = 2",
        "hops",
        ["[paths.far]", "delay_seconds"],
    ),
    "reverse proxy that nobody knows": (
        LEAST + '[paths.far]\nproxy = "squid"',
        "paths.far.proxy",
        ["nginx", "haproxy", "caddy"],
    ),
    "compression without a reverse proxy": (
        LEAST + '[paths.far]\ncompression = "gzip"',
        "paths.far.compression",
        ["nginx"],
    ),
    "compression that a reverse proxy has not": (
        LEAST + '[paths.far]\nproxy = "haproxy"\ncompression = "br"',
        "paths.far.compression",
        ["haproxy", "nginx", "gzip"],
    ),
    "cache without a reverse proxy": (
        LEAST + "[paths.far]\ncache_seconds = 2",
        "paths.far.cache_seconds",
        ['proxy = "nginx"', "leave"],
    ),
    "cache that a reverse proxy has not": (
        LEAST + '[paths.far]\nproxy = "haproxy"\ncache_seconds = 2',
        "paths.far.cache_seconds",
        ["haproxy", 'proxy = "nginx"', "leave cache_seconds out"],
    ),
    "cache of half a second": (
        LEAST + '[paths.far]\nproxy = "nginx"\ncache_seconds = 0.5',
        "paths.far.cache_seconds",
        ["whole seconds", "1 or more", "got 0.5"],
    ),
    "cache before what is pushed": (
        LEAST + 'path = "far"\n[paths.far]\nproxy = "nginx"\ncache_seconds = 2',
        "websocket",
        ["pushed", "leave cache_seconds out", "polling"],
    ),
    "cache before answers that are held": (
        CACHED + 'transport = "longpolling"',
        "some",
        ["held", "leave cache_seconds out", "polling"],
    ),
    "cache that would hide a conditional poll's cursor": (
        CACHED + 'transport = "polling"\noptions = { conditional = true }',
        "some.conditional",
        ["If-None-Match", "leave conditional out", "cache_seconds"],
    ),
    "cache before a server that keeps the place in headers": (
        CACHED
        + 'transport = "polling"\nserver = { url = "http://127.0.0.1:9/poll", dialect = "bare", publisher = "post", '
        'publish_url = "http://127.0.0.1:9/publish" }',
        "some",
        ["dialect bare", "address", "leave cache_seconds out"],
    ),
    "cache that gives visitors an older update": (
        CACHED + 'transport = "polling"\n[population]\nkind = "visit"',
        "some",
        ["visitors", "newest", 'population.kind = "stay"'],
    ),
    "cache before browser tabs": (
        CACHED + 'transport = "polling"\n[clients]\nbrowsers = 1',
        "clients.browsers",
        ["must be 0", "some", "leave browsers out"],
    ),
    "resumption without TLS": (
        LEAST + "[paths.far]\nresumption = false",
        "paths.far.resumption",
        ["tls = true"],
    ),
    "shared connections without HTTP/2": (
        LEAST + '[paths.far]\nproxy = "nginx"\nstreams_per_connection = 6',
        "paths.far.streams_per_connection",
        ["http = 2"],
    ),
    "buffer that cannot see where an answer ends": (
        LEAST + '[paths.far]\nproxy = "nginx"\ntls = true\nbuffer_bytes = 4096',
        "paths.far.buffer_bytes",
        ["tls", "leave one"],
    ),
    "buffer that compressed updates fill": (
        LEAST + '[paths.far]\nproxy = "nginx"\nsettings = "tuned"\ncompression = "gzip"\nbuffer_bytes = 4096',
        "paths.far.buffer_bytes",
        ["compression"],
    ),
    "buffer that compressed messages fill": (
        LEAST + 'path = "far"\n[paths.far]\nbuffer_bytes = 4096\n[websocket]\ndeflate = "shared"',
        "websocket.deflate",
        ["buffer", "leave one"],
    ),
    "bandwidth of a connection that many share": (
        LEAST + '[paths.far]\nproxy = "nginx"\nhttp = 2\nstreams_per_connection = 6\nbandwidth_bits_per_second = 1e6',
        "paths.far.bandwidth_bits_per_second",
        ["streams_per_connection", "each client"],
    ),
    "bandwidth that updates cannot pass": (
        LEAST + 'path = "far"\n[paths.far]\nbandwidth_bits_per_second = 5000',
        "bandwidth_bits_per_second",
        ["5 updates a second", "200 bytes", "8,000 bit/s", "carries 5,000", "producer.rate_per_second"],
    ),
    "buffer that hours would fill": (
        LEAST + 'path = "far"\n[paths.far]\nbuffer_bytes = 1048576\n[producer]\nrate_per_second = 0.5',
        "buffer_bytes",
        ["websocket", "2.9 hours", "300 s at most"],
    ),
    "warm-up that fills no buffer": (
        LEAST + 'path = "far"\n[paths.far]\nbuffer_bytes = 4096\n[window]\nwarmup_seconds = 2',
        "buffer_bytes",
        ["4.1 s", "window.warmup_seconds", "got 2"],
    ),
    "path of a negative length": (
        LEAST + "[paths.far]\ndelay_seconds = -0.1",
        "paths.far.delay_seconds",
        ["a number", "at least 0.0", "-0.1"],
    ),
    "path to the moon and beyond": (
        LEAST + "[paths.far]\ndelay_seconds = 6",
        "paths.far.delay_seconds",
        ["a number", "at most 5.0", "6"],
    ),
}
