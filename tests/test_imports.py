"""Who may import whom: section 2 of the design."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("wirerace", "services", "loadtests")
SHARED = frozenset(
    f"wirerace.{name}"
    for name in (
        "transports", "wire", "clock", "metrics", "account", "ledger", "histogram", "errors", "frames", "schedule",
        "arrivals", "options", "seen", "shapes", "streams", "trace", "usage", "annotations", "backoff", "decoding",
        "addresses", "files", "moments", "origins", "rows", "tcp_info",
    )
)  # fmt: skip
PROCESSES = frozenset({"subprocess", "multiprocessing"})
SOCKETS = frozenset({"socket", "http", "urllib.request", "aiohttp", "gevent"})
LAYERS = ("experiment", "analysis", "report", "cli")
"""Lowest first; everything else in wirerace lies below."""


class Import(NamedTuple):
    """One name that a module imports: `target` is a module, `name` what is taken from it."""

    importer: str
    target: str
    name: str

    def __str__(self) -> str:
        return f"{self.importer} imports {self.target} {self.name}".rstrip()


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path): path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))}


def imports_of(module: str) -> Iterator[Import]:
    """Yield every import in a module's source, wherever in it."""
    for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (Import(module, alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = origin_of(module, node)
            for alias in node.names:
                whole = f"{origin}.{alias.name}"
                is_module = whole in MODULES or whole in SOCKETS
                yield Import(module, whole, "") if is_module else Import(module, origin, alias.name)


def origin_of(module: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    is_package = MODULES[module].name == "__init__.py"
    parts = module.split(".")
    parts = parts[: len(parts) - node.level + is_package]
    return ".".join([*parts, node.module] if node.module else parts)


@functools.cache
def imports() -> list[Import]:
    """Return every import of every module."""
    return [item for module in MODULES for item in imports_of(module)]


def lies_in(module: str, *packages: str) -> bool:
    return any(f"{module}.".startswith(f"{package}.") for package in packages)


def layer_of(module: str) -> int:
    """Return how high a module of wirerace lies: 0 for what all may import, `__main__` on top."""
    if module == "wirerace.__main__":
        return len(LAYERS) + 1
    return next((height for height, layer in enumerate(LAYERS, 1) if lies_in(module, f"wirerace.{layer}")), 0)


def within(importer: str, *targets: str) -> list[Import]:
    """Return the imports that modules of `importer` make from `targets`."""
    return [item for item in imports() if lies_in(item.importer, importer) and lies_in(item.target, *targets)]


def test_imports_are_found() -> None:
    assert Import("services.polling", "wirerace.transports", "TRANSPORTS") in imports()
    assert set(PACKAGES) == {module.partition(".")[0] for module in MODULES}


@pytest.mark.parametrize("side", ["services", "loadtests"])
def test_either_side_imports_only_what_both_share(side: str) -> None:
    assert [] == [str(item) for item in within(side, "wirerace") if item.target not in SHARED]


@pytest.mark.parametrize(
    ("importer", "target"),
    [("services", "loadtests"), ("loadtests", "services"), ("wirerace", "services"), ("wirerace", "loadtests")],
)
def test_sides_never_import_each_other(importer: str, target: str) -> None:
    assert [] == [str(item) for item in within(importer, target)]


def test_wirerace_imports_downwards_only() -> None:
    upwards = [item for item in within("wirerace", "wirerace") if layer_of(item.target) > layer_of(item.importer)]

    assert [] == [str(item) for item in upwards]


def test_what_both_sides_share_imports_nothing_else_of_wirerace() -> None:
    outside = [item for module in SHARED for item in within(module, "wirerace") if item.target not in SHARED]

    assert [] == [str(item) for item in outside]


def test_analysis_knows_of_an_experiment_only_its_model_and_its_record() -> None:
    allowed = {f"wirerace.experiment.{name}" for name in ("checkup", "model", "record", "samples", "trial")}
    found = within("wirerace.analysis", "wirerace.experiment")

    assert [] == [str(item) for item in found if item.target not in allowed]


def test_report_knows_of_an_experiment_only_its_record_and_its_progress() -> None:
    found = within("wirerace.report", "wirerace.experiment")
    progress = Import("", "wirerace.experiment.progress", "Progress")
    allowed = {f"wirerace.experiment.{name}" for name in ("checkup", "record", "trial")}

    assert [] == [str(item) for item in found if item.target not in allowed and item._replace(importer="") != progress]


def test_only_an_experiment_starts_processes() -> None:
    found = [item for package in PACKAGES for item in within(package, *PROCESSES)]

    assert [] == [str(item) for item in found if not lies_in(item.importer, "wirerace.experiment")]


def test_wirerace_opens_sockets_in_an_experiment_only() -> None:
    found = within("wirerace", *SOCKETS)

    assert [] == [str(item) for item in found if not lies_in(item.importer, "wirerace.experiment")]
