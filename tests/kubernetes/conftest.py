"""Where Helm is missing, tests of the chart say so."""

import pytest

from tests.kubernetes.chart import helm_program


@pytest.fixture(autouse=True, scope="session")
def program() -> None:
    if helm_program() is None:
        pytest.skip("Helm is not installed: make test-kubernetes does that on Linux x86_64; elsewhere install it")
