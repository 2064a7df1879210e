"""The seventh tab of a real browser waits for a connection, and gets it when another tab is closed."""

import json
import shutil
from pathlib import Path

import pytest

from tests.browser.conftest import CHROMIUMS
from wirerace.cli.reproduce import reproduce
from wirerace.reproductions import REPRODUCTIONS

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not any(map(shutil.which, CHROMIUMS)), reason="there is no Chromium"),
]


def test_six_connections_are_reproduced(tmp_path: Path) -> None:
    assert 0 == reproduce(REPRODUCTIONS["six-connections"], tmp_path / "out", allow_invalid=False)

    record = json.loads((tmp_path / "out" / "reproduction.json").read_text())
    assert [6, 0, 6, 7, 7] == [check["measured"] for check in record["checks"]]
