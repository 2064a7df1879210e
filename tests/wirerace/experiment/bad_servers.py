"""Contestants with other people's servers that cannot be: what is in the file, and the error."""

from typing import Any

URL = {"url": "http://127.0.0.1:9000/updates"}
POSTED = URL | {"dialect": "bare", "publisher": "post", "publish_url": "http://127.0.0.1:9000/publish"}
COMMAND = {"url": "http://127.0.0.1:{port}/", "dialect": "bare", "command": "node server.js {port}"}

BAD_SERVERS: list[tuple[dict[str, Any], str]] = [
    ({}, 'contestants[0].server.url must say where clients subscribe, for example url = "http://127.0.0.1:9000/upda'),
    ({"start": "apache"}, "contestants[0].server.start: there is no 'apache'; there are aiohttp, nchan, sse-starlette"),
    ({"start": "ws"}, "contestants[0].server.start: ws has no sse; it has websocket"),
    ({"start": "nchan"} | URL, "contestants[0].server.url: nchan has its own: take it out, or take start out"),
    (
        POSTED | {"publish_url": "https://a.example/"},
        "contestants[0].server.publish_url: publications go without TLS: write http://, got 'https://a.example/'",
    ),
    (URL | {"authority_file": "a.pem"}, "contestants[0].server.authority_file is for a server of TLS: write https://"),
    ({"url": "127.0.0.1:9000"}, "contestants[0].server.url must be like http://127.0.0.1:9000/updates, without a user"),
    (
        {"url": "http://ann:pw@a/"},
        "contestants[0].server.url must be like http://127.0.0.1:9000/updates, without a user",
    ),
    ({"url": "http://a:0/"}, "contestants[0].server.url must be like http://127.0.0.1:9000/updates"),
    ({"url": "http://a/x y"}, "contestants[0].server.url must be ASCII without spaces: write them as %20"),
    ({"url": "http://a:{port}/"}, "contestants[0].server.url: {port} is the port of a command, and there is none"),
    (URL | {"dialect": "latin"}, "contestants[0].server.dialect must be one of contract, bare, nchan, got 'latin'"),
    (URL | {"pid": -1}, "contestants[0].server.pid must be a whole number at least 0, got -1"),
    (URL | {"pid": 1, "container": "c"}, "contestants[0].server.container: the server is known by its pid already"),
    (URL | {"node_modules": "/x"}, "contestants[0].server.node_modules is for a shipped server: set NODE_PATH"),
    (URL | {"publish_url": "http://a/"}, "contestants[0].server.publish_url needs a publisher: write publisher ="),
    (URL | {"publisher": "post"}, "contestants[0].server.publish_url must say where updates are published, because"),
    (POSTED | {"publisher": "mercure"}, "contestants[0].server.topic must name the topic of updates for mercure"),
    (POSTED | {"topic": "t"}, "contestants[0].server.topic is for mercure, and publisher is post: take it out"),
    (POSTED | {"token_file": "t"}, "contestants[0].server.token_file is for mercure, and publisher is post"),
    (
        COMMAND | {"command": "node server.js"},
        "contestants[0].server.command must have {port}, which is another one in",
    ),
    (COMMAND | {"command": "node 'x {port}"}, "contestants[0].server.command is no command line: No closing quotation"),
    (COMMAND | {"command": " "}, "contestants[0].server.command is empty: name the program first"),
]
"""What stands in `server` of a contestant of SSE."""

BARE = {"dialect": "bare"} | URL
SECURE = BARE | {"url": "https://127.0.0.1:9443/updates"}
BAD_EXPERIMENTS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (BARE, {"clients": {"browsers": 1}}, "clients.browsers must be 0 with theirs, a foreign server"),
    (BARE, {"producer": {"channels": 2}}, "producer.channels must be 1 with theirs: it has one topic"),
    (
        BARE,
        {"population": {"kind": "visit"}},
        "population.kind: visitors ask for the newest update, and theirs knows no",
    ),
    (BARE, {"upstream": {"rate_per_second": 1.0}}, "upstream.rate_per_second must be 0 with theirs, which takes no"),
    (BARE, {"servers": {"feed": "nats"}}, "servers.feed: theirs follows the producer's own feed: take feed out"),
    (
        BARE,
        {"servers": {"cpus": 0.5}},
        "servers.cpus: theirs runs already, and is not limited: start it with a command",
    ),
    (
        BARE,
        {"faults": [{"kind": "kill", "on": "server", "at_seconds": 1.0}]},
        "faults[0]: a kill on server: theirs is not Wirerace's to kill: start it with a command, or take the fault out",
    ),
    (
        BARE | {"url": "http://a.example/"},
        {"path": "far", "paths": {"far": {"delay_seconds": 0.1}}},
        "theirs: a path with a link or a proxy needs a server on this machine: take path out",
    ),
    (
        BARE | {"url": "http://a.example/"},
        {"path": "far", "paths": {"far": {"proxy": "nginx", "settings": "tuned"}}},
        "theirs: a path with a link or a proxy needs a server on this machine: take path out",
    ),
    (
        BARE,
        {"path": "far", "paths": {"far": {"tls": True}}},
        'theirs: a foreign server has no certificate of the run: add proxy = "nginx", or take tls out',
    ),
    (
        SECURE,
        {"path": "far", "paths": {"far": {"proxy": "nginx", "settings": "tuned"}}},
        "theirs: a reverse proxy speaks no TLS to its server: take proxy out of its path",
    ),
    (
        SECURE,
        {"path": "far", "paths": {"far": {"buffer_bytes": 512}}},
        "theirs: the link cannot see with https where an answer ends: take buffer_bytes out",
    ),
    (
        SECURE | {"url": "https://localhost:9443/"},
        {"path": "far", "paths": {"far": {"delay_seconds": 0.1}}},
        "theirs: clients of a link connect to 127.0.0.1, and want a certificate for it: write that in url, or take the",
    ),
    (
        BARE,
        {"path": "far", "paths": {"far": {"proxy": "nginx", "settings": "tuned", "http": 2}}},
        "theirs: clients with dialect bare speak HTTP/1.1 only: take http out of its path",
    ),
    (BARE, {"sse": {"deliver": "latest"}}, "contestants[0].options.deliver: a server that speaks bare delivers all"),
    (
        BARE,
        {"sse": {"retry_seconds": 2.0}},
        "contestants[0].options.retry_seconds is of Wirerace's own server: take it",
    ),
]
"""What stands in `server`, what in the rest of the file, and the error."""
