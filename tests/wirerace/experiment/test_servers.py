"""Other people's servers in an experiment file."""

from pathlib import Path
from typing import Any

import pytest

from tests.wirerace.experiment.bad_servers import BAD_EXPERIMENTS, BAD_SERVERS, BARE, COMMAND, POSTED, SECURE
from wirerace.errors import BadInput
from wirerace.experiment.model import document_of
from wirerace.experiment.plans import contestants_of, plans_of
from wirerace.experiment.reading import study_of
from wirerace.experiment.servers import ForeignServer
from wirerace.experiment.settings import Study
from wirerace.experiment.shipped import ABOUT, folder_of, shipped_servers
from wirerace.runner.targets.compose import SUPPORTED
from wirerace.runner.targets.locust import locust_command, order_flags, target_of, user_class_of
from wirerace.runner.targets.supported import OF_PAGE
from wirerace.runner.targets.target import Supported, refuse_unsupported


def study_with(server: dict[str, Any], transport: str = "sse", **others: Any) -> Study:
    contestant = {"id": "theirs", "transport": transport, "server": server}
    return study_of({"title": "t", "contestants": [contestant], **others}, Path())


def server_in(study: Study) -> ForeignServer:
    (one,) = contestants_of(study.first)
    assert one.server is not None
    return one.server


@pytest.mark.parametrize(("server", "error"), BAD_SERVERS)
def test_bad_server_is_refused_with_key_and_cure(server: dict[str, Any], error: str) -> None:
    with pytest.raises(BadInput) as refused:
        study_with(server)
    assert error in str(refused.value)


@pytest.mark.parametrize(("server", "others", "error"), BAD_EXPERIMENTS)
def test_what_only_our_servers_do_is_refused(server: dict[str, Any], others: dict[str, Any], error: str) -> None:
    with pytest.raises(BadInput) as refused:
        study_with(server, **others)
    assert error in str(refused.value)


@pytest.mark.parametrize("supported", [SUPPORTED, OF_PAGE])
def test_target_without_foreign_servers_refuses_them_by_name(supported: Supported) -> None:
    with pytest.raises(BadInput, match=r"^theirs: a foreign server needs "):
        refuse_unsupported(study_with(BARE), supported)


@pytest.mark.parametrize("name", shipped_servers())
def test_shipped_server_says_who_configured_it_and_has_what_its_command_names(name: str) -> None:
    shipped = shipped_servers()[name]

    assert "Wirerace's authors" in shipped.about
    assert "Corrections are welcome" in shipped.about
    assert (folder_of(name) / ABOUT).is_file()
    for file in [shipped.configuration, *(word[7:] for word in shipped.command.split() if word.startswith("{here}/"))]:
        assert (folder_of(name) / file).exists()
    for transport in shipped.paths:
        server = server_in(study_with({"start": name}, transport))
        assert (server.url, server.publisher) == (
            f"http://127.0.0.1:{{port}}{shipped.paths[transport]}",
            shipped.publisher,
        )


def test_placeholders_are_filled_in_and_others_left() -> None:
    server = ForeignServer(url="http://127.0.0.1:{port}/x", command="run {port} {producer} {home}")

    placed = server.placed({"port": "9", "producer": "http://p"})
    assert ("http://127.0.0.1:9/x", "run 9 http://p {home}") == (placed.url, placed.command)


@pytest.mark.parametrize("url", ["https://a.example/x", "wss://a.example/x"])
def test_clients_of_a_server_of_tls_speak_tls_on_any_path(url: str) -> None:
    (one,) = contestants_of(study_with(SECURE | {"url": url}).first)

    assert one.server is not None
    assert (True, ("a.example", 443)) == (one.path.tls, one.server.address)


@pytest.mark.parametrize("server", [BARE, POSTED, COMMAND, SECURE | {"authority_file": "a.pem"}, {"start": "nchan"}])
def test_experiment_and_its_document_say_the_same(server: dict[str, Any]) -> None:
    study = study_with(server)
    document = document_of(study.first)

    assert server == document["contestants"][0]["server"]
    assert study.first.contestants == study_of(document, Path()).first.contestants


def test_contestant_without_a_server_has_none_in_the_document() -> None:
    study = study_of({"title": "t", "contestants": [{"id": "ours", "transport": "sse"}]}, Path())

    assert "server" not in document_of(study.first)["contestants"][0]


@pytest.mark.parametrize(
    ("server", "user", "dialect", "target"),
    [
        (BARE | {"url": "ws://127.0.0.1:9000/x?y=1"}, "ForeignSseUser", "bare", "/x?y=1"),
        ({"url": "http://127.0.0.1:9000"}, "SseUser", "contract", "/"),
        ({"start": "nchan"}, "ForeignSseUser", "nchan", "/sse"),
    ],
)
def test_load_gets_dialect_and_path(server: dict[str, Any], user: str, dialect: str, target: str) -> None:
    (plan,) = plans_of(study_with(server).settings[0], 1)

    assert (user, target) == (user_class_of(plan), target_of(plan))
    assert f'"dialect":"{dialect}","target":"{target}"' in str(order_flags(plan, "http://127.0.0.1:9000")["contestant"])
    assert locust_command(plan)[-1].endswith("loadtests/foreign/locustfile.py") == (dialect != "contract")
