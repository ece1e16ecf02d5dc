"""Every text file is read and written in a named encoding, so that the locale changes nothing."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

TEXT_METHODS = {"read_text", "write_text"}


def test_every_text_file_has_a_named_encoding() -> None:
    listed = subprocess.check_output(["git", "ls-files", "*.py", ":!tests", ":!benchmarks", ":!setup"], text=True)
    unnamed = [f"{name}:{call.lineno}" for name in listed.split() for call in _calls(Path(name)) if _is_unnamed(call)]
    assert unnamed == []


def _calls(path: Path) -> Iterator[ast.Call]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _is_unnamed(call: ast.Call) -> bool:
    """Return whether a call opens a text file in the encoding of the locale."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if any(keyword.arg == "encoding" for keyword in call.keywords):
        return False
    if name == "open":
        owner = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
        modes = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        return owner not in ("os", "archive", "opener") and not any("b" in mode for mode in modes)
    return name in TEXT_METHODS
