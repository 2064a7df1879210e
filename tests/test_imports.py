"""Which module may import which: section 2 of the design."""

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("wirerace", "services", "loadtests")
SHARED = ("transports", "wire", "workload", "observe")
"""Folders of wirerace that services and load import, besides the modules that lie in no folder."""
WATCH_DOCKERFILE, PATH_DOCKERFILE = "wirerace/watch/Dockerfile", "wirerace/runner/network/Dockerfile"
IMPORTED = """
import sys
import wirerace.watch.__main__
from wirerace.theory import find_theory
from wirerace.transports import TRANSPORTS
for name in TRANSPORTS:
    find_theory(name)
print(*(name for name in sys.modules if name.startswith("wirerace.")))
"""
"""Prints what the server of the live page imports in its container."""
PROCESSES = frozenset({"subprocess", "multiprocessing"})
SOCKETS = frozenset({"socket", "http", "urllib.request", "aiohttp", "gevent"})
LAYERS = (
    ("transports", "wire", "workload", "observe"),
    ("experiment",),
    ("record",),
    ("theory",),
    ("analysis", "host"),
    ("runner", "reproductions", "checking"),
    ("report", "watch"),
    ("cli",),
)
"""The folders of wirerace, lowest first; modules in none of them lie below, `__main__` above."""
RUNS = ("wirerace.runner", "wirerace.host", "wirerace.checking")
"""The folders that may start processes and open sockets."""
SERVES = ("wirerace.watch",)
"""The folder that may open sockets only."""


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


def folder_of(module: str) -> str | None:
    """Return the folder of wirerace that a module lies in, None for one that lies in none."""
    parts = module.split(".")
    is_folder = len(parts) > 2 or (ROOT / "wirerace" / parts[-1]).is_dir()
    return parts[1] if len(parts) > 1 and is_folder else None


def layer_of(module: str) -> int:
    """Return how high a module of wirerace lies: 0 for what all may import."""
    if module == "wirerace.__main__":
        return len(LAYERS) + 1
    folder = folder_of(module)
    return next((height for height, layer in enumerate(LAYERS, 1) if folder in layer), 0)


def is_shared(module: str) -> bool:
    """Return whether services and load may import a module of wirerace."""
    return folder_of(module) in {None, *SHARED} and module != "wirerace.__main__"


def within(importer: str, *targets: str) -> list[Import]:
    """Return the imports that modules of `importer` make from `targets`."""
    return [item for item in imports() if lies_in(item.importer, importer) and lies_in(item.target, *targets)]


@pytest.mark.long
def test_imports_are_found() -> None:
    assert Import("services.polling", "wirerace.transports.polling", "TRANSPORT") in imports()
    assert set(PACKAGES) == {module.partition(".")[0] for module in MODULES}


def test_every_folder_has_a_layer() -> None:
    folders = {folder_of(module) for module in MODULES if lies_in(module, "wirerace")} - {None}
    assert {folder for layer in LAYERS for folder in layer} == folders


@pytest.mark.long
@pytest.mark.parametrize("side", ["services", "loadtests"])
def test_either_side_imports_only_what_both_share(side: str) -> None:
    assert [] == [str(item) for item in within(side, "wirerace") if not is_shared(item.target)]


def copied_into(dockerfile: str) -> set[str]:
    """Return the folders of wirerace whose modules an image takes."""
    return set(
        re.findall(r"^COPY wirerace/(\w+)/\S+\.py .*wirerace/\1/$", (ROOT / dockerfile).read_text(), re.MULTILINE)
    )


@pytest.mark.parametrize("side", ["services", "loadtests"])
def test_image_takes_the_folders_that_both_share_and_no_other(side: str) -> None:
    assert set(SHARED) == copied_into(f"{side}/Dockerfile")


def test_image_of_the_services_takes_every_folder_of_theirs() -> None:
    """A feed is found by its name, so nothing imports it."""
    folders = {path.parent.name for path in (ROOT / "services").glob("*/*.py")}
    copied = re.findall(
        r"^COPY services/(\w+)/\*\.py services/\1/$", (ROOT / "services/Dockerfile").read_text(), re.MULTILINE
    )
    admitted = re.findall(r"^!services/(\w+)/\*\.py$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)

    assert folders == set(copied) == set(admitted)


def test_builds_admit_what_some_image_takes() -> None:
    admitted = re.findall(r"^!wirerace/(\w+)/\S+\.py$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)

    assert copied_into(WATCH_DOCKERFILE) | copied_into(PATH_DOCKERFILE) == set(admitted)


@pytest.mark.processes
def test_image_of_the_live_page_takes_what_its_server_imports() -> None:
    command = [sys.executable, "-c", IMPORTED]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    folders = {name.split(".")[1] for name in said if name.count(".") > 1}

    assert folders == copied_into(WATCH_DOCKERFILE)
    assert {"wirerace.runner.peer"} == {name for name in said if name.startswith("wirerace.runner.")}


@pytest.mark.processes
def test_image_of_a_path_takes_what_a_link_imports_and_every_package_of_it() -> None:
    command = [sys.executable, "-c", "import sys, wirerace.runner.network.control; print(*sys.modules)"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    ours = [name.split(".") for name in said if name.startswith("wirerace.")]

    assert {name[1] for name in ours if len(name) > 2} == copied_into(PATH_DOCKERFILE)
    assert {"network"} == {name[2] for name in ours if name[1] == "runner" and len(name) > 2}
    lock = (ROOT / "requirements/path.lock").read_text()
    assert [] == [name for name in ("msgspec", "hdrhistogram", "httptools") if f"\n{name}==" not in f"\n{lock}"]


@pytest.mark.processes
def test_image_of_a_path_takes_what_a_clock_imports() -> None:
    command = [sys.executable, "-c", "import sys, wirerace.runner.clocks; print(*sys.modules)"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    ours = [name.split(".") for name in said if name.startswith("wirerace.")]

    assert {name[1] for name in ours if len(name) > 2} <= copied_into(PATH_DOCKERFILE)
    assert {"clocks", "network"} == {name[2] for name in ours if name[1] == "runner" and len(name) > 2}
    assert " wirerace/runner/clocks.py " in (ROOT / PATH_DOCKERFILE).read_text()
    assert "\n!wirerace/runner/clocks.py\n" in (ROOT / ".dockerignore").read_text()


@pytest.mark.processes
def test_command_line_imports_no_client_of_an_engine_that_most_runs_do_without() -> None:
    """It takes a quarter of a start-up."""
    command = [sys.executable, "-c", "import sys; import wirerace.cli; print('docker' in sys.modules)"]
    assert "False\n" == subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("importer", "target"),
    [("services", "loadtests"), ("loadtests", "services"), ("wirerace", "services"), ("wirerace", "loadtests")],
)
def test_sides_never_import_each_other(importer: str, target: str) -> None:
    assert [] == [str(item) for item in within(importer, target)]


def test_wirerace_imports_downwards_only() -> None:
    upwards = [item for item in within("wirerace", "wirerace") if layer_of(item.target) > layer_of(item.importer)]

    assert [] == [str(item) for item in upwards]


def test_only_what_runs_starts_processes() -> None:
    found = [item for package in PACKAGES for item in within(package, *PROCESSES)]

    assert [] == [str(item) for item in found if not lies_in(item.importer, *RUNS)]


def test_wirerace_opens_sockets_only_where_it_runs_something() -> None:
    found = within("wirerace", *SOCKETS)

    assert [] == [str(item) for item in found if not lies_in(item.importer, *RUNS, *SERVES)]


@pytest.mark.parametrize(
    "folder", ["wire", "workload", "experiment", "record", "theory", "analysis", "reproductions", "report"]
)
def test_what_computes_samples_no_machine(folder: str) -> None:
    assert [] == [str(item) for item in within(f"wirerace.{folder}", "psutil", "docker", "wirerace.host")]


@pytest.mark.long
def test_no_name_of_a_class_stands_for_two_things() -> None:
    places: dict[str, list[str]] = {}
    for path in (path for folder in (*PACKAGES, "benchmarks", "grafana") for path in (ROOT / folder).rglob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(str(path.relative_to(ROOT)))

    assert {} == {name: found for name, found in places.items() if len(found) > 1}


@pytest.mark.long
@pytest.mark.parametrize(("package", "lock"), [("services", "services"), ("loadtests", "load")])
def test_image_has_every_package_that_its_code_imports(package: str, lock: str) -> None:
    lines = (ROOT / "requirements" / f"{lock}.lock").read_text().splitlines()
    pinned = {line.partition("==")[0] for line in lines if "==" in line}
    found = {item.target.partition(".")[0] for item in imports() if lies_in(item.importer, package)}
    foreign = found - sys.stdlib_module_names - {*PACKAGES, "__future__"}

    assert foreign
    for name in foreign:
        assert pinned & {one.lower().replace("_", "-") for one in packages_distributions()[name]}, name
