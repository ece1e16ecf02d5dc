"""Folders, test modules and test names stay small enough to find things."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

from waybill.settings import PROJECT

MAX_MODULES = 13  # about a dozen
MAX_TEST_LINES = 400
MAX_TEST_NAME = 60  # characters
TESTS = sorted((PROJECT / "tests").rglob("*.py"))


def test_no_folder_holds_more_than_about_a_dozen_modules() -> None:
    files = [path for path in PROJECT.glob("[!.]*/**/*.py") if not path.name.startswith(("__", "conftest", "test_"))]
    held = Counter(str(path.parent.relative_to(PROJECT)) for path in files)
    del held["warehouse/migrations/versions"]  # one module for each layout
    assert {folder: count for folder, count in held.items() if count > MAX_MODULES} == {}


def test_no_module_of_tests_is_longer_than_400_lines() -> None:
    lengths = {str(path.relative_to(PROJECT)): len(path.read_text().splitlines()) for path in TESTS}
    assert {name: length for name, length in lengths.items() if length > MAX_TEST_LINES} == {}


def test_names_of_tests_have_at_most_60_characters() -> None:
    assert [name for path in TESTS for name in _test_names(path) if len(name) > MAX_TEST_NAME] == []


def test_no_module_has_two_tests_of_one_name() -> None:
    for path in TESTS:
        names = _test_names(path)
        assert sorted(set(names)) == sorted(names), path


def _test_names(path: Path) -> list[str]:
    functions = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef))
    return [function.name for function in functions if function.name.startswith("test_")]
