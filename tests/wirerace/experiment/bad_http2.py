"""Files that ask of HTTP/2 what it cannot do, and what the error must say."""

PATH = '\npath = "fast"\n[paths.fast]\nproxy = "{}"\nhttp = 2\n'
POLLING = 'title = "t"\ntransports = ["polling"]'

BAD_HTTP2 = {
    "HTTP/2 without a kept connection": (
        POLLING + PATH.format("nginx") + "[polling]\nkeep_alive = false",
        "polling",
        ["keep_alive = false", "http = 2", "many requests", "http = 1"],
    ),
    "WebSocket over nginx's HTTP/2": (
        'title = "t"\ntransports = ["websocket"]' + PATH.format("nginx"),
        "websocket",
        ["nginx has no WebSocket over HTTP/2", "RFC 8441", '"haproxy"', "http = 1"],
    ),
    "WebSocket over Caddy's HTTP/2": (
        'title = "t"\ntransports = ["websocket"]' + PATH.format("caddy"),
        "websocket",
        ["caddy has no WebSocket over HTTP/2", '"haproxy"'],
    ),
    "more streams than servers allow": (
        POLLING + PATH.format("nginx") + "streams_per_connection = 101",
        "paths.fast.streams_per_connection",
        ["a whole number", "at most 100", "101"],
    ),
    "no stream on a connection": (
        POLLING + PATH.format("nginx") + "streams_per_connection = 0",
        "paths.fast.streams_per_connection",
        ["a whole number", "at least 1", "0"],
    ),
    "HTTP/3": (POLLING + PATH.format("nginx").replace("2", "3"), "paths.fast.http", ["1", "2", "3"]),
    "browser tabs over HTTP/2": (
        POLLING + PATH.format("nginx") + "[clients]\nbrowsers = 1",
        "clients.browsers",
        ["with TLS only", "polling", "http = 1"],
    ),
    "visitors on shared connections": (
        POLLING + PATH.format("nginx") + 'streams_per_connection = 6\n[population]\nkind = "visit"',
        "polling",
        ["each visitor opens a connection of its own", "streams_per_connection"],
    ),
}
