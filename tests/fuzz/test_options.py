"""Options: flags and variables of services, fields of Locust's page."""

import argparse
from random import Random
from typing import Any

import pytest
from locust.argument_parser import LocustArgumentParser

from loadtests.options import add_options
from loadtests.options import read_options as read_fields
from services.__main__ import SERVICES, service_of
from tests.fuzz.fuzzing import damaged_text, fuzzed, refuses_by_errors_of_its_own
from wirerace.options import read_options, variable_of

SEEDS = (b"1", b"0.5", b"true", b"http://127.0.0.1:8000", b"50:10,100:10", b"poisson", b"/tmp/x")


@pytest.mark.long
@pytest.mark.parametrize("name", SERVICES)
@fuzzed
def test_options_of_a_service(name: str, random: Random) -> None:
    options = service_of(name).options_type
    fields = options.__struct_fields__
    flags: dict[str, str | None] = {random.choice(fields): damaged_text(random, SEEDS)}
    environment = {variable_of(random.choice(fields)): damaged_text(random, SEEDS)}
    refuses_by_errors_of_its_own(lambda given: read_options(options, *given), (flags, environment))


@pytest.fixture(scope="module")
def fields() -> dict[str, Any]:
    """Return the fields of Locust's page with their values."""
    parser = LocustArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    found: dict[str, Any] = vars(parser.parse_args([]))
    return found


@pytest.mark.long
@fuzzed
def test_fields_of_the_page(fields: dict[str, Any], random: Random) -> None:
    form = {random.choice(list(fields)): damaged_text(random, SEEDS) for _ in range(random.randint(1, 3))}
    refuses_by_errors_of_its_own(lambda given: read_fields(fields | given), form)
