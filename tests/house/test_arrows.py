"""Imports follow the arrows of the house: data flows one way, and no import points against it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

from waybill.settings import PROJECT

ARROWS: dict[str, set[str]] = {  # package -> the packages that it may import, besides itself
    "waybill": set(),
    "setup": set(),
    "warehouse": {"waybill"},
    "loader": {"waybill", "warehouse"},
    "streaming": {"waybill", "warehouse", "loader"},
    "expectations": {"waybill", "warehouse"},
    "ml": {"waybill", "warehouse"},
    "data": {"waybill"},
    "pipeline": {"waybill", "warehouse", "loader", "streaming", "expectations", "ml"},
    "dags": set(),
    "benchmarks": {"waybill", "warehouse", "loader", "streaming", "expectations", "ml", "data", "pipeline"},
}
LOADER = ("checking", "reading", "landing", "rejects", "tracing", "undo")  # each may import those before it
THE_ONE_COMMAND = "waybill.__main__"  # it names the commands of all packages and imports each when it is called


@cache
def modules() -> dict[str, Path]:
    """Return dotted name -> file of every module of the product."""
    files = (path for package in ARROWS for path in (PROJECT / package).rglob("*.py"))
    return {".".join(path.relative_to(PROJECT).with_suffix("").parts): path for path in files}


@cache
def imports(module: str) -> frozenset[str]:
    """Return the modules, ours and others, that a module imports anywhere, in its functions too."""
    return frozenset(_imported(ast.parse(modules()[module].read_text())))


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name if name in modules() else str(node.module) for name in names)


def arrows() -> set[tuple[str, str]]:
    """Return (module, imported module) for all imports among our packages."""
    return {
        (module, name)
        for module in modules()
        if module != THE_ONE_COMMAND
        for name in imports(module)
        if name.partition(".")[0] in (*ARROWS, "tests")
    }


def test_every_folder_with_python_has_its_arrows() -> None:
    folders = {path.relative_to(PROJECT).parts[0] for path in PROJECT.glob("[!.]*/*.py")}
    assert folders - {"tests", "notebooks"} == set(ARROWS)


def test_packages_import_only_packages_before_them() -> None:
    against = {
        f"{module} imports {name}"
        for module, name in arrows()
        for package, imported in [(module.partition(".")[0], name.partition(".")[0])]
        if imported not in {package, *ARROWS[package]}
    }
    assert against == set()


def test_loader_packages_import_only_those_before_them() -> None:
    against = {
        f"{module} imports {name}"
        for module, name in arrows()
        for package, imported in [(module.split(".")[1], name.split(".")[1:2])]
        if module.startswith("loader.") and package in LOADER and name.startswith("loader.")
        if imported[0] in LOADER[LOADER.index(package) + 1 :]
    }
    assert against == set()


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for module, name in arrows():
        graph.setdefault(module, set()).add(name)
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_setup_imports_the_standard_library_only() -> None:
    found = {name.partition(".")[0] for module in modules() if module.startswith("setup.") for name in imports(module)}
    assert found - {"setup"} <= sys.stdlib_module_names


def test_dags_import_airflow_alone_and_nothing_else_imports_it() -> None:
    of_dags = {name.partition(".")[0] for module in modules() if module.startswith("dags.") for name in imports(module)}
    assert of_dags - sys.stdlib_module_names == {"airflow", "yaml"}  # Airflow's environment has yaml
    others = (module for module in modules() if not module.startswith("dags."))
    assert [module for module in others if {"airflow"} & {name.partition(".")[0] for name in imports(module)}] == []


def test_no_package_imports_tests() -> None:
    assert {module for module, name in arrows() if name.startswith("tests")} == set()
